package ingest

import (
	"time"

	"freshet/cluster/stream"
)

// packet takes one packet of a publisher: it counts, and writes where the publisher is on the air.
func (s *slot) packet(a arrival) {
	seat, now := a.seat, a.At
	if seat.gone || a.flow >= len(seat.sources) {
		return
	}
	src := &seat.sources[a.flow]
	seat.heard = now
	earlier := src.arrived(a.Timestamp, now)
	if seat.over(a.Bytes, now) {
		s.kick(seat, refusedBitrate, now)
		return
	}
	ext, what, missing, late := src.follow(a.Sequence)
	if seat == s.reserve && s.air.silent(now) { // at once: the first packets of a publisher that came back are a key frame
		s.takeOver(now, "publisher is silent")
	}
	if seat != s.air {
		return
	}
	switch {
	case now.Before(s.aside):
		return
	case s.stream == nil && !s.aside.IsZero(), s.stream != nil && stream.Placement(s.stream.Epoch) < s.placement:
		s.aside = time.Time{}
		s.renew(now)
	case s.stream == nil, seat != s.last && !interchangeable(s.formats, seat.formats):
		s.begin()
	}
	s.last = seat
	l := &s.lines[a.flow]
	l.counter.arrived(a.Bytes, missing, late)
	switch {
	case what == stepDrop:
		s.metrics.dropped.WithLabelValues(string(dropJump)).Inc()
		return
	case a.Data == nil && what == stepReset:
		src.begin(a.Timestamp, now)
		src.anchored = false // what follows has numbers that mean nothing by the old anchor
		return
	case a.Data == nil && !src.anchored:
		return
	case a.Data == nil:
		src.strip(ext)
		return
	case what == stepReset:
		src.begin(a.Timestamp, now)
		// The hole tells decoders downstream that what follows does not join what was.
		s.anchor(seat, a, ext, 2)
		s.ask(seat, a.flow)
	case !src.anchored && (l.begun || s.renewed) && (!a.Key || late) && l.flow.Format.Kind == stream.Video:
		// Behind a key frame that came late, packets of the same frame were let go already.
		s.metrics.dropped.WithLabelValues(string(dropWaiting)).Inc()
		return
	case !src.anchored:
		s.anchor(seat, a, ext, 1)
	}
	if earlier && !src.report.set && l.begun {
		l.flow.SetClock(stream.Clock{RTP: a.Timestamp + src.timestamp, At: now})
	}
	s.write(src, l, a, ext)
}

// anchor lets a publisher's packets of a flow follow what the flow has, gap numbers on. Its timestamps
// go on by the time that has passed between the two by the origin's clock.
func (s *slot) anchor(seat *Seat, a arrival, ext, gap int64) {
	src, l := &seat.sources[a.flow], &s.lines[a.flow]
	captured := seat.time(a.flow, a.Timestamp)
	if !l.begun {
		src.anchor(ext, l.high, before, a.Timestamp, l.timestamp)
		l.flow.SetClock(stream.Clock{RTP: l.timestamp, At: captured})
		l.begun = true
		return
	}
	clock, _ := l.flow.Clock()
	timestamp := clock.RTP + uint32(captured.Sub(clock.At).Microseconds()*int64(src.rate)/1_000_000)
	// Clocks of two publishers may disagree by more than the gap: time still moves on, by 1 ms at least.
	if least := l.timestamp + src.rate/1000; int32(timestamp-least) < 0 {
		timestamp = least
	}
	src.anchor(ext, l.high+gap, 0, a.Timestamp, timestamp)
	l.flow.SetClock(stream.Clock{RTP: timestamp, At: captured})
}

func (s *slot) write(src *source, l *line, a arrival, ext int64) {
	seq, ok := src.out(ext)
	if !ok {
		s.metrics.dropped.WithLabelValues(string(dropOld)).Inc()
		return
	}
	timestamp := a.Timestamp + src.timestamp
	a.stamp(uint32(l.flow.Index+1), uint16(seq), timestamp)
	fresh, err := l.flow.Write(a.Data, a.At)
	if err != nil || !fresh {
		s.metrics.dropped.WithLabelValues(string(dropDuplicate)).Inc()
		return
	}
	if seq >= l.high {
		l.high, l.timestamp = seq, timestamp
	}
	if a.Key && l.keyAt != timestamp {
		l.keyAt = timestamp
		s.metrics.keyframes.Inc()
	}
}

// over counts bytes of the publisher and says whether it is past the bitrate allowed.
func (s *Seat) over(bytes int, now time.Time) bool {
	if now.Sub(s.window) >= bitrateWindow {
		s.window, s.bytes = now, 0
	}
	s.bytes += bytes
	return s.bytes > maxBytes
}

// report takes a sender report: it ties the publisher's flows to the origin's clock.
func (s *slot) report(r sentReport) {
	seat := r.seat
	if seat.gone || r.Flow >= len(seat.sources) {
		return
	}
	src := &seat.sources[r.Flow]
	if !src.fastest.set || absolute(src.fastest.time(r.RTP, src.rate).Sub(r.At)) > maxClockError {
		s.metrics.dropped.WithLabelValues(string(dropReport)).Inc() // not about the media that came
		return
	}
	if !seat.clock.plausible(r.NTP, r.At) {
		s.metrics.dropped.WithLabelValues(string(dropReport)).Inc()
		return
	}
	src.report = mark{r.RTP, r.NTP, true}
	moved := seat.clock.add(r.NTP, r.At)
	if seat != s.air || s.last != seat {
		return
	}
	d, _ := seat.clock.offset()
	for i := range seat.sources {
		o := &seat.sources[i]
		if o.anchored && o.report.set && (moved || i == r.Flow) {
			s.lines[i].flow.SetClock(stream.Clock{RTP: o.report.rtp + o.timestamp, At: o.report.at.Add(d)})
		}
	}
}

func absolute(d time.Duration) time.Duration { return max(d, -d) }
