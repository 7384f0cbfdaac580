// Package why remembers why viewers were sent where they were, for whoever is asked about it afterwards.
package why

import (
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"freshet/control/route"
)

const (
	most = 20_000         // decisions, at some 2 KiB each; of more, those go that were not asked for longest
	long = 24 * time.Hour // that they are told
)

// A Log keeps the last decision about each session, in memory: each control node knows its own. Its methods may be called
// from any goroutine.
type Log struct {
	mu  sync.Mutex
	all *simplelru.LRU[uuid.UUID, route.Decision]
}

// New returns a log that holds nothing.
func New() *Log {
	all, err := simplelru.NewLRU[uuid.UUID, route.Decision](most, nil)
	if err != nil {
		panic(err) // most is not positive
	}
	return &Log{all: all}
}

// Keep keeps d, which is not changed from then on, in place of what was decided about session before.
func (l *Log) Keep(session uuid.UUID, d route.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Add(session, d)
	for range 2 { // one comes at most, so all go in time
		if _, old, ok := l.all.GetOldest(); !ok || d.At.Sub(old.At) < long {
			return
		}
		l.all.RemoveOldest()
	}
}

// Of returns what was decided last about session, where that is not longer ago than a day before now.
func (l *Log) Of(session uuid.UUID, now time.Time) (route.Decision, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.all.Get(session)
	if !ok || now.Sub(d.At) >= long {
		return route.Decision{}, false
	}
	return d, true
}
