package egress

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
)

// A report remembers the last sender report of a lane, to learn the round trip from its answer.
type report struct {
	middle uint32 // of the NTP time in it (RFC 3550, section 6.4.1)
	sent   mono
}

// answered takes LSR and DLSR of a report block and returns the round trip, 0 where they do not tell.
func (r *report) answered(lsr, delay uint32, at mono) time.Duration {
	if lsr != r.middle || r.sent == 0 {
		return 0
	}
	return max(0, at-r.sent-time.Duration(delay)*time.Second/65536)
}

// again returns how long a retransmission is on its way at least, before the same NACK means it was lost.
func (v *viewer) again() time.Duration { return max(10*time.Millisecond, v.rtt*4/5) }

// sendReport sends v sender reports of what it gets, or an empty receiver report while it gets nothing:
// either way a sign of life.
func (s *Shard) sendReport(v *viewer, at mono) { s.control(v, s.appendReports(s.plain[:0], v, at), at) }

// sendBye tells v that no more will come.
func (s *Shard) sendBye(v *viewer) {
	if v.seal == nil || v.seat < 0 {
		return
	}
	var all []uint32
	for _, l := range [...]*lane{&v.video, &v.audio} {
		if l.served() {
			all = append(all, l.media.SSRC)
		}
	}
	bye, err := (&rtcp.Goodbye{Sources: all}).Marshal()
	if err != nil {
		v.join.Log.Error("rtcp bye", "err", err) // our own bytes: a bug
		return
	}
	s.control(v, append(s.appendReports(s.plain[:0], v, s.now), bye...), s.now)
}

// control seals the compound b and queues it.
func (s *Shard) control(v *viewer, b []byte, at mono) {
	s.plain = b
	if n := v.seal.sealControl(s.batch.room(len(b)+maxExpansion), b); n > 0 {
		s.batch.add(&v.to, n)
		v.sentAt = at
	}
}

// appendReports appends a compound of v's reports and CNAME to b. It is written here and not by pion/rtcp, since each
// viewer has one a second and none may leave garbage.
func (s *Shard) appendReports(b []byte, v *viewer, at mono) []byte {
	lanes := [...]*lane{&v.video, &v.audio}
	empty := true
	for _, l := range lanes {
		if r, ok := s.reportOf(l, at); ok {
			b, empty = r.append(b), false
		}
	}
	var sources [len(lanes)]uint32
	n := 0
	for _, l := range lanes {
		if l.served() {
			sources[n], n = l.media.SSRC, n+1
		}
	}
	if empty {
		b = appendControl(b, 0, rtcp.TypeReceiverReport, 1)
		b = binary.BigEndian.AppendUint32(b, sources[0])
	}
	// Source description (RFC 3550, section 6.5): for each SSRC a chunk of one item and at least one zero.
	name := v.join.CName[:min(len(v.join.CName), 255)]
	chunk := 1 + (2+len(name))/4 + 1
	b = appendControl(b, uint8(n), rtcp.TypeSourceDescription, n*chunk)
	for _, ssrc := range sources[:n] {
		end := len(b) + 4*chunk
		b = binary.BigEndian.AppendUint32(b, ssrc)
		b = append(b, byte(rtcp.SDESCNAME), byte(len(name)))
		b = append(b, name...)
		for len(b) < end {
			b = append(b, 0)
		}
	}
	return b
}

// appendControl appends the header of an RTCP packet that has so many words of four bytes after it.
func appendControl(b []byte, count uint8, typ rtcp.PacketType, words int) []byte {
	return binary.BigEndian.AppendUint16(append(b, 0x80|count, byte(typ)), uint16(words))
}

// A senderReport is what an RTCP sender report without blocks says (RFC 3550, section 6.4.1).
type senderReport struct {
	ssrc            uint32
	ntp             uint64
	rtp             uint32
	packets, octets uint32
}

func (r *senderReport) append(b []byte) []byte {
	b = appendControl(b, 0, rtcp.TypeSenderReport, 6)
	b = binary.BigEndian.AppendUint32(b, r.ssrc)
	b = binary.BigEndian.AppendUint64(b, r.ntp)
	b = binary.BigEndian.AppendUint32(b, r.rtp)
	b = binary.BigEndian.AppendUint32(b, r.packets)
	return binary.BigEndian.AppendUint32(b, r.octets)
}

// reportOf ties the timestamps of l to the origin's wall clock, so that a receiver can play audio and video together
// however many hops they took. ok is false where there is nothing to tie yet.
func (s *Shard) reportOf(l *lane, at mono) (r senderReport, ok bool) {
	if !l.started || l.src == nil || l.fresh || l.catch != nil {
		return r, false // while it catches up its timestamps run slower than the media
	}
	rate := l.src.flow.Format.Codec.ClockRate
	passed := at - l.lastAt
	captured := s.wall(at)
	if c, ok := l.src.flow.Clock(); ok {
		captured = c.At.Add(span(l.lastIn-c.RTP, rate)).Add(passed)
	}
	ntp := ntpTime(captured)
	l.report.middle, l.report.sent = uint32(ntp>>16), at
	return senderReport{
		ssrc: l.media.SSRC, ntp: ntp, rtp: l.lastTS + uint32(ticks(passed, int64(rate))),
		packets: l.packets, octets: l.octets,
	}, true
}

// ntpTime is t in the 32.32 fixed-point seconds since 1900 of NTP.
func ntpTime(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
