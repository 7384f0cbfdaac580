package proof_test

import (
	"context"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// However many watch at an edge, the link from the origin carries each layer once.
func TestOneCopy(t *testing.T) {
	viewers, over := 1000, 40*time.Second
	if testing.Short() {
		viewers, over = 40, 4*time.Second
	}
	m := testmesh.New(t, testmesh.Chain(1))
	m.Publish(load.RawConfig{Rate: 5, KeyEvery: 5}) // a thousand pion viewers share these cores with the mesh
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stopAll := make([]func(), 0, viewers)
	tick := time.NewTicker(over / time.Duration(viewers))
	defer tick.Stop()
	for range viewers {
		<-tick.C
		stopAll = append(stopAll, m.Background("viewer", func(own context.Context) error {
			playing, end := context.WithCancel(own)
			defer end()
			defer context.AfterFunc(ctx, end)()
			return load.Play(playing, load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream)}, nil, testmesh.Log(t))
		}))
	}
	testmesh.Until(t, "all viewers", 2*over, func() bool { return m.Last().Edge.Viewers()[testmesh.Stream] == viewers })

	flow := m.Origin.WaitLive(testmesh.Stream).Flows[0]
	sent := func() float64 { return m.Origin.Metric("freshet_relay_link_sent_bytes_total") }
	out := func() float64 { return m.Last().Metric("freshet_egress_sent_bytes_total") }
	before, media, served := sent(), flow.Bytes(), out()
	const pictures = 25
	testmesh.Until(t, "some pictures", 3*testmesh.Patience, func() bool { return flow.Bytes()-media > pictures*4*1000 })
	carried, made, gave := sent()-before, float64(flow.Bytes()-media), out()-served
	t.Logf("%d viewers: the publisher made %.0f bytes, the link carried %.0f, the edge sent %.0f", viewers, made, carried, gave)
	if made == 0 || carried > 1.1*made {
		t.Errorf("the link carried %.2f of what the publisher made, want one copy", carried/made)
	}
	if gave < 0.5*float64(viewers)*made {
		t.Errorf("the edge sent %.0f bytes, which is not to %d viewers", gave, viewers)
	}
	if n := m.Last().Edge.Viewers()[testmesh.Stream]; n != viewers {
		t.Errorf("%d of %d viewers are left", n, viewers)
	}
	stop()
	for _, s := range stopAll {
		s()
	}
}
