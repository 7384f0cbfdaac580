package proof_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/bench/testmesh"
	"freshet/edge/admit"
)

// A seated is one viewer of the overload, whether it was let in or not.
type seated struct {
	leave context.CancelFunc
	done  chan struct{} // closed when the rest is set
	final load.Report
	err   error
}

// seat has a viewer come to n, who stays until leave is called or the test ends.
func seat(t *testing.T, n *testmesh.Node) *seated {
	ctx, cancel := context.WithCancel(t.Context())
	s := &seated{leave: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = load.Play(ctx, load.PlayConfig{URL: n.WHEP(testmesh.Stream)}, func(r load.Report) { s.final = r }, testmesh.Log(t))
	}()
	t.Cleanup(func() { cancel(); <-s.done })
	return s
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// An edge that is offered half as much again as it can send serves those it let in as if nobody else were there, and
// sends the others on at once.
func TestOverload(t *testing.T) {
	const (
		places, early, late = 12, 8, 10 // of which 4 find a place
		packets             = 30*4 + 50 // a second and viewer
	)
	next := []string{"https://next.example/whep", "https://other.example/whep"}
	m := testmesh.New(t, testmesh.Topology{Edges: []testmesh.Edge{{
		Next:     next,
		Capacity: admit.Rate{Packets: places*packets + packets/5}, // a little for reports; with 11 there it stays full
	}}})
	m.Publish(load.RawConfig{Audio: true, KeyEvery: 30})
	edge := m.Last()
	worst := stalls(t)
	var inside []*seated
	for range early {
		inside = append(inside, seat(t, edge))
	}
	testmesh.Until(t, "eight viewers who show in the load", testmesh.Patience, func() bool {
		sent := edge.Metric("freshet_edge_load_packets")
		return edge.Edge.Viewers()[testmesh.Stream] == early && edge.Metric("freshet_edge_joining_packets") == 0 &&
			sent > 0.95*early*packets && sent < 1.05*early*packets
	})

	var rush []*seated
	for range late {
		rush = append(rush, seat(t, edge))
	}
	refused := 0
	testmesh.Until(t, "every offer answered, and who is refused gone", testmesh.Patience, func() bool {
		refused = 0
		for _, s := range rush {
			if isClosed(s.done) {
				refused++
			}
		}
		return edge.Metric("freshet_rtc_requests_total", "method", "POST") == early+late &&
			edge.Metric("freshet_edge_refused_offers_total") == float64(refused)
	})
	times, letIn := refusals(t, edge, next, 50)
	times.log(t, "a full edge's answer")
	held(t, "a full edge's answer", times.at(100), 50*time.Millisecond)
	for _, s := range rush {
		if !isClosed(s.done) {
			inside = append(inside, s)
			continue
		}
		why, ok := errors.AsType[*load.StatusError](s.err)
		if !ok || why.Status != http.StatusServiceUnavailable || why.RetryAfter == 0 {
			t.Errorf("refused with %v, want 503 and when to come again", s.err)
		}
	}
	if n := edge.Metric("freshet_edge_refused_offers_total"); n != float64(refused+len(times)) {
		t.Errorf("%v refusals counted, want %d", n, refused+len(times))
	}
	// An edge that does not get to run sends less than its viewers take, or is late: it has place, or has none, for that.
	if stalled := worst(); stalled > starved {
		t.Logf("the machine did not let this process run for %v: how many found a place says nothing of the edge", stalled)
	} else {
		if n := late - refused; n < 3 || n > places-early || letIn > 0 {
			t.Errorf("%d of %d found a place, and %d after them, want 3 or %d, and none", n, late, letIn, places-early)
		}
		if n := edge.Metric("freshet_edge_refused_offers_total", "reason", string(admit.FullRate)); n != float64(refused+len(times)) {
			t.Errorf("%v refused for the rate, want all %d", n, refused+len(times))
		}
		if n := edge.Metric("freshet_edge_full"); n != 1 {
			t.Errorf("freshet_edge_full: %v, want 1", n)
		}
	}

	// Some leave, and there is place again.
	for _, s := range inside[:3] {
		s.leave()
	}
	testmesh.Until(t, "place again", testmesh.Patience, func() bool { return edge.Metric("freshet_edge_full") == 0 })
	err := load.Play(t.Context(), load.PlayConfig{URL: edge.WHEP(testmesh.Stream), For: 2 * time.Second}, nil, testmesh.Log(t))
	if err != nil {
		t.Errorf("a viewer who came again: %v", err)
	}
	for _, s := range inside {
		s.leave()
		<-s.done
	}
	most := worst()
	if most > within(starved) {
		t.Skipf("VOID: the machine did not let this process run for %v; what viewers saw says nothing of the edge", most)
	}
	for i, s := range inside {
		if s.err != nil || len(s.final.Tracks) != 2 {
			t.Fatalf("viewer %d: %d tracks, %v", i, len(s.final.Tracks), s.err)
		}
		for _, tr := range s.final.Tracks {
			if most <= starved && (tr.Lost != 0 || tr.Damaged != 0 || tr.Freezes != 0) {
				t.Errorf("viewer %d, %s: %d lost, %d damaged, %d freezes, want none", i, tr.Kind, tr.Lost, tr.Damaged, tr.Freezes)
			}
			held(t, tr.Kind+" without a gap", tr.LongestGap, 180*time.Millisecond)
		}
	}
}

// starved is how long a machine may keep a process from running before packets are lost and pictures stand still for
// that alone.
const starved = 50 * time.Millisecond

// stalls finds out the longest time for which this process did not get to run so far, until the test ends.
func stalls(t *testing.T) (worst func() time.Duration) {
	var most atomic.Int64
	ctx := t.Context()
	done := make(chan struct{})
	go func() {
		defer close(done)
		const every = 5 * time.Millisecond
		tick := time.NewTicker(every)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				most.Store(max(most.Load(), int64(time.Since(last)-every)))
				last = now
			}
		}
	}()
	t.Cleanup(func() { <-done })
	return func() time.Duration { return time.Duration(most.Load()) }
}

// refusals knocks at a full edge over one connection until n offers were refused, and returns how long each of those
// took, and how many were let in meanwhile.
func refusals(t *testing.T, edge *testmesh.Node, next []string, n int) (times sample, letIn int) {
	t.Helper()
	k, err := load.NewKnocker(edge.WHEP(testmesh.Stream), "")
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var addresses []string
	for _, base := range next {
		addresses = append(addresses, base+"/"+testmesh.Stream)
	}
	for len(times) < n {
		took, err := k.Knock(t.Context())
		if err == nil {
			if letIn++; letIn > n {
				t.Fatalf("%d were let in, and %d refused: the edge is not full", letIn, len(times))
			}
			continue
		}
		why, ok := errors.AsType[*load.StatusError](err)
		if !ok || why.Status != http.StatusServiceUnavailable || why.Type != "/problems/full" || why.RetryAfter == 0 ||
			!slices.Equal(why.Next, addresses) || !slices.Equal(why.Alternate, addresses) {
			t.Fatalf("got %+v", err)
		}
		times = append(times, took)
	}
	return times, letIn
}
