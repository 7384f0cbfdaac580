package testmesh

import (
	"context"
	"sync"
	"time"

	"freshet/bench/load"
	"freshet/cluster/stream"
)

// Patience is how long a state of the mesh may take to come about on a busy machine.
const Patience = 10 * time.Second

// Until returns once ok holds, looking every 5 ms. Where it does not within d, the test ends there.
func Until(t T, what string, d time.Duration, ok func() bool) {
	t.Helper()
	late := time.NewTimer(d)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("%s: not within %v", what, d)
		case <-t.Context().Done():
			t.Fatalf("%s: not before the test was told to end", what)
		}
	}
}

// WaitLive returns the stream id as node n carries it, once packets of all its flows have come.
func (n *Node) WaitLive(id string) *stream.Stream {
	n.t.Helper()
	var s *stream.Stream
	Until(n.t, "stream "+id+" on "+n.Name, Patience, func() bool {
		if s = n.Table.Get(id); s == nil || !s.Live(time.Now()) {
			return false
		}
		for _, f := range s.Flows {
			if f.Ring.Head() == 0 {
				return false
			}
		}
		return true
	})
	return s
}

// Metric returns the sum of the metric called name over all its labels that have the given values; labels
// are name, value, name, value. A metric that has never been counted is 0.
func (n *Node) Metric(name string, labels ...string) float64 {
	n.t.Helper()
	families, err := n.Registry.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			has := map[string]string{}
			for _, l := range m.Label {
				has[l.GetName()] = l.GetValue()
			}
			ok := true
			for i := 0; i+1 < len(labels); i += 2 {
				ok = ok && has[labels[i]] == labels[i+1]
			}
			if ok {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
			}
		}
	}
	return sum
}

// Publish starts a publisher of made-up packets of stream Stream and returns once the origin has its media.
// It ends with the test, or when stop is called; stop returns when it has ended.
func (m *Mesh) Publish(cfg load.RawConfig) (raw *load.Raw, stop func()) {
	m.t.Helper()
	if cfg.URL == "" {
		cfg.URL, cfg.Key = m.Origin.WHIP(Stream), Key
	}
	raw, err := load.NewRaw(cfg, Log(m.t))
	if err != nil {
		m.t.Fatal(err)
	}
	stop = m.Background("publisher", raw.Run)
	select {
	case <-raw.Connected():
	case <-time.After(Patience):
		m.t.Fatal("the publisher did not connect")
	}
	m.Origin.WaitLive(Stream)
	return raw, stop
}

// Background runs f until the test ends or stop is called, both of which wait for it; it must return nil.
func (m *Mesh) Background(what string, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				m.t.Errorf("%s: %v", what, err)
			}
		case <-time.After(stopWithin):
			m.t.Errorf("%s did not end within %v", what, stopWithin)
		}
	})
	m.t.Cleanup(stop)
	return stop
}
