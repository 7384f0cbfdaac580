package ops

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"freshet/control/route"
	"freshet/proto/problem"
)

const (
	recallTakes = 2 * time.Second // for other control nodes to answer
	recallMost  = 64 << 10        // bytes of a decision
)

// Peers are the other control nodes: each knows why the sessions that it has placed are where they are.
type Peers struct {
	Addrs func() []string // host:port of their ports for nodes; nil where there are none
	Dial  func(ctx context.Context, addr string) (net.Conn, error)
}

// recall returns why a session was sent where it was, by this control node or another. The error is a *problem.Problem.
func (d *Desk) recall(ctx context.Context, session uuid.UUID) (route.Decision, error) {
	if made, ok := d.Acts.Why(session); ok {
		return made, nil
	}
	if d.Peers.Addrs != nil {
		if made, ok := d.Peers.recall(ctx, session); ok {
			return made, nil
		}
	}
	return route.Decision{}, sessionUnknown()
}

func sessionUnknown() *problem.Problem {
	return problem.New(http.StatusNotFound, "session-unknown", "Session unknown",
		"No control node that answers has placed that session in the last day.")
}

// recall asks all of them at once, and takes the newest decision of those that answer in time.
func (p Peers) recall(ctx context.Context, session uuid.UUID) (newest route.Decision, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, recallTakes)
	defer cancel()
	addrs := p.Addrs()
	made := make([]*route.Decision, len(addrs))
	var g errgroup.Group
	for i, addr := range addrs {
		g.Go(func() error {
			made[i] = p.ask(ctx, addr, session)
			return nil
		})
	}
	_ = g.Wait() // none fails
	for _, m := range made {
		if m != nil && (!ok || m.At.After(newest.At)) {
			newest, ok = *m, true
		}
	}
	return newest, ok
}

// ask returns what one of them has decided, nil where that is nothing, or it does not answer.
func (p Peers) ask(ctx context.Context, addr string, session uuid.UUID) *route.Decision {
	made := &route.Decision{}
	dial := func(ctx context.Context) (net.Conn, error) { return p.Dial(ctx, addr) }
	if _, err := Ask(ctx, dial, recallMost, http.MethodGet, "/sessions/"+session.String()+"?own=1", nil, made); err != nil {
		return nil
	}
	return made
}
