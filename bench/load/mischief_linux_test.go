package load_test

import (
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// Who means harm does it with good keys, is one viewer to the edge, and the edge counts what it did.
func TestMischief(t *testing.T) {
	t.Parallel()
	const long = 2 * time.Second // of settling and watching
	for _, row := range []struct {
		what  load.Mischief
		count string
		least float64 // of what it asks for in that time, on a machine that others use
	}{
		{load.MischiefDeaf, "freshet_egress_nacks_total", 0},
		{load.MischiefNACK, "freshet_egress_nacks_total", 256 * 100},
		{load.MischiefKeys, "freshet_egress_keyframe_requests_total", 1000},
	} {
		t.Run(string(row.what), func(t *testing.T) {
			t.Parallel() // most of it is waiting
			m := onAir(t)
			edge := m.Last()
			var there float64
			r, err := load.Swarm(t.Context(), load.SwarmConfig{
				URL: edge.WHEP(testmesh.Stream), Viewers: 1, Settle: time.Second, For: long, Misbehave: row.what,
				Progress: func(load.SwarmProgress) { there = max(there, float64(edge.Edge.Viewers()[testmesh.Stream])) },
			})
			if err != nil {
				t.Fatal(err)
			}
			v := r.Viewers[0]
			if there != 1 || v.End != load.EndStopped || v.FirstPicture == 0 {
				t.Errorf("%v was there, %+v", there, v)
			}
			if got := edge.Metric(row.count); got < row.least {
				t.Errorf("%s: %v, want %v at least", row.count, got, row.least)
			}
			if got := edge.Metric("freshet_egress_hostile_packets_total"); got != 0 {
				t.Errorf("%v datagrams were not authentic, want none: the edge drops those at once", got)
			}
			switch row.what {
			case load.MischiefDeaf:
				if v.Dropped == 0 {
					t.Error("its buffer never was full")
				}
			case load.MischiefNACK:
				if v.Repeated == 0 || edge.Metric("freshet_egress_resent_packets_total") == 0 {
					t.Errorf("nothing was sent again: %d came twice", v.Repeated)
				}
			}
		})
	}
}

// The delays of the pieces are those of the whole.
func TestSlices(t *testing.T) {
	t.Parallel() // most of it is waiting
	m := onAir(t)
	r := swarm(t, load.SwarmConfig{
		URL: m.Last().WHEP(testmesh.Stream), Viewers: 3, Settle: time.Second, For: 1100 * time.Millisecond, Slice: 250 * time.Millisecond,
	})
	if len(r.Slices) != 4 || r.Delay == nil {
		t.Fatalf("%d pieces, %+v", len(r.Slices), r.Delay)
	}
	n, most := 0, 0.0
	for i, s := range r.Slices {
		if s.Delay.N < 3*170/8 || s.Delay.P99 < s.Delay.P50 || i > 0 && !s.From.Equal(r.Slices[i-1].To) {
			t.Errorf("piece %d: %+v", i, s)
		}
		n += s.Delay.N
		most = max(most, s.Delay.Max)
	}
	if n > r.Delay.N || n < r.Delay.N*8/10 || most > r.Delay.Max {
		t.Errorf("%d packets in the pieces, %d in all; %v and %v at most", n, r.Delay.N, most, r.Delay.Max)
	}
}
