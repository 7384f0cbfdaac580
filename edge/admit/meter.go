package admit

import "time"

// Work is what the loop of one shard has done since it began.
type Work struct {
	Packets, Bytes int64         // handed to the kernel
	Busy           time.Duration // not waiting for anything to do
	Batches, Late  int64         // all, and those that left late
}

const (
	// Every is the time from one Tick of a Gate to the next.
	Every = 250 * time.Millisecond
	// windowTicks is how many of them the window has: a second evens out frames, and is no age.
	windowTicks = 4
	// fewBatches tell nothing: a stream that begins, or a silent one.
	fewBatches = 10
)

// A meter makes a Load of the last second of Work. It is owned by who ticks.
type meter struct {
	at   [windowTicks]time.Time
	work [windowTicks][]Work
	turn int // the oldest, which is written over next
}

// add takes what the shards have done by now; it keeps all. Joining stays 0.
func (m *meter) add(now time.Time, all []Work) (l Load) {
	from, then := m.at[m.turn], m.work[m.turn]
	for i := m.turn; from.IsZero() && i < m.turn+len(m.at); i++ { // not a whole window yet: the first there is
		from, then = m.at[i%len(m.at)], m.work[i%len(m.at)]
	}
	m.at[m.turn], m.work[m.turn] = now, all
	m.turn = (m.turn + 1) % len(m.at)
	passed := now.Sub(from)
	if from.IsZero() || passed <= 0 || len(then) != len(all) {
		return Load{}
	}
	var packets, bytes, batches, late int64
	for i, w := range all {
		packets += w.Packets - then[i].Packets
		bytes += w.Bytes - then[i].Bytes
		batches += w.Batches - then[i].Batches
		late += w.Late - then[i].Late
		l.Busy = max(l.Busy, (w.Busy-then[i].Busy).Seconds()/passed.Seconds())
	}
	l.Sent = Rate{Packets: perSecond(packets, passed), Bits: perSecond(8*bytes, passed)}
	if batches >= fewBatches {
		l.Late = float64(late) / float64(batches)
	}
	return l
}

func perSecond(n int64, passed time.Duration) int64 { return int64(float64(n) / passed.Seconds()) }
