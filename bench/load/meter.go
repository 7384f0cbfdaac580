package load

import (
	"math"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
)

// A meter measures one received track. The goroutine that reads the track owns it; report is asked for by
// another under the lock of the player, which add holds too.
type meter struct {
	kind  stream.Kind
	codec stream.Codec
	order order
	frame assembler

	now, last    counts // of the session, and as they were at the last report
	began        time.Time
	first        time.Time // of the session
	width        int
	height       int
	pace         pace
	jitter       float64 // in seconds (RFC 3550, appendix A.8)
	transit      float64
	moving       bool
	delay, whole histogram // since the last report, of the session
	stamps       stampCount
	tornSince    bool // a picture was damaged since someone last looked
}

type counts struct{ packets, bytes, frames, keys, damaged int64 }

// add takes a packet that arrived at now; delay is how old it was, negative where it does not tell. It calls
// each for every whole frame that the packet completes, in order.
func (m *meter) add(p *rtp.Packet, delay time.Duration, now time.Time, each func(assembled)) {
	if m.first.IsZero() {
		m.first, m.began = now, now
	}
	if !m.order.add(p, now) {
		return
	}
	m.now.packets++
	m.now.bytes += int64(len(p.Payload))
	if delay >= 0 {
		m.delay.add(delay)
		m.whole.add(delay)
	}
	if s, ok := ReadStamp(p.Payload); ok {
		m.stamps.add(s, now)
	}
	m.arrive(p, now)
	for {
		p, gap := m.order.pop(now)
		if p == nil {
			return
		}
		f, damaged := m.frame.add(p, gap)
		if damaged {
			m.now.damaged++
			m.tornSince = true
		}
		if f == nil {
			continue
		}
		m.now.frames++
		if f.key && m.kind == stream.Video {
			m.now.keys++
			if f.width > 0 {
				m.width, m.height = f.width, f.height
			}
		}
		m.pace.add(now)
		each(*f)
	}
}

// arrive keeps the jitter (RFC 3550, section 6.4.1).
func (m *meter) arrive(p *rtp.Packet, now time.Time) {
	// The difference of two transits alone matters, so RTP time may be taken from any zero; it must be signed,
	// since it wraps.
	transit := now.Sub(m.first).Seconds() - float64(int32(p.Timestamp-m.frame.zero(p.Timestamp)))/float64(m.codec.ClockRate)
	if m.moving {
		m.jitter += (math.Abs(transit-m.transit) - m.jitter) / 16
	}
	m.transit, m.moving = transit, true
}

// report says how the track did since the last report, or in all.
func (m *meter) report(now time.Time, final bool) TrackReport {
	from, began := m.last, m.began
	delay, gap := &m.delay, m.pace.gap
	if final {
		from, began = counts{}, m.first
		delay, gap = &m.whole, m.pace.longest
	}
	r := TrackReport{
		Kind: m.kind.String(), Codec: m.codec.Name, Width: m.width, Height: m.height,
		Packets: m.now.packets, Bytes: m.now.bytes, Frames: m.now.frames, KeyFrames: m.now.keys, Damaged: m.now.damaged,
		Lost: m.order.lost(), Repeated: m.order.repeated, Repaired: m.order.repaired,
		Jitter: time.Duration(m.jitter * float64(time.Second)), Delay: delay.delay(),
		Freezes: m.pace.freezes, LongestGap: gap, Stamps: m.stamps.report(),
	}
	if s := now.Sub(began).Seconds(); s > 0 {
		r.Bitrate = int(float64(m.now.bytes-from.bytes) * 8 / s)
		r.FrameRate = math.Round(float64(m.now.frames-from.frames)/s*10) / 10
	}
	m.last, m.began, m.delay, m.pace.gap = m.now, now, histogram{}, 0
	return r
}

// A pace watches the times between frames for freezes (RELIABILITY, section 1): a time over
// max(3 × mean, mean + 150 ms), the mean being that of the last 30.
type pace struct {
	last         time.Time
	recent       [30]time.Duration
	n            int
	sum          time.Duration
	freezes      int64
	gap, longest time.Duration // since the last report, of all
}

func (p *pace) add(now time.Time) {
	if p.last.IsZero() {
		p.last = now
		return
	}
	d := now.Sub(p.last)
	p.last = now
	p.gap, p.longest = max(p.gap, d), max(p.longest, d)
	if have := min(p.n, len(p.recent)); have > 0 {
		mean := p.sum / time.Duration(have)
		if d > max(3*mean, mean+150*time.Millisecond) {
			p.freezes++
		}
	}
	i := p.n % len(p.recent)
	p.sum += d - p.recent[i]
	p.recent[i] = d
	p.n++
}
