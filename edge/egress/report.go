package egress

import (
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
func (s *Shard) sendReport(v *viewer, at mono) { s.control(v, at, nil) }

// sendBye tells v that no more will come.
func (s *Shard) sendBye(v *viewer) {
	if v.seal != nil && v.seat >= 0 {
		s.control(v, s.now, &rtcp.Goodbye{Sources: v.ssrcs()})
	}
}

func (v *viewer) ssrcs() (all []uint32) {
	for _, l := range [...]*lane{&v.video, &v.audio} {
		if l.served() {
			all = append(all, l.media.SSRC)
		}
	}
	return all
}

// control sends a compound of reports, CNAME and last, where that is not nil.
func (s *Shard) control(v *viewer, at mono, last rtcp.Packet) {
	packets := make([]rtcp.Packet, 0, 4)
	for _, l := range [...]*lane{&v.video, &v.audio} {
		if sr := s.senderReport(v, l, at); sr != nil {
			packets = append(packets, sr)
		}
	}
	ssrcs := v.ssrcs()
	if len(packets) == 0 {
		packets = append(packets, &rtcp.ReceiverReport{SSRC: ssrcs[0]})
	}
	names := &rtcp.SourceDescription{}
	for _, ssrc := range ssrcs {
		names.Chunks = append(names.Chunks, rtcp.SourceDescriptionChunk{
			Source: ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: v.join.CName}},
		})
	}
	packets = append(packets, names)
	if last != nil {
		packets = append(packets, last)
	}
	b, err := rtcp.Marshal(packets)
	if err != nil {
		v.join.Log.Error("rtcp report", "err", err) // our own bytes: a bug
		return
	}
	if n := v.seal.sealControl(s.batch.room(len(b)+maxExpansion), b); n > 0 {
		s.batch.add(&v.to, n)
		v.sentAt = at
	}
}

// senderReport ties the timestamps of l to the origin's wall clock, so that a receiver can play audio
// and video together however many hops they took. nil where there is nothing to tie yet.
func (s *Shard) senderReport(v *viewer, l *lane, at mono) *rtcp.SenderReport {
	if !l.started || l.src == nil || l.fresh || l.catch != nil {
		return nil // while it catches up its timestamps run slower than the media
	}
	rate := l.src.flow.Format.Codec.ClockRate
	passed := at - l.lastAt
	captured := s.wall(at)
	if c, ok := l.src.flow.Clock(); ok {
		captured = c.At.Add(span(l.lastIn-c.RTP, rate)).Add(passed)
	}
	ntp := ntpTime(captured)
	l.report.middle, l.report.sent = uint32(ntp>>16), at
	return &rtcp.SenderReport{
		SSRC: l.media.SSRC, NTPTime: ntp, RTPTime: l.lastTS + uint32(ticks(passed, int64(rate))),
		PacketCount: l.packets, OctetCount: l.octets,
	}
}

// ntpTime is t in the 32.32 fixed-point seconds since 1900 of NTP.
func ntpTime(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
