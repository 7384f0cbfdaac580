// Package gate says who may publish at this node: those with the key of a stream that is placed here, and those whom
// control has sent, with a ticket in the key's place. It asks nobody: what it knows, control has told before.
package gate

import (
	"sync"
	"time"

	pb "freshet/proto"
	"freshet/proto/token"
)

// usedMost is how many tickets are remembered, so that none is used twice: 40 a second, for as long as each counts.
const usedMost = 4096

// Records are what control has told of streams. CheckKey returns nil for the key of a stream that may be published, else a
// *problem.Problem: 401, 403, 404, or 503 while nothing was heard; CheckHash does so for the first bytes of its SHA-256.
type Records interface {
	CheckKey(stream, bearer string) error
	CheckHash(stream string, begins []byte) error
	Stream(id string) (*pb.StreamRecord, bool)
	TokenKeys() token.Keys
}

// A Gate is one origin's. Its methods may be called from any goroutine.
type Gate struct {
	node    string
	records Records

	mu   sync.Mutex
	used map[string]time.Time // tickets, until when they count
	told map[string]uint64    // placements here that tickets have told of, before the records did; by stream
}

// New returns the gate of node.
func New(node string, r Records) *Gate {
	return &Gate{node: node, records: r, used: map[string]time.Time{}, told: map[string]uint64{}}
}

// Admit says whether who has a stream's key as bearer, or else a ticket, may publish it here. Still says so again while the
// publisher is here. Errors are *problem.Problem: those of Records.CheckKey, and 421 where the stream is placed elsewhere.
func (g *Gate) Admit(stream, bearer, ticket string, now time.Time) (still func() error, err error) {
	check := func() error { return g.records.CheckKey(stream, bearer) }
	if bearer == "" && ticket != "" {
		t, err := g.use(stream, ticket, now)
		if err != nil {
			return nil, err
		}
		check = func() error { return g.records.CheckHash(stream, t.Key) }
	}
	still = func() error {
		if err := check(); err != nil {
			return err
		}
		if _, here, _ := g.Placed(stream); !here {
			return elsewhere()
		}
		return nil
	}
	return still, still()
}

// Placed returns the number under which stream may be published at this node, whether it may, and whether the node only
// stands by for its origin. The number is 0 where nobody places streams. The standby has the next one beforehand: what it
// sends counts more than what the origin sends, from the moment on that somebody asks it.
func (g *Gate) Placed(stream string) (number uint64, here, standby bool) {
	r, known := g.records.Stream(stream)
	g.mu.Lock()
	defer g.mu.Unlock()
	told, ahead := g.told[stream]
	switch {
	case ahead && (!known || r.GetEpoch() < told):
		return told, true, false
	case ahead:
		delete(g.told, stream)
	}
	switch {
	case !known, r.GetOrigin() == "":
		return 0, true, false
	case r.GetOrigin() == g.node:
		return r.GetEpoch(), true, false
	case r.GetStandby() == g.node:
		return r.GetEpoch() + 1, true, true
	}
	return r.GetEpoch(), false, false
}

// Standby returns the node that stands by for a stream whose origin is this node; empty for none.
func (g *Gate) Standby(stream string) string {
	r, known := g.records.Stream(stream)
	if !known || r.GetOrigin() != g.node || r.GetStandby() == g.node {
		return ""
	}
	return r.GetStandby()
}

// use takes a ticket, which is of no use any more then.
func (g *Gate) use(stream, text string, now time.Time) (token.Ticket, error) {
	t, err := token.CheckTicket(g.records.TokenKeys(), text, now)
	switch {
	case err != nil, t.Stream != stream:
		return token.Ticket{}, wrong()
	case t.Node != g.node:
		return token.Ticket{}, elsewhere()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, used := g.used[t.ID]; used {
		return token.Ticket{}, wrong()
	}
	if len(g.used) >= usedMost {
		g.sweep(now)
	}
	if len(g.used) >= usedMost {
		return token.Ticket{}, busy()
	}
	g.used[t.ID] = t.Expires.Add(token.Leeway)
	if t.Placement > g.told[stream] {
		g.told[stream] = t.Placement
	}
	return t, nil
}

func (g *Gate) sweep(now time.Time) {
	for id, until := range g.used {
		if until.Before(now) {
			delete(g.used, id)
		}
	}
}
