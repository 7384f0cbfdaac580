package proof_test

import (
	"context"
	"testing"

	"freshet/bench/testmesh"
	"freshet/cluster/ring"
)

// watchRing returns what has w told of the packets of the first flow at the last edge, once that carries
// the stream; it closes watched then.
func watchRing(m *testmesh.Mesh, w ring.Waker, watched chan<- struct{}) func(context.Context) error {
	return func(ctx context.Context) error {
		table := m.Last().Table
		for {
			changed := table.Changed()
			if s := table.Get(testmesh.Stream); s != nil {
				defer s.Flows[0].Ring.Watch(w)()
				close(watched)
				<-ctx.Done()
				return nil
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// mean returns the mean of a histogram of n.
func mean(t *testing.T, n *testmesh.Node, name string) float64 {
	t.Helper()
	families, err := n.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	var count uint64
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				sum += m.GetHistogram().GetSampleSum()
				count += m.GetHistogram().GetSampleCount()
			}
		}
	}
	if count == 0 {
		t.Fatalf("%s: nothing was observed", name)
	}
	return sum / float64(count)
}
