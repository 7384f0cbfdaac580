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
type work struct {
	viewers, packets, bytes, busy, batches, late atomic.Int64

	began atomic.Int64 // when the round under way began; 0 between rounds
}

// begin notes that a round begins. One that is held up may take longer than the window that people look at.
func (w *work) begin(at mono) { w.began.Store(max(1, int64(at))) }

// end notes that the round is over, in which c was sent, and how many viewers there are.
func (w *work) end(at mono, viewers int, c *sent) {
	w.viewers.Store(int64(viewers))
	w.busy.Add(int64(at) - w.began.Swap(0))
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
		if began := w.began.Load(); began != 0 {
			all[i].Busy += max(0, e.deps.Now().Sub(s.started)-time.Duration(began))
		}
	}
	return all
}
