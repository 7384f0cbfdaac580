package door

import (
	"context"
	"time"
)

const (
	// refreshEvery is how often what other nodes have revoked is looked for, and what waits is written: with the agents'
	// line, tokens are refused everywhere within 2 s (RELIABILITY, section 6, allows 5).
	refreshEvery = time.Second
	refreshTakes = 5 * time.Second
	// lastWrite is how long the database has at the end.
	lastWrite = 2 * time.Second
)

// First reads what is revoked until that has succeeded once, or ctx has ended.
func (d *Door) First(ctx context.Context) {
	for !d.refresh(ctx) && ctx.Err() == nil {
		select {
		case <-time.After(refreshEvery):
		case <-ctx.Done():
		}
	}
}

// Run reads what is revoked and writes what waits until ctx ends, and once more then.
func (d *Door) Run(ctx context.Context) error {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			d.ledger.write(last)
			return nil
		}
		d.refresh(ctx)
		d.ledger.write(ctx)
		d.forgetStays(d.d.Now())
	}
}
