package ingest

import (
	"time"

	"freshet/cluster/stream"
)

// A Publisher is the session behind a seat. Its methods are called by the stream's slot and must not block.
type Publisher interface {
	// RequestKeyframe has the flow's encoder asked for a key frame.
	RequestKeyframe(flow int)
	// Backup says whether it calls itself the second of two, whom control sends to the stream's standby.
	Backup() bool
	// Move tells the publisher to come to where the stream is placed now: this node keeps it for moveGrace.
	Move()
	// Close ends the session. reason goes to the log.
	Close(reason string)
	// Allowed returns nil while the publisher may publish, else a *problem.Problem as Keys.CheckKey does. It answers
	// from memory: it is asked again and again.
	Allowed() error
}

// A Seat is a publisher's place in a stream: on the air, or as its warm backup. Packet and Report may
// be called from any goroutine, each flow's packets in the order in which they arrived.
type Seat struct {
	slot      *slot
	publisher Publisher
	session   string
	formats   []stream.Format
	epoch     uint64 // of the stream, should this publisher be its first

	// The slot's own.
	gone    bool
	sources []source
	clock   publisherClock
	heard   time.Time // last packet of any flow; when it sat down, before the first
	window  time.Time // begin of the bitrate's window
	bytes   int       // since then
	asked   time.Time // last key-frame request of a takeover
}

// Packet hands over one packet of a flow, by its index in the formats joined with. It never blocks:
// where the slot is that far behind, the packet is dropped and counted.
func (s *Seat) Packet(flow int, p Packet) {
	select {
	case s.slot.packets <- arrival{seat: s, flow: flow, Packet: p}:
	default:
		s.slot.metrics.dropped.WithLabelValues(string(dropQueue)).Inc()
	}
}

// A Report is what an RTCP sender report says: the media stamped RTP left the publisher at NTP by its
// own clock, and the report arrived at At.
type Report struct {
	Flow    int
	RTP     uint32
	NTP, At time.Time
}

// Report hands over a sender report. It never blocks; one too many is dropped, the next is as good.
func (s *Seat) Report(r Report) {
	select {
	case s.slot.reports <- sentReport{s, r}:
	default:
		s.slot.metrics.dropped.WithLabelValues(string(dropQueue)).Inc()
	}
}

// Leave gives the seat back. The backup, where there is one, goes on the air at once.
func (s *Seat) Leave() {
	select {
	case s.slot.leaves <- s:
	case <-s.slot.done:
	}
}

// silent says whether the publisher sent nothing for silence before now.
func (s *Seat) silent(now time.Time) bool { return now.Sub(s.heard) >= silence }

// time returns when the media of a flow stamped rtp was captured, in the origin's time. Before the
// flow's first report that goes by the packet that came fastest.
func (s *Seat) time(flow int, rtp uint32) time.Time {
	src := &s.sources[flow]
	if d, ok := s.clock.offset(); ok && src.report.set {
		return src.report.time(rtp, src.rate).Add(d)
	}
	return src.fastest.time(rtp, src.rate)
}
