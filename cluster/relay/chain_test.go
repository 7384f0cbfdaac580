package relay

import (
	"context"
	"errors"
	"testing"
	"time"

	"freshet/cluster/stream"
)

// A stream crosses two hops complete, in both address families.
func TestChain(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(listen, func(t *testing.T) {
			m := newMesh(t)
			origin := m.node("origin", nodeConfig{listen: listen})
			hub := m.node("hub", nodeConfig{listen: listen}, origin.up())
			edge := m.node("edge", nodeConfig{listen: listen}, hub.up())
			p := publish(origin, "a", 7, audioFormat, videoFormat)
			write(p.Flows[0], 0, 40, 0)
			write(p.Flows[1], 0, 100, 30)

			l := pullNow(t, edge, "a")
			defer l.Release()
			s := l.Stream()
			if s.ID != "a" || s.Epoch != 7 || len(s.Flows) != 2 || s.Flows[1].Format != videoFormat {
				t.Fatalf("got stream %s, epoch %d, %d flows", s.ID, s.Epoch, len(s.Flows))
			}
			// The newest group came from the ring, audio did not.
			eventually(t, "the group from packet 90 on", func() bool { return has(s.Flows[1], 90, 100) })
			video, audio := record(s.Flows[1]), record(s.Flows[0])
			for i := 100; i < 1000; i += 50 {
				write(p.Flows[1], i, i+50, 30)
				write(p.Flows[0], i/5+20, i/5+30, 0)
				eventually(t, "all of the video", func() bool { return video.len() == i+50-90 })
				eventually(t, "all of the audio", func() bool { return audio.len() == i/5+30-40 })
			}
			if asked := p.asked.Load(); asked != 0 {
				t.Errorf("a join asked the publisher for %d key frames", asked)
			}
		})
	}
}

func TestPullFails(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	alone := m.node("alone", nodeConfig{}, Upstream{"nobody", "127.0.0.1:9"})
	for _, row := range []struct {
		node *node
		id   string
		want error
	}{
		{edge, "unknown", ErrUnknownStream},
		{edge, "Not An ID", ErrUnknownStream},
		{origin, "unknown", ErrUnknownStream},
		{alone, "a", ErrNoUpstream},
	} {
		ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
		if row.node != alone {
			ctx = t.Context()
		}
		l, err := row.node.Pull(ctx, row.id)
		stop()
		if l != nil || !errors.Is(err, row.want) {
			t.Errorf("%s pulls %q: got %v, want %v", row.node.cfg.Node, row.id, err, row.want)
		}
	}
	eventually(t, "rid of the pulls", func() bool { return edge.metric("pulled_streams") == 0 && alone.metric("pulled_streams") == 0 })
}

// All who want a stream share one subscription, which outlives the last of them by the linger.
func TestLinger(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{linger: 50 * time.Millisecond}, origin.up())
	publish(origin, "a", 1, audioFormat)
	var leases []*Lease
	for range 20 {
		leases = append(leases, pullNow(t, edge, "a"))
	}
	if n := origin.metric("subscriptions"); n != 1 {
		t.Errorf("20 leases made %v subscriptions", n)
	}
	s := leases[0].Stream()
	for _, l := range leases {
		if l.Stream() != s {
			t.Fatal("leases of one stream differ")
		}
		l.Release()
		l.Release()
	}
	eventually(t, "rid of the subscription", func() bool { return origin.metric("subscriptions") == 0 })
	<-s.Done()
	if edge.table.Get("a") != nil {
		t.Error("the stream stayed in the table")
	}
	again := pullNow(t, edge, "a")
	if again.Stream() == s {
		t.Error("got the stream that was let go")
	}
	again.Release()
}

func TestStreamEnds(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	p := publish(origin, "a", 1, audioFormat)
	l := pullNow(t, edge, "a")
	defer l.Release()
	p.End(stream.ErrEnded)
	origin.table.Remove(p.Stream)
	<-l.Stream().Done()
	if err := l.Stream().Err(); !errors.Is(err, stream.ErrEnded) {
		t.Errorf("ended with %v", err)
	}
	if edge.table.Get("a") != nil || hub.table.Get("a") != nil {
		t.Error("the stream stayed in a table")
	}
	if _, err := edge.Pull(t.Context(), "a"); !errors.Is(err, ErrUnknownStream) {
		t.Errorf("pulling it again: %v", err)
	}
}

// A publisher that comes back with other tracks makes a new epoch, which reaches every lease.
func TestNewEpoch(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	publish(origin, "a", 1, audioFormat)
	l := pullNow(t, edge, "a")
	defer l.Release()
	first, changed := l.Stream(), l.Changed()
	p := publish(origin, "a", 2, audioFormat, videoFormat)
	write(p.Flows[1], 0, 10, 5)
	<-changed
	s := l.Stream()
	if s == first || s.Epoch != 2 || len(s.Flows) != 2 {
		t.Fatalf("got epoch %d with %d flows", s.Epoch, len(s.Flows))
	}
	if !errors.Is(first.Err(), stream.ErrNewEpoch) {
		t.Errorf("first epoch ended with %v", first.Err())
	}
	eventually(t, "the new epoch's group", func() bool { return has(s.Flows[1], 5, 10) })
}

// The numbers that a node holds of an epoch do not count in the next: it gets the newest group, wherever the
// new numbers lie.
func TestNewEpochBelowTheOldNumbers(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	old := publish(origin, "a", 1, videoFormat)
	write(old.Flows[0], 500, 510, 500)
	l := pullNow(t, edge, "a")
	defer l.Release()
	eventually(t, "the old epoch", func() bool { return has(l.Stream().Flows[0], 500, 510) })
	changed := l.Changed()
	next := stream.New("a", 2, nil, []stream.Format{videoFormat}, func(*stream.Flow) {})
	write(next.Flows[0], 100, 110, 100) // there before anybody can ask for it
	origin.table.Put(next)
	<-changed
	eventually(t, "the new epoch's group", func() bool { return has(l.Stream().Flows[0], 100, 110) })
}
