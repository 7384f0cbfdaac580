package egress

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What a shard's loop does is counted: packets, time, and what left late or was given up.
func TestWork(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	r.join(p.s, "viewer", Form{Type: 96}, Form{Type: 111})
	r.step(3*time.Second, func() { p.due(onlyFirst) })
	before := r.e.Work()[0]
	if before.Packets == 0 || before.Bytes < before.Packets*20 || before.Batches == 0 || before.Late != 0 {
		t.Fatalf("after 3 s: %+v", before)
	}
	// The loop is held up for longer than a frame may be late, then for so long that it gives up.
	for i, held := range []time.Duration{lateAfter + time.Millisecond, maxBehind + time.Second/10} {
		p.video(false)
		r.now = r.now.Add(held)
		r.s.round()
		if w := r.e.Work()[0]; w.Late != int64(i+1) {
			t.Errorf("held up for %v: %d batches late, want %d: %+v", held, w.Late, i+1, w)
		}
	}
}

// A round that does not end is work all the same, and none twice.
func TestWorkOfTheRoundUnderWay(t *testing.T) {
	r := newRig(t)
	w := &r.s.work
	for _, step := range []struct {
		do   func(at mono)
		want time.Duration
	}{
		{func(mono) {}, 0},
		{func(at mono) { w.begin(at) }, 0},
		{func(mono) {}, time.Second},
		{func(at mono) { w.end(at, 7, &sent{}) }, 2 * time.Second},
		{func(mono) {}, 2 * time.Second},
	} {
		step.do(r.now.Sub(r.s.started))
		if got := r.e.Work()[0].Busy; got < step.want-time.Microsecond || got > step.want {
			t.Errorf("busy: got %v, want %v", got, step.want)
		}
		r.now = r.now.Add(time.Second)
	}
}

// Viewers go to the shards in turn, until one has fewer than the others: then there.
func TestPick(t *testing.T) {
	e, err := New(Config{Media: netip.MustParseAddrPort("127.0.0.1:0"), Shards: 3},
		Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	for _, row := range []struct {
		viewers [3]int64
		want    [3]int // of 27
	}{
		{[3]int64{}, [3]int{9, 9, 9}},
		{[3]int64{100, 100 + lopsided, 100}, [3]int{9, 9, 9}},
		{[3]int64{100, 101 + lopsided, 100}, [3]int{18, 0, 9}},
		{[3]int64{1000, 1000, 0}, [3]int{0, 0, 27}},
	} {
		for i, n := range row.viewers {
			e.shards[i].work.viewers.Store(n)
		}
		var got [3]int
		for range 27 {
			s := e.Pick()
			for i := range got {
				if e.shards[i] == s {
					got[i]++
				}
			}
		}
		if got != row.want {
			t.Errorf("%v viewers: picked %v, want %v", row.viewers, got, row.want)
		}
	}
}
