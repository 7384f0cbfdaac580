package quorum

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/bench/report"
)

// pace is what a writer waits between writes: they show each gap, and leave the machine its time.
const pace = 4 * time.Millisecond

// A load writes on the nodes of a cluster, each writer to a stream of its own, where each write that was
// acknowledged has raised the epoch by one.
type load struct {
	c       *cluster
	mu      sync.Mutex
	on      map[string]*node // where writers write; a writer whose node is gone goes on at another
	acked   map[string]uint64
	at      []time.Time // of acknowledgements
	refused atomic.Int64
	stop    context.CancelFunc
	all     sync.WaitGroup
}

func (c *cluster) load(writers int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{c: c, on: map[string]*node{}, acked: map[string]uint64{}, stop: cancel}
	for name, n := range c.nodes {
		l.on[name] = n
	}
	for i := range writers {
		l.all.Go(func() { l.write(ctx, "s"+string(rune('a'+i)), i) })
	}
	c.Cleanup(func() { l.stop(); l.all.Wait() })
	return l
}

func (l *load) node(turn int) *node {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]string, 0, len(l.on))
	for name := range l.on {
		names = append(names, name)
	}
	slices.Sort(names)
	return l.on[names[turn%len(names)]]
}

func (l *load) move(name string, n *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n == nil {
		delete(l.on, name)
		return
	}
	l.on[name] = n
}

func (l *load) write(ctx context.Context, stream string, turn int) {
	var epoch uint64
	for ctx.Err() == nil {
		e := placing(stream, []string{"origin-1", "origin-2"}[epoch%2], epoch)
		e.Request = slices.Concat(make([]byte, 8), []byte(stream)[:2], []byte{0, 0, byte(epoch >> 24), byte(epoch >> 16), byte(epoch >> 8), byte(epoch)})
		r, err := l.node(turn).Apply(ctx, e)
		if errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) {
			turn++ // to ask elsewhere, with the same request
			continue
		}
		if err != nil {
			continue // the end
		}
		if r.Err() != nil || r.Number != epoch+1 {
			l.refused.Add(1)
			l.c.Errorf("%s: %+v after epoch %d: a write was lost or doubled", stream, r, epoch)
			return
		}
		epoch = r.Number
		l.mu.Lock()
		l.acked[stream] = epoch
		l.at = append(l.at, time.Now())
		l.mu.Unlock()
		select {
		case <-time.After(pace):
		case <-ctx.Done():
		}
	}
}

// gap returns the longest time without acknowledgement that began after from, and whether anything was acknowledged after.
func (l *load) gap(from time.Time, lasting time.Duration) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var most time.Duration
	last, n := from, 0
	for _, t := range l.at {
		if t.After(from) && t.Before(from.Add(lasting)) {
			most, last = max(most, t.Sub(last)), t
			n++
		}
	}
	return most, n > 0
}

// kept checks that every acknowledged write is in every ledger.
func (l *load) kept() {
	l.c.Helper()
	l.stop()
	l.all.Wait()
	l.c.same()
	s := l.c.leader().State()
	for stream, epoch := range l.acked {
		// One more may have been written whose answer the end of the test cut off.
		if got := s.Placements[stream].GetEpoch(); got != epoch && got != epoch+1 {
			l.c.Errorf("%s has epoch %d, and %d was acknowledged", stream, got, epoch)
		}
	}
	if len(l.acked) == 0 {
		l.c.Error("nothing was written")
	}
}

// line prints a figure as RELIABILITY has them, and says whether the machine was idle enough for it.
func line(t testing.TB, id, death string, took []time.Duration, before report.Counters) (most time.Duration, void bool) {
	slices.Sort(took)
	ms := func(d time.Duration) int64 { return d.Milliseconds() }
	at := func(q float64) time.Duration { return took[min(len(took)-1, int(q*float64(len(took))))] }
	busy := report.ReadCounters().Since(before)
	b, _ := json.Marshal(map[string]any{
		"id": id, "death": death, "n": len(took), "p50": ms(at(.5)), "p99": ms(at(.99)), "max": ms(took[len(took)-1]),
		"unit": "ms", "busy": busy.Busy, "void": busy.Busy > .9,
	})
	t.Logf("%s", b)
	return took[len(took)-1], busy.Busy > .9
}

// A leader that dies under load is replaced within 2 s, and nothing that was acknowledged is lost (R6).
func TestLeaderDeath(t *testing.T) {
	deaths := 20
	if testing.Short() {
		deaths = 4
	}
	for _, death := range []string{"kill", "cut"} {
		t.Run(death, func(t *testing.T) {
			before := report.ReadCounters()
			c := newCluster(t, 3)
			l := c.load(4)
			var took []time.Duration
			for range deaths / 2 {
				dead := c.leader()
				l.move(dead.name, nil)
				from := time.Now()
				if death == "kill" {
					c.crash(dead)
				} else {
					c.kill(dead)
				}
				c.until("another leader", func() bool { return c.leader() != dead })
				c.until("writes again", func() bool { _, ok := l.gap(time.Now().Add(-100*time.Millisecond), time.Second); return ok })
				gap, _ := l.gap(from, time.Since(from))
				took = append(took, gap)
				l.move(dead.name, c.revive(dead.name))
				c.until("it follows", func() bool { return c.nodes[dead.name].Ready() == nil })
				c.until("it is caught up", func() bool {
					return c.nodes[dead.name].machine.index()+batch >= c.leader().machine.index()
				})
			}
			l.kept()
			if most, void := line(t, "R6", death, took, before); most > 2*time.Second {
				if void {
					t.Skipf("VOID: %v without writes, on a machine more than 90 %% busy", most)
				}
				t.Errorf("%v without writes, want 2 s at most", most)
			}
		})
	}
}

// All nodes die at once, and come back with all that was acknowledged (R21).
func TestTotalLoss(t *testing.T) {
	before := report.ReadCounters()
	c := newCluster(t, 3)
	l := c.load(4)
	c.until("a thousand writes", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.at) > 1000 })
	for _, n := range c.nodes {
		c.net.reset(addrOf(n.name))
	}
	for name, n := range c.nodes {
		l.move(name, n)
		c.end(n)
	}
	from := time.Now()
	for name := range c.nodes {
		l.move(name, c.start(name))
	}
	c.until("writes again", func() bool { _, ok := l.gap(from, time.Minute); return ok })
	took := time.Since(from)
	l.kept()
	if _, void := line(t, "R21", "kill", []time.Duration{took}, before); took > 5*time.Second {
		if void {
			t.Skipf("VOID: back after %v, on a machine more than 90 %% busy", took)
		}
		t.Errorf("back after %v, want 5 s at most", took)
	}
}

// A leader that stops in order hands over: nobody waits for its silence to be noticed.
func TestHandOver(t *testing.T) {
	c := newCluster(t, 3)
	l := c.load(4)
	c.until("a hundred writes", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.at) > 100 })
	for range 3 {
		old := c.leader()
		term := old.Status().Term
		l.move(old.name, nil)
		c.end(old)
		if now := c.leader(); now.Status().Term != term+1 {
			t.Errorf("term %d after %d: an election failed", now.Status().Term, term)
		}
		l.move(old.name, c.start(old.name))
		c.until("it follows", func() bool { return c.nodes[old.name].Ready() == nil })
	}
	l.kept()
}
