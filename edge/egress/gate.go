package egress

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A gate lets so many handshakes compute at a time, first come, first served: a rush of joins would fill the
// scheduler's queues, and the shards' loops would stand in them too.
type gate struct {
	places chan struct{}
	waits  prometheus.Observer
}

func newGate(places int, waits prometheus.Observer) *gate {
	return &gate{places: make(chan struct{}, places), waits: waits}
}

// turnMost is how long a turn lasts. Computing takes a tenth of it: pion/dtls waits for something, perhaps because
// a viewer brought it about, and must not hold up the others.
const turnMost = 10 * time.Millisecond

// A turn is the place that one goroutine of a handshake holds in a gate, or does not. take is that goroutine's, the
// rest anybody's.
type turn struct {
	gate *gate

	mu    sync.Mutex
	held  bool
	over  bool        // nobody waits for a place any more
	timer *time.Timer // passes when the turn has lasted too long
}

// take waits for a place. It returns false where one of the channels was closed first.
func (t *turn) take(dead, deadline <-chan struct{}) bool {
	if t.ended() {
		return true
	}
	began := time.Now()
	select {
	case t.gate.places <- struct{}{}:
	case <-dead:
		return false
	case <-deadline:
		return false
	}
	t.gate.waits.Observe(time.Since(began).Seconds())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.held {
		<-t.gate.places
		return true
	}
	t.held = true
	if t.timer == nil {
		t.timer = time.AfterFunc(turnMost, t.pass)
	} else {
		t.timer.Reset(turnMost)
	}
	return true
}

// pass gives the place to the next one, if it is held.
func (t *turn) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held {
		t.held = false
		t.timer.Stop()
		<-t.gate.places
	}
}

// end passes. From then on take needs no place, and holds none.
func (t *turn) end() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.pass()
}

func (t *turn) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}
