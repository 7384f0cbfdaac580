package load

import (
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
)

// When a viewer asks for a key frame: the first picture mostly is one already.
const (
	pliAfter = 100 * time.Millisecond
	pliEvery = time.Second
)

// add takes a packet of m's track that arrived at now; delay is negative where it does not tell. mu is held.
func (v *fullViewer) add(m *meter, p *rtp.Packet, delay time.Duration, now time.Time) {
	r := &v.seat.record
	if r.FirstPacket == 0 {
		r.FirstPacket = v.seat.since(now)
	}
	before := m.now.packets
	freezes, last := m.pace.freezes, m.pace.last
	m.add(p, delay, now, func(f assembled) {
		if m.kind == stream.Video && f.key && r.FirstPicture == 0 {
			v.shown(now)
		}
	})
	if m.kind == stream.Audio && r.FirstPicture == 0 && v.sound {
		v.shown(now)
	}
	if m.kind == stream.Video && m.pace.freezes > freezes {
		v.frozen += now.Sub(last)
	}
	if v.steady && delay >= 0 && m.now.packets > before {
		v.delay.add(delay)
	}
}

func (v *fullViewer) shown(now time.Time) {
	v.seat.record.FirstPicture = v.seat.since(now)
	close(v.picture)
}

// begin and end are where the steady window lies.
func (v *fullViewer) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mark, v.steady, v.delay = v.stand(), true, histogram{}
}

func (v *fullViewer) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.endSteady()
}

// endSteady closes the window where it is open; mu is held.
func (v *fullViewer) endSteady() {
	if !v.steady {
		return
	}
	v.steady = false
	now, s := v.stand(), &v.seat.record.Steady
	s.Packets, s.Bytes, s.Freezes = now.Packets-v.mark.Packets, now.Bytes-v.mark.Bytes, now.Freezes-v.mark.Freezes
}

func (v *fullViewer) stand() (c SteadyCounts) {
	for _, m := range v.meters {
		c.Packets += m.now.packets
		c.Bytes += m.now.bytes
		if m.kind == stream.Video {
			c.Freezes += m.pace.freezes
		}
	}
	return c
}

// finish writes v's record.
func (v *fullViewer) finish(end End, detail string) {
	delay := v.whole(end, detail)
	v.crowd.mu.Lock() // never with v.mu held: window takes them the other way round
	defer v.crowd.mu.Unlock()
	v.crowd.sum.merge(&delay)
}

func (v *fullViewer) whole(end End, detail string) histogram {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.endSteady()
	v.stopped = true
	r := &v.seat.record
	r.End, r.Detail = end, detail
	for _, m := range v.meters {
		r.Packets += m.now.packets
		r.Bytes += m.now.bytes
		r.Lost += m.order.lost()
		r.Repaired += m.order.repaired
		r.Repeated += m.order.repeated
		if m.kind == stream.Video {
			r.Frames, r.KeyFrames, r.Damaged = m.now.frames, m.now.keys, m.now.damaged
			r.Freezes, r.Frozen = m.pace.freezes, milliseconds(v.frozen)
			r.LongestGap, r.Jitter = milliseconds(m.pace.longest), m.jitter*1000
		}
	}
	if v.delay.count > 0 {
		p50, p99 := milliseconds(v.delay.percentile(0.50)), milliseconds(v.delay.percentile(0.99))
		r.DelayP50, r.DelayP99 = &p50, &p99
	}
	return v.delay
}
