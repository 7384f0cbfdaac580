package relay

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	dialTimeout  = 5 * time.Second
	redialFirst  = 100 * time.Millisecond
	redialMost   = 3 * time.Second
	steadyAfter  = 5 * time.Second // a link that lived that long is dialled anew at once
	redialJitter = 0.5
)

// An uplink keeps the link to one upstream: connected beforehand, so that a stream that needs it need
// not wait. Its run goroutine dials.
type uplink struct {
	r  *Relay
	to Upstream

	mu  sync.Mutex
	src *source // nil while there is no link
}

// source returns the link's source, nil while there is no link.
func (u *uplink) source() *source {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.src
}

func (u *uplink) set(s *source) {
	u.mu.Lock()
	u.src = s
	u.mu.Unlock()
	u.r.tellChanged()
}

func (u *uplink) run(ctx context.Context) {
	wait := redialFirst
	log := u.r.log.With("peer", u.to.Node, "remote", u.to.Addr)
	for ctx.Err() == nil {
		began := time.Now()
		err := u.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyAfter {
			wait = redialFirst
		}
		pause := time.Duration(float64(wait) * (1 - redialJitter*rand.Float64()))
		log.Warn("no link to upstream", "err", err, "took", time.Since(began))
		wait = min(2*wait, redialMost)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// connect dials and serves the link until it breaks.
func (u *uplink) connect(ctx context.Context) error {
	dialCtx, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	l, err := u.r.dial(dialCtx, u.to)
	if err != nil {
		u.r.m.dials.WithLabelValues("failed").Inc()
		return err
	}
	u.r.m.dials.WithLabelValues("connected").Inc()
	defer u.r.track(l, up)()
	l.log.Info("upstream joined", "role", l.role, "region", l.region)
	return l.run(ctx, newSource(u, l))
}
