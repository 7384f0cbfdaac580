package ingest

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/cluster/stream"
	"freshet/proto/problem"
)

// A place is where a test says that the stream is placed.
type place struct {
	mu            sync.Mutex
	number        uint64
	here, standby bool
}

func (p *place) set(number uint64, here bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number, p.here, p.standby = number, here, false
}

func (p *place) standBy(number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number, p.here, p.standby = number, true, true
}

func (p *place) get(string) (uint64, bool, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.number, p.here, p.standby
}

// onAir has a publisher at the stream's origin, by placement 3.
func onAir(t *testing.T, g *Ingest, table *stream.Table) (*place, *sender, *stream.Stream) {
	t.Helper()
	p := &place{}
	p.set(3, true)
	g.deps.Placed = p.get
	a := sit(t, g, 1)
	a.send(10)
	return p, a, table.Get("floor")
}

// A stream that is placed elsewhere ends here, whoever publishes: those who take it from here take it from there then.
// Nobody may publish it here until it is placed here again, and what begins then counts more.
func TestPlacedElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		var p place
		p.set(3, true)
		g.deps.Placed = p.get
		a, b := sit(t, g, 1), sit(t, g, 5000)
		a.send(10)
		s := table.Get("floor")
		if got := stream.Placement(s.Epoch); got != 3 {
			t.Errorf("an epoch of placement %d, want 3", got)
		}
		p.set(4, false)
		time.Sleep(tick + time.Millisecond)
		synctest.Wait()
		if !a.closed.Load() || !b.closed.Load() || !errors.Is(s.Err(), stream.ErrLost) || table.Get("floor") != nil {
			t.Errorf("closed %v, %v, stream %v", a.closed.Load(), b.closed.Load(), s.Err())
		}
		_, err := g.Join(t.Context(), "floor", "late", formats, a)
		if pr := (*problem.Problem)(nil); !errors.As(err, &pr) || pr.Status != 421 {
			t.Errorf("a publisher afterwards: %v", err)
		}
		p.set(5, true)
		sit(t, g, 1).send(2)
		if again := table.Get("floor"); again == nil || again.Epoch <= s.Epoch || stream.Placement(again.Epoch) != 5 {
			t.Error("it does not begin anew when it is placed here again")
		}
	})
}

// Where the node leaves in order, a publisher whose stream is placed elsewhere is told to move, and heard until it has; one
// that stays is closed.
func TestSentAway(t *testing.T) {
	for _, stays := range []bool{false, true} {
		bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
			var p place
			p.set(3, true)
			g.deps.Placed, g.deps.Leaving = p.get, func() bool { return true }
			a := sit(t, g, 1)
			a.send(10)
			s := table.Get("floor")
			p.set(4, false)
			a.send(50) // a second
			if n := a.moves.Load(); n != 1 || a.closed.Load() || s.Err() != nil {
				t.Fatalf("told %d times, closed %v, stream %v", n, a.closed.Load(), s.Err())
			}
			head := s.Flows[0].Ring.Head()
			a.send(50)
			if now := s.Flows[0].Ring.Head(); now < head+50 {
				t.Errorf("%d packets while it moves, want 50", now-head)
			}
			if stays {
				time.Sleep(moveGrace)
			} else {
				a.seat.Leave()
				time.Sleep(tick + time.Millisecond)
			}
			synctest.Wait()
			if a.closed.Load() != stays || !errors.Is(s.Err(), stream.ErrLost) || table.Get("floor") != nil {
				t.Errorf("stays %v: closed %v, stream %v", stays, a.closed.Load(), s.Err())
			}
		})
	}
}

// A stream whose placement has another number, of the same origin, goes on in a new epoch with the publisher that is here.
func TestPlacedAnew(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		p, a, s := onAir(t, g, table)
		p.set(5, true)
		a.send(10)
		again := table.Get("floor")
		if again == s || stream.Placement(again.Epoch) != 5 || !errors.Is(s.Err(), stream.ErrNewEpoch) || a.closed.Load() {
			t.Fatalf("epoch %d after %d, %v", again.Epoch, s.Epoch, s.Err())
		}
		if v := again.Flows[1].Ring.At(0); v == nil || !v.Key {
			t.Error("it does not begin with a key frame")
		}
		if n := again.Flows[0].Ring.Head(); n < 5 {
			t.Errorf("%d packets of sound since, want 7 or so", n)
		}
	})
}

// An origin that has become the standby of a stream that it has on the air gives it away: who takes it from here is to take
// it from the new origin. Its publisher stays, and after a while what it sends is there to be taken, should that one die.
func TestOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		p, a, s := onAir(t, g, table)
		p.standBy(5)
		a.send(50)
		if !errors.Is(s.Err(), stream.ErrLost) || table.Get("floor") != nil || a.closed.Load() {
			t.Fatalf("stream %v, at hand %v, publisher closed %v", s.Err(), table.Get("floor") != nil, a.closed.Load())
		}
		a.send(int(asideFor / (20 * time.Millisecond)))
		again := table.Get("floor")
		if again == nil || stream.Placement(again.Epoch) != 5 {
			t.Fatalf("afterwards: %v", again)
		}
		if v := again.Flows[1].Ring.At(0); v == nil || !v.Key {
			t.Error("it does not begin with a key frame")
		}
		p.set(5, true)
		a.send(10)
		if table.Get("floor") != again || again.Err() != nil {
			t.Errorf("when it is the origin again the stream does not go on: %v", again.Err())
		}
		p.standBy(7)
		a.send(10)
		p.set(7, true)
		a.send(10)
		if back := table.Get("floor"); back == nil || stream.Placement(back.Epoch) != 7 {
			t.Errorf("overtaken, and at once the origin again: %v", back)
		}
	})
}

// What a standby has from the start is there at once, and goes on when its node becomes the origin.
func TestStandsBy(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		var p place
		p.standBy(4)
		g.deps.Placed = p.get
		a := sit(t, g, 1)
		a.send(10)
		s := table.Get("floor")
		if s == nil || stream.Placement(s.Epoch) != 4 {
			t.Fatalf("a standby has %v", s)
		}
		p.set(4, true)
		a.send(10)
		if table.Get("floor") != s || s.Err() != nil {
			t.Errorf("it does not go on: %v", s.Err())
		}
	})
}
