package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"time"

	"freshet/cluster/disk"
)

// glance is how often the clock is looked at: it may be set, and it stands still for timers while a machine sleeps.
const glance = time.Minute

// An Ask has control sign a request (PKCS #10, DER) and returns the certificate (DER).
type Ask func(ctx context.Context, request []byte) (certificate []byte, err error)

// Run renews the certificate by ask at two thirds of its life until ctx ends, and keeps it. New handshakes show the new one
// and connections stay. While control is away it asks again, from 1 to 10 minutes later where a certificate lives for a day.
// It returns an error where control says that there will be none: ErrRemoved or, once the certificate has run out by the
// clock here, too, ErrLapsed. Where a CA is at hand it only waits.
func (id *Identity) Run(ctx context.Context, log *slog.Logger, ask Ask) error {
	if id.renew != nil {
		<-ctx.Done()
		return nil
	}
	due, pause := id.current().renewAt, time.Duration(0)
	var soonest time.Time // however great the doubts, and however far ahead the clock
	for id.wait(ctx, due, soonest) {
		err := id.renewBy(ctx, ask)
		shortest := id.current().life() / 1440
		soonest = id.now().Add(shortest)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrRemoved) || errors.Is(err, ErrLapsed) && id.now().After(id.Expires()):
			return fmt.Errorf("renew certificate of %s: %w", id.Node, err)
		case err != nil:
			pause = min(max(2*pause, shortest), 10*shortest)
			log.Warn("certificate not renewed, trying again", "until", id.Expires(), "again", pause, "err", err)
			due = id.now().Add(pause/2 + rand.N(pause))
		default:
			log.Info("certificate renewed", "until", id.Expires())
			id.WarnOfSkew(log)
			due, pause = later(id.current().renewAt, soonest), 0
		}
	}
	return nil
}

// Doubt tells Run that a peer would not take the certificate: it asks control, which knows why, at once or a minute after it
// did so last.
func (id *Identity) Doubt() {
	select {
	case id.doubt <- struct{}{}:
	default: // it will be asked already
	}
}

// RefusedBy says whether err is a peer's refusal of what was shown to it in a TLS handshake over TCP, as it arrives here.
func RefusedBy(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}

// wait returns true when due has come or, in doubt, soonest, and false when ctx has ended.
func (id *Identity) wait(ctx context.Context, due, soonest time.Time) bool {
	for {
		left := due.Sub(id.now())
		if left <= 0 {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(min(left, glance))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-id.doubt:
			timer.Stop()
			if soonest.Before(due) {
				due = soonest
			}
		case <-timer.C:
		}
	}
}

// WarnOfSkew logs where this node's clock is not that of control, as a certificate shows that has just come: others are not
// taken then, or are too long.
func (id *Identity) WarnOfSkew(log *slog.Logger) {
	if ahead := id.now().Sub(id.current().x509().NotBefore.Add(backdate)); ahead.Abs() > backdate {
		log.Warn("this node's clock is not control's: set it, certificates of others do not count else", "ahead", ahead.Round(time.Second))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (id *Identity) renewBy(ctx context.Context, ask Ask) error {
	request, err := Request(id.key, id.Node, id.Role)
	if err != nil {
		return err
	}
	der, err := ask(ctx, request)
	if err != nil {
		return err
	}
	next, err := newLeaf(der, id.key)
	if err == nil {
		err = id.fits(next.x509())
	}
	if err != nil {
		return fmt.Errorf("control's answer: %w", err)
	}
	id.mu.Lock()
	id.leaf = next
	id.mu.Unlock()
	// What cannot be kept is in use all the same, and a reason to try again.
	return disk.Replace(filepath.Join(id.dir, leafFile), encodePEM(certificatePEM, der))
}
