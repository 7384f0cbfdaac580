package quorum

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"freshet/bench/report"
)

// A node takes calls on so many connections, and closes one more.
func TestManyCallers(t *testing.T) {
	n := newNetwork(t)
	q, err := New(Config{Node: "c1", Advertise: "c1:1", Dir: t.TempDir()},
		Deps{Log: discard(), Metrics: prometheus.NewRegistry(), Calls: n.line("c1:1", CallALPN), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	ctx := t.Context()
	go func() { done <- q.serve(ctx) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	dial := n.line("c2:1", CallALPN).Dial
	for range maxIn {
		if _, err := dial(t.Context(), "c1:1"); err != nil {
			t.Fatal(err)
		}
	}
	one, err := dial(t.Context(), "c1:1")
	if err != nil {
		t.Fatal(err)
	}
	_ = one.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := one.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one too many: %v, want EOF", err)
	}
	if got := testutil.ToFloat64(q.m.refused.WithLabelValues(string(refusedFull))); got != 1 {
		t.Errorf("%v are counted, want 1", got)
	}
}

// A leader has so many writes under way; who comes then waits for one to be done.
func TestManyWrites(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.leader()
	for range maxWrites {
		n.slots <- struct{}{}
	}
	if _, err := n.Apply(c.within(200*time.Millisecond), setting("a", "b")); !errors.Is(err, errBusy) {
		t.Errorf("%v, want busy", err)
	}
	<-n.slots
	c.apply(n, setting("a", "b"))
	if len(n.slots) != maxWrites-1 {
		t.Errorf("%d slots are taken, want %d: a write keeps its own", len(n.slots), maxWrites-1)
	}
}

func TestManyControlNodes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.leader()
	for i := range maxServers - 1 {
		if err := n.Join(c.within(10*time.Second), fmt.Sprintf("x%d", i), fmt.Sprintf("x%d:1", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Join(c.within(10*time.Second), "more", "more:1"); !errors.Is(err, ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
	if err := n.Join(c.within(10*time.Second), "x1", "x1:2"); err != nil {
		t.Errorf("one that is in, at another address: %v", err)
	}
	if err := n.Leave(c.within(10*time.Second), "x2"); err != nil {
		t.Error(err)
	}
	if err := n.Join(c.within(10*time.Second), "more", "more:1"); err != nil {
		t.Error(err)
	}
	c.apply(n, setting("a", "b"))
}

// Control nodes on two sides of an ocean keep their leader.
func TestFarApart(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	c := newCluster(t, 3)
	c.net.delayAll(75 * time.Millisecond) // one way
	before := report.ReadCounters()
	term := c.leader().Status().Term
	until := time.Now().Add(4 * time.Second)
	for time.Now().Before(until) {
		c.apply(c.nodes["c2"], setting("a", "b"))
	}
	c.keptLeader(term, before)
	c.net.delayAll(0)
}

// A machine that has too much to do keeps its leader.
func TestBusyMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	c := newCluster(t, 3)
	term := c.leader().Status().Term
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var busy sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			sum := sha256.Sum256(nil)
			for ctx.Err() == nil {
				sum = sha256.Sum256(sum[:])
			}
		})
	}
	before := report.ReadCounters()
	for ctx.Err() == nil {
		c.apply(c.nodes["c2"], setting("a", "b"))
	}
	busy.Wait()
	c.keptLeader(term, before)
}

// keptLeader checks that nobody was elected since term, unless the machine was busy with other things.
func (c *cluster) keptLeader(term uint64, before report.Counters) {
	c.Helper()
	now := c.leader().Status().Term
	if now == term {
		return
	}
	if load := report.ReadCounters().Since(before); load.Starved() {
		c.Skipf("VOID: term %d after %d, %v", now, term, load)
	}
	c.Errorf("term %d after %d: a leader was not heard in time", now, term)
}
