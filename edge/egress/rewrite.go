package egress

import (
	"time"

	"freshet/cluster/stream"
	"freshet/proto/payload"
)

// A segment is a stretch of what a viewer gets that comes from one flow without a break. It maps the
// flow's numbers and timestamps to the viewer's own, and back for retransmission.
type segment struct {
	flow  *stream.Flow
	first int64 // Seq of its first packet; what is older does not belong to the segment
	delta int64 // the viewer's number = Seq + delta
	end   int64 // highest number of the viewer in it, once the segment is past
	until mono  // when it became past

	// Timestamps. Up to bend ticks after key they run slower than the media by speed (16.16), because
	// those packets are sent faster than live: the viewer plays an ordinary stream that catches up.
	key, base uint32
	speed     uint32
	bend      int32
	bent      bool

	// Pictures.
	names names
	named bool
}

// Names are what is added to the numbers by which payloads name their picture, those of the picture and of its base layer.
type names struct {
	id  uint16
	tl0 uint8
}

const speedOne = 1 << 16

// timestamp maps a timestamp of the flow to the viewer's. It is monotonic and depends on ts alone, so
// that all packets of a frame agree, whenever they are sent.
func (s *segment) timestamp(ts uint32) uint32 {
	d := int32(ts - s.key)
	if s.speed == speedOne {
		return s.base + uint32(d)
	}
	if s.bent && (d > s.bend || d < 0) { // before the key frame: the publisher's timestamps jumped back
		return s.base + slow(s.bend, s.speed) + uint32(d-s.bend)
	}
	return s.base + slow(d, s.speed)
}

func slow(d int32, speed uint32) uint32 { return uint32(int64(d) << 16 / int64(speed)) }

// settle makes the segment a straight one at ts, once nothing of its slow part can be asked for any more:
// after half a turn of the RTP clock, 6.6 hours, or a jump back the slow part would seem to lie ahead.
func (s *segment) settle(ts uint32) {
	if d := int32(ts - s.key); s.bent && (d > s.bend+settleAfter || d < 0) {
		s.key, s.base, s.speed, s.bent = ts, s.timestamp(ts), speedOne, false
	}
}

// settleAfter is how far behind the end of the slow part that is, in ticks: 3 minutes of 90 kHz. A ring
// keeps 12 seconds.
const settleAfter = 1 << 24

// straighten ends the slow part of the timestamps at ts: the viewer has caught up.
func (s *segment) straighten(ts uint32) {
	if s.speed != speedOne && !s.bent {
		s.bend, s.bent = int32(ts-s.key), true
	}
}

// pastSegments is how many former segments a NACK may still reach; pastFor is for how long.
const (
	pastSegments = 3
	pastFor      = 2 * time.Second
)

// A rewriter gives the packets of one m-line the viewer's own numbers: without a jump over switches of
// layer, epoch or place, and each number for one packet only. It is owned by its shard's loop.
type rewriter struct {
	segs    [1 + pastSegments]segment // the current one first
	high    int64                     // highest number given
	once    window
	started bool // a packet was placed
	marker  bool // the packet of the highest number ended a frame
	lastTS  uint32
	lastIn  uint32 // the flow's own timestamp of that packet
	lastAt  mono

	pictured bool  // a picture was named
	shown    names // the newest
}

// begin opens a segment with the packet of flow that has first and ts; it gets the timestamp out.
func (r *rewriter) begin(flow *stream.Flow, first int64, ts, out, speed uint32, now mono) {
	r.segs[0].end, r.segs[0].until = r.high, now
	copy(r.segs[1:], r.segs[:])
	r.segs[0] = segment{flow: flow, first: first, delta: r.high + 1 - first, key: ts, base: out, speed: speed}
}

// place returns the number and timestamp under which the packet goes out, and false where it must not:
// it is older than the segment, or its number was used. A number used twice would seal two packets
// under one nonce, which breaks AES-GCM; the window makes that impossible whatever the ring says.
func (r *rewriter) place(seq int64, ts uint32, marker bool, now mono) (out int64, outTS uint32, ok bool) {
	s := &r.segs[0]
	if seq < s.first {
		return 0, 0, false
	}
	out = seq + s.delta
	if !r.once.take(out) {
		return 0, 0, false
	}
	outTS = s.timestamp(ts)
	if out > r.high {
		s.settle(ts)
		r.high, r.lastTS, r.lastIn, r.lastAt, r.marker = out, outTS, ts, now, marker
		r.started = true
	}
	return out, outTS, true
}

