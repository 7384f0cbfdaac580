package egress

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func testGate(places int) *gate {
	return newGate(places, prometheus.NewHistogram(prometheus.HistogramOpts{Name: "test"}))
}

// No more compute at once than there are places, and none is lost, however turns end.
func TestGate(t *testing.T) {
	const places, goroutines, turns = 3, 40, 200
	g := testGate(places)
	var inside, most atomic.Int64
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() {
			dead := make(chan struct{})
			r := turn{gate: g}
			var ended sync.WaitGroup
			for n := range turns {
				if !r.take(dead, nil) {
					break
				}
				now := inside.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				inside.Add(-1)
				if n == turns/2+i { // from outside, with a place or without
					ended.Go(func() { close(dead); r.end() })
				}
				r.pass()
			}
			r.end()
			ended.Wait()
		})
	}
	all.Wait()
	if most.Load() > places {
		t.Errorf("%d were inside at once, want %d at most", most.Load(), places)
	}
	if n := len(g.places); n != 0 {
		t.Errorf("%d places are lost", n)
	}
}

// Whoever waits for a turn stops waiting when its handshake is over.
func TestTurnEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := testGate(1)
		holder := turn{gate: g}
		if !holder.take(nil, nil) {
			t.Fatal("a free place was not given")
		}
		dead := make(chan struct{})
		waiter := turn{gate: g}
		got := make(chan bool)
		go func() { got <- waiter.take(dead, nil) }()
		synctest.Wait()
		close(dead)
		if <-got {
			t.Error("a turn was given to one who is gone")
		}
		holder.end()
		if holder.take(nil, nil) || len(g.places) != 0 {
			t.Error("a turn was given after the end")
		}
	})
}

// A datagram is handed out with a turn, which ends with the next Read; nobody holds one while it waits.
func TestReadHasItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parse, sign := testGate(1), testGate(1)
		c := newConn(nil, endpoint{addr: netip.MustParseAddrPort("192.0.2.1:1")}, parse, sign)
		other := newConn(nil, endpoint{}, parse, sign)
		b := make([]byte, readSize)
		c.feed([]byte{1})
		if n, err := c.Read(b); n != 1 || err != nil || len(parse.places) != 1 {
			t.Fatalf("got %d bytes, %v, %d turns; want 1, no error, 1", n, err, len(parse.places))
		}
		other.feed([]byte{2, 2})
		read := make(chan int)
		go func() { n, _ := other.Read(make([]byte, readSize)); read <- n }()
		synctest.Wait()
		select {
		case <-read:
			t.Fatal("two had their turn at once")
		default:
		}
		late := make(chan error)
		if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		go func() { _, err := c.Read(b); late <- err }() // passes, and waits for more
		if n := <-read; n != 2 {
			t.Errorf("the next got %d bytes, want 2", n)
		}
		if err := <-late; err == nil {
			t.Error("a read whose deadline passed gave no error")
		}
		other.detach()
		c.detach()
		if n := len(parse.places) + len(sign.places); n != 0 {
			t.Errorf("%d places are lost", n)
		}
	})
}
