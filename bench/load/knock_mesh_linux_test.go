package load_test

import (
	"context"
	"testing"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// Who knocks is told what a viewer would be, and leaves nothing behind.
func TestKnock(t *testing.T) {
	m := onAir(t)
	edge := m.Last()
	k, err := load.NewKnocker(edge.WHEP(testmesh.Stream), "")
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for range 3 {
		if took, err := k.Knock(t.Context()); err != nil || took <= 0 {
			t.Errorf("an open edge: %v after %v", err, took)
		}
	}
	testmesh.Until(t, "no session", testmesh.Patience, func() bool { return edge.Metric("freshet_edge_joining_packets") == 0 })
	if got := edge.Metric("freshet_egress_sessions_ended_total", "reason", "closed"); got != 3 {
		t.Errorf("%v sessions were given back, want 3", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Knock(ctx); err == nil {
		t.Error("it was told to stop, and knocked")
	}
}
