package egress

import (
	"sync/atomic"
	"time"

	"freshet/edge/admit"
)

// lateAfter is how long after it was complete a batch may leave: with half as much again a viewer sees a freeze.
const lateAfter = 100 * time.Millisecond

// lopsided is how many viewers a shard may have more than another before it is passed over: of a rush, each sees
// the others only once the loop has taken them in.
const lopsided = 8

// A work counts what a shard has done. Its loop alone adds; anyone may read.
type work struct{ viewers, packets, bytes, busy, batches, late atomic.Int64 }

// round notes a round that took so long and sent c, and how many viewers there are.
func (w *work) round(took time.Duration, viewers int, c *sent) {
	w.viewers.Store(int64(viewers))
	w.busy.Add(int64(took))
	if c.packets > 0 {
		w.packets.Add(int64(c.packets))
		w.bytes.Add(int64(c.bytes))
	}
}

// batch notes a batch that left, or was given up, so long after it was complete.
func (w *work) batch(waited time.Duration) {
	w.batches.Add(1)
	if waited > lateAfter {
		w.late.Add(1)
	}
}

// Work returns what each shard's loop has done since it began. It may be called from any goroutine.
func (e *Egress) Work() []admit.Work {
	all := make([]admit.Work, len(e.shards))
	for i, s := range e.shards {
		w := &s.work
		all[i] = admit.Work{
			Packets: w.packets.Load(), Bytes: w.bytes.Load(), Busy: time.Duration(w.busy.Load()),
			Batches: w.batches.Load(), Late: w.late.Load(),
		}
	}
	return all
}
