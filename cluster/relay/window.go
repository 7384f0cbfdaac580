package relay

import (
	"time"

	"github.com/quic-go/quic-go"
)

const (
	windowSlots   = 8                     // of a round trip
	windowRefresh = 20 * time.Millisecond // between two looks at QUIC's window
	windowRTT     = time.Millisecond      // least round trip reckoned with: below it a window is never felt
)

// A window estimates how much of a connection's congestion window is taken: what was handed to QUIC in the
// last round trip is taken to be in flight. QUIC itself takes up to 32 datagrams more than its window holds,
// and those would stand before whatever is more urgent. It is owned by the connection's sender.
type window struct {
	size int // bytes
	rtt  time.Duration
	next time.Time // when to look again

	slots [windowSlots]int
	slot  int64 // number of the newest slot, counted from the epoch of now
	sum   int
}

// look takes QUIC's figures where they are old.
func (w *window) look(q *quic.Conn, now time.Time) {
	if now.Before(w.next) {
		return
	}
	st := q.ConnectionStats()
	w.set(int(st.CongestionWindow), st.SmoothedRTT, now)
	w.next = now.Add(windowRefresh)
}

func (w *window) set(size int, rtt time.Duration, now time.Time) {
	rtt = max(rtt, windowRTT)
	if w.rtt == 0 || rtt > 2*w.rtt || rtt < w.rtt/2 { // slots of another length: begin anew
		w.rtt, w.slots, w.sum = rtt, [windowSlots]int{}, 0
		w.slot = w.number(now)
	}
	w.size = size
}

func (w *window) number(now time.Time) int64 { return now.UnixNano() / int64(w.rtt/windowSlots) }

// room returns how many bytes may be handed over at now without waiting inside QUIC.
func (w *window) room(now time.Time) int {
	w.turn(now)
	return w.size - w.sum
}

// took notes that n bytes were handed over.
func (w *window) took(n int, now time.Time) {
	w.turn(now)
	w.slots[w.slot%windowSlots] += n
	w.sum += n
}

// turn forgets what is older than a round trip.
func (w *window) turn(now time.Time) {
	n := w.number(now)
	if n < w.slot || n >= w.slot+windowSlots {
		w.slots, w.sum, w.slot = [windowSlots]int{}, 0, n
		return
	}
	for w.slot < n {
		w.slot++
		i := w.slot % windowSlots
		w.sum -= w.slots[i]
		w.slots[i] = 0
	}
}

// slotTime returns after how long a full window has room again.
func (w *window) slotTime() time.Duration { return max(w.rtt, windowRTT) / windowSlots }
