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

// A turn is the place that one goroutine of a handshake holds in a gate, or does not. take and pass are that
// goroutine's, end is anybody's.
type turn struct {
	gate *gate

	mu         sync.Mutex
	held, over bool
}

// take waits for a place. It returns false, and holds none, where one of the channels was closed first or the
// turn is over.
func (t *turn) take(dead, deadline <-chan struct{}) bool {
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
		return !t.over
	}
	t.held = true
	return true
}

// pass gives the place to the next one, if it is held.
func (t *turn) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held {
		t.held = false
		<-t.gate.places
	}
}

// end passes, and no place is held from then on.
func (t *turn) end() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.pass()
}
