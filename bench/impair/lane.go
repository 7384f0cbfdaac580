package impair

import (
	"sync"
	"time"
)

// wakeGap is the least time between two wake-ups of a lane: it bounds their cost, and what it adds to delays.
const wakeGap = 100 * time.Microsecond

// A lane is a wire with a clock and a way out. Readers put packets in; one goroutine, run, sends what is due.
type lane struct {
	send  func(*outbox, []*packet) // marks the packets that went
	alarm *alarm

	mu      sync.Mutex // held for a few lines, never while sending
	wire    *wire
	sending bool // run has taken packets that are not sent yet
	armed   time.Time
	woken   time.Time
}

func newLane(w *wire, send func(*outbox, []*packet)) (*lane, error) {
	a, err := newAlarm()
	if err != nil {
		return nil, err
	}
	return &lane{send: send, alarm: a, wire: w}, nil
}

// put takes packets that have just come, at most batchSize, and how many did not get that far. What leaves at
// once is sent by the caller's goroutine with out. Called by readers.
func (l *lane) put(list []*packet, missed int, out *outbox) {
	direct := out.direct[:0]
	l.mu.Lock()
	now := time.Now()
	l.wire.stats.Missed += uint64(missed)
	for _, p := range list {
		clear := l.wire.clear() && !l.sending
		switch {
		case !l.wire.add(now, p):
			p.free()
		case clear:
			direct = append(direct, l.wire.take(now))
		}
	}
	l.wake(now)
	l.mu.Unlock()
	if len(direct) > 0 {
		l.send(out, direct)
		l.mu.Lock()
		l.count(direct)
		l.mu.Unlock()
	}
}

// wake sets the alarm if something is due before it. Called with mu held.
func (l *lane) wake(now time.Time) {
	due, ok := l.wire.next()
	if !ok || l.sending {
		return
	}
	if least := l.woken.Add(wakeGap); due.Before(least) {
		due = least
	}
	if l.armed.IsZero() || due.Before(l.armed) {
		l.armed = due
		l.alarm.set(due.Sub(now))
	}
}

// count counts what was sent, or could not be, and gives it back. Called with mu held.
func (l *lane) count(list []*packet) {
	for _, p := range list {
		if p.sent {
			l.wire.stats.Out.add(p.n)
		} else {
			l.wire.stats.Failed.add(p.n)
		}
		p.free()
	}
}

// run sends what is due, until the alarm is closed.
func (l *lane) run() {
	var out outbox
	due := make([]*packet, 0, batchSize)
	for {
		if due = l.take(due); len(due) > 0 {
			l.send(&out, due)
		} else if l.alarm.wait() != nil {
			return
		}
	}
}

// take counts what of sent has gone, and returns in its place what is due; with nothing due it sets the alarm.
func (l *lane) take(sent []*packet) []*packet {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count(sent)
	now, due := time.Now(), sent[:0]
	for len(due) < batchSize {
		p := l.wire.take(now)
		if p == nil {
			break
		}
		due = append(due, p)
	}
	l.sending = len(due) > 0
	l.woken, l.armed = now, time.Time{}
	l.wake(now)
	return due
}

// set changes the path, and counts and frees what no longer fits.
func (l *lane) set(path Path) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for p := l.wire.set(now, path); p != nil; {
		next := p.next
		p.free()
		p = next
	}
	l.wake(now)
}

func (l *lane) path() Path {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wire.path
}

func (l *lane) stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wire.stats
}