// name returns what is added to the numbers of q, the picture of a packet that was placed, so that the viewer's pictures
// are one row over switches, too: a receiver drops what names a picture that it has, and looks for what was left out. newest
// says that no later packet was placed.
func (r *rewriter) name(q *payload.Picture, newest bool) names {
	s := &r.segs[0]
	if !s.named {
		s.named = true
		if r.pictured {
			s.names = names{r.shown.id + 1 - q.ID, r.shown.tl0 + 1 - q.TL0}
		}
	}
	if newest {
		r.pictured, r.shown = true, names{q.ID + s.names.id, q.TL0 + s.names.tl0}
	}
	return s.names
}

// find says which packet of which flow went out as number n (16 bits), for retransmission.
func (r *rewriter) find(n uint16) (s *segment, seq int64, ok bool) {
	out := r.high + int64(int16(n-uint16(r.high)))
	for i := range r.segs {
		s := &r.segs[i]
		if s.flow == nil || out < s.first+s.delta || i > 0 && out > s.end {
			continue
		}
		return s, out - s.delta, out <= r.high
	}
	return nil, 0, false
}

// forget lets go of past segments, and with them of the rings of former epochs.
func (r *rewriter) forget(now mono) {
	for i := 1; i < len(r.segs); i++ {
		if s := &r.segs[i]; s.flow != nil && now-s.until > pastFor {
			*s = segment{}
		}
	}
}

// next returns the timestamp for the first packet of flow, stamped ts by it: as far after the last
// packet sent as the media is, by both flows' clocks where they have one, else by the time that passed.
func (r *rewriter) next(flow *stream.Flow, ts uint32, now mono) uint32 {
	rate := int64(flow.Format.Codec.ClockRate)
	passed := ticks(now-r.lastAt, rate)
	old := r.segs[0].flow
	switch {
	case old == nil:
		return r.lastTS + uint32(max(1, passed))
	case old == flow:
		if t := r.segs[0].timestamp(ts); int32(t-r.lastTS) > 0 && int64(int32(t-r.lastTS)) < passed+rate {
			return t
		}
	default:
		if d, ok := apart(old, r.lastIn, flow, ts); ok && d > 0 && d < now-r.lastAt+time.Second {
			return r.lastTS + uint32(max(1, ticks(d, rate)))
		}
	}
	return r.lastTS + uint32(max(1, passed))
}

// apart returns how much later b's media at timestamp tb was captured than a's at ta.
func apart(a *stream.Flow, ta uint32, b *stream.Flow, tb uint32) (time.Duration, bool) {
	ca, okA := a.Clock()
	cb, okB := b.Clock()
	if !okA || !okB {
		return 0, false
	}
	at := ca.At.Add(span(ta-ca.RTP, a.Format.Codec.ClockRate))
	bt := cb.At.Add(span(tb-cb.RTP, b.Format.Codec.ClockRate))
	return bt.Sub(at), true
}

// span turns a signed difference of RTP timestamps into time.
func span(d uint32, rate uint32) time.Duration {
	return time.Duration(int64(int32(d)) * int64(time.Second) / int64(max(1, rate)))
}

func ticks(d time.Duration, rate int64) int64 { return int64(d) * rate / int64(time.Second) }

// windowSize is how far behind the highest number a packet may still be sent for the first time: over
// 1 s of 4 Mbit/s.
const windowSize = 512

// A window remembers which of the newest numbers were used.
type window struct {
	high int64
	bits [windowSize / 64]uint64
}

// take uses n. It returns false where n was used, or may have been.
func (w *window) take(n int64) bool {
	switch {
	case n <= w.high-windowSize:
		return false
	case n >= w.high+windowSize:
		w.bits = [windowSize / 64]uint64{}
		w.high = n
	default:
		for ; w.high < n; w.high++ {
			i := uint64(w.high+1) % windowSize
			w.bits[i/64] &^= 1 << (i % 64)
		}
	}
	i := uint64(n) % windowSize
	if w.bits[i/64]&(1<<(i%64)) != 0 {
		return false
	}
	w.bits[i/64] |= 1 << (i % 64)
	return true
}
