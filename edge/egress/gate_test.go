package egress

import (
	"errors"
	"io"
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
	synctest.Test(t, func(t *testing.T) { // so that no turn lasts too long
		g := testGate(places)
		var inside, most atomic.Int64
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				r := turn{gate: g}
				for range turns {
					if !r.take(nil, nil) {
						t.Error("no turn, and nothing ended it")
					}
					now := inside.Add(1)
					for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
					}
					inside.Add(-1)
					r.pass()
				}
				var ended sync.WaitGroup
				ended.Go(r.end) // from outside, with a place or without
				r.take(nil, nil)
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
	})
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
		if !holder.take(nil, nil) || len(g.places) != 0 {
			t.Error("after the end a place was needed")
		}
	})
}

// Who does not pass is passed over.
func TestTurnLastsSoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := testGate(1)
		stuck, next := turn{gate: g}, turn{gate: g}
		stuck.take(nil, nil)
		began := time.Now()
		if !next.take(nil, nil) {
			t.Fatal("no turn")
		}
		if d := time.Since(began); d != turnMost {
			t.Errorf("the next waited for %v, want %v", d, turnMost)
		}
		stuck.pass() // of what it does not hold any more
		if n := len(g.places); n != 1 {
			t.Errorf("%d places are held, want that of the next", n)
		}
		next.pass()
		began = time.Now()
		stuck.take(nil, nil)
		time.Sleep(turnMost / 2)
		stuck.pass()
		next.take(nil, nil)
		time.Sleep(turnMost * 3 / 4) // the time of the turn before has run out, its own has not
		if n := len(g.places); n != 1 {
			t.Errorf("%v on, %d places are held, want 1", time.Since(began), n)
		}
		next.end()
		stuck.end()
		if n := len(g.places); n != 0 {
			t.Errorf("%d places are lost", n)
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
		third := newConn(nil, endpoint{}, parse, sign)
		third.parse.end() // the handshake is done
		third.feed([]byte{3, 3, 3})
		if n, err := third.Read(b); n != 3 || err != nil {
			t.Errorf("after the handshake: got %d bytes, %v", n, err)
		}
		third.detach()
		if _, err := third.Read(b); !errors.Is(err, io.EOF) {
			t.Errorf("after detach: got %v, want %v", err, io.EOF)
		}
		other.detach()
		c.detach()
		if n := len(parse.places) + len(sign.places); n != 0 {
			t.Errorf("%d places are lost", n)
		}
	})
}
