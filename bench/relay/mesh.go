package relay

import (
	"context"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

// Places of the layers of load.Simulcast.
const (
	baseLayer  = 0
	upperLayer = 1
	topLayer   = 2
	soundLayer = 3
)

// warm is left out at the beginning of every measurement.
const warm = 2 * time.Second

// patience is how long a state may take to come about, over a path that loses every third packet.
const patience = 30 * time.Second

// proxy starts an impaired path to target; it ends with the row.
func proxy(b *stand.Bench, target string, up, down impair.Path) *impair.Proxy {
	b.Helper()
	p, err := impair.New(impair.Config{Listen: "127.0.0.1:0", Target: target, Up: up, Down: down, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Errorf("proxy: %v", err)
		}
	})
	return p
}

// A lab is a mesh in this process whose nodes are watched.
type lab struct {
	*testmesh.Mesh
	b     *stand.Bench
	raw   *load.Raw
	paths map[string]*impair.Proxy // to the upstream called so, by "edge upstream"
	rings map[string]*arrivals     // what came to a node's rings, by node
}

// newLab starts top with a path p before each upstream of each edge that is in impaired, or of all where that
// is empty, and cfg's publisher, and returns once the origin has the stream.
func newLab(b *stand.Bench, top testmesh.Topology, p impair.Path, cfg load.RawConfig, impaired ...string) *lab {
	b.Helper()
	l := &lab{b: b, paths: map[string]*impair.Proxy{}, rings: map[string]*arrivals{}}
	isImpaired := map[string]bool{}
	for _, name := range impaired {
		isImpaired[name] = true
	}
	for i := range top.Edges {
		e := &top.Edges[i]
		if len(impaired) > 0 && !isImpaired[e.Name] {
			continue
		}
		e.Via = func(upstream, addr string) string {
			proxy := proxy(b, addr, p, p)
			l.paths[e.Name+" "+upstream] = proxy
			return proxy.Addr().String()
		}
	}
	l.Mesh = testmesh.New(b, top)
	l.watch(l.Origin)
	l.raw, _ = l.Publish(cfg)
	return l
}

// watch notes, and wants, all that comes to n's rings.
func (l *lab) watch(n *testmesh.Node) *arrivals {
	a := newArrivals()
	l.rings[n.Name] = a
	l.Background("watch of "+n.Name, func(ctx context.Context) error {
		for {
			changed := n.Table.Changed()
			if s := n.Table.Get(testmesh.Stream); s != nil {
				follow(ctx, n, s, a)
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return nil
			}
		}
	})
	return a
}

// follow watches s until n has another in its place.
func follow(ctx context.Context, n *testmesh.Node, s *stream.Stream, a *arrivals) {
	for _, f := range s.Flows {
		f.Want()
		defer f.Unwant()
		defer f.Ring.Watch(a)()
	}
	for {
		changed := n.Table.Changed()
		if n.Table.Get(s.ID) != s {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// viewer plays the stream at n until the row ends, and notes what it gets. A viewer that loses its session
// comes back: what it missed in between shows in what it noted.
func (l *lab) viewer(n *testmesh.Node) *arrivals {
	a := newArrivals()
	l.Background("viewer at "+n.Name, func(ctx context.Context) error {
		watchAgain(ctx, load.PlayConfig{URL: n.WHEP(testmesh.Stream), Packet: a.packet}, l.b)
		return nil
	})
	return a
}

// watchAgain plays, and again after each end, until ctx ends.
func watchAgain(ctx context.Context, cfg load.PlayConfig, b *stand.Bench) {
	for ctx.Err() == nil {
		if err := load.Play(ctx, cfg, nil, testmesh.Log(b)); err != nil {
			b.Logf("viewer of %s: %v", cfg.URL, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond): // a node that is gone refuses at once
		}
	}
}

// waitLive waits until n has packets of all flows.
func (l *lab) waitLive(n *testmesh.Node) *stream.Stream {
	l.b.Helper()
	var s *stream.Stream
	l.b.Until("stream on "+n.Name, patience, func() bool {
		if s = n.Table.Get(testmesh.Stream); s == nil {
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

// settle waits until what the publisher sent before now can have come anywhere.
func (l *lab) settle(rtt time.Duration) { l.b.During(time.Second+4*rtt, "settle") }
