package relay

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	redialFirst  = 100 * time.Millisecond
	redialMost   = 3 * time.Second
	redialJitter = 0.5
	steadyAfter  = time.Second // what lived that long is dialled anew at once
)

// A backoff spaces attempts to dial. The zero value is of use.
type backoff struct{ wait time.Duration }

// after returns how long to wait when what was dialled has lived that long, 0 where it came to nothing.
func (b *backoff) after(lived time.Duration) time.Duration {
	if b.wait == 0 || lived > steadyAfter {
		b.wait = redialFirst
	} else {
		b.wait = min(2*b.wait, redialMost)
	}
	return time.Duration(float64(b.wait) * (1 - redialJitter*rand.Float64()))
}

// pause waits as long, or until ctx ends.
func (b *backoff) pause(ctx context.Context, lived time.Duration) {
	select {
	case <-time.After(b.after(lived)):
	case <-ctx.Done():
	}
}
