package ingest

import (
	"slices"
	"time"
)

const (
	// maxJump is how far a number may be from the last one before a second packet must confirm it
	// (RFC 3550, appendix A.1): 2.5 s of the bitrate limit.
	maxJump = 3000
	// maxStripped bounds the list of numbers closed up. Packets come at most this much padding late.
	maxStripped = 256
	// before is how far below its first packet a stream takes packets that the network reordered.
	before = 128
)

// A source is one flow as a publisher sends it: how its numbers become those of the stream. The slot owns it.
type source struct {
	rate uint32 // of the RTP clock

	seen     bool
	high     int64  // highest number seen, extended to 64 bits
	expected uint16 // number that confirms a jump
	jumping  bool

	anchored  bool
	start     int64   // packets below are from before this publisher was on the air
	offset    int64   // from the publisher's numbers to the stream's, but for stripped
	stripped  []int64 // numbers of padding, ascending
	timestamp uint32  // from the publisher's timestamps to the stream's

	heard   time.Time // last packet
	fastest mark      // of the packet that came with the least delay: the clock until a report comes
	report  mark      // of the last sender report, in the publisher's own time
}

// A mark ties an RTP timestamp to a time.
type mark struct {
	rtp uint32
	at  time.Time
	set bool
}

// time returns when the media stamped rtp was captured, by m.
func (m mark) time(rtp uint32, rate uint32) time.Time {
	return m.at.Add(time.Duration(int32(rtp-m.rtp)) * time.Second / time.Duration(rate))
}

// arrived takes note of a packet's timestamp and arrival, and says whether it came faster than any
// before. The first ones often come late: they wait until ICE and DTLS are done.
func (s *source) arrived(timestamp uint32, now time.Time) bool {
	s.heard = now
	if s.fastest.set && now.Sub(s.fastest.at) < markLife && !now.Before(s.fastest.time(timestamp, s.rate).Add(-time.Millisecond)) {
		return false
	}
	s.fastest = mark{timestamp, now, true}
	return true
}

// begin forgets the clocks: the publisher counts anew, from a packet stamped timestamp on.
func (s *source) begin(timestamp uint32, now time.Time) {
	s.fastest, s.report = mark{timestamp, now, true}, mark{}
}

// A step is what a number means to its source.
type step uint8

const (
	stepKeep  step = iota // use it
	stepDrop              // a jump not confirmed yet, or from before the publisher's turn
	stepReset             // the publisher began to count anew: anchor again, behind a hole
)

// follow takes the number of a packet that arrived and returns it extended. missing is how many
// numbers it left out, late whether it fills such a place.
func (s *source) follow(seq uint16) (ext int64, what step, missing int64, late bool) {
	if !s.seen {
		s.seen, s.high = true, 1<<16+int64(seq)
		return s.high, stepKeep, 0, false
	}
	d := int64(int16(seq - uint16(s.high)))
	ext = s.high + d
	if d > maxJump || d < -maxJump {
		if !s.jumping || seq != s.expected {
			s.jumping, s.expected = true, seq+1
			return ext, stepDrop, 0, false
		}
		s.jumping = false
		if d < 0 {
			s.high = ext
			return ext, stepReset, 0, false
		}
	}
	if d > 0 {
		s.high = ext
		s.jumping = false
		return ext, stepKeep, d - 1, false
	}
	return ext, stepKeep, 0, d < 0
}

// anchor makes ext and timestamp of the publisher be out and outTimestamp of the stream. Packets more
// than slack numbers older are dropped from now on.
func (s *source) anchor(ext, out, slack int64, timestamp, outTimestamp uint32) {
	s.anchored, s.start, s.offset = true, ext-slack, out-ext
	s.stripped = s.stripped[:0]
	s.timestamp = outTimestamp - timestamp
}

// strip closes up the place of padding that came as number ext. Where later numbers are out already
// the place stays open: readers will find it lost, which nobody minds.
func (s *source) strip(ext int64) {
	if !s.anchored || ext != s.high || ext < s.start {
		return
	}
	if n := len(s.stripped); n > 0 && s.stripped[n-1] == ext {
		return
	}
	if len(s.stripped) == maxStripped {
		s.offset--
		s.start = max(s.start, s.stripped[0]+1) // older numbers cannot be told apart any more
		s.stripped = slices.Delete(s.stripped, 0, 1)
	}
	s.stripped = append(s.stripped, ext)
}

// out returns the stream's number for ext, and false for a packet that has no place in the stream.
func (s *source) out(ext int64) (int64, bool) {
	if ext < s.start {
		return 0, false
	}
	n := len(s.stripped)
	for n > 0 && s.stripped[n-1] >= ext {
		if s.stripped[n-1] == ext {
			return 0, false
		}
		n--
	}
	return ext + s.offset - int64(n), true
}
