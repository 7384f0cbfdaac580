package whip

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"

	"freshet/origin/ingest"
	"freshet/proto/rtpq"
)

// maxGarbage packets in a row that cannot be read end a track's reader: something below is broken, or
// someone plays.
const maxGarbage = 1000

// readTrack hands a track's packets to the stream until the session ends. pion has put resent packets
// (RFC 4588) back in their place.
func (s *session) readTrack(t track) {
	former := ingest.NewFormer(s.plan.flows[t.flow].format.Codec, s.plan.mapping(t.flow))
	buf := make([]byte, mtu)
	for garbage := 0; ; {
		n, attributes, err := t.remote.Read(buf)
		if over(err) {
			return
		}
		p, ok := ingest.Packet{}, false
		if err == nil {
			p, ok = former.Form(buf[:n], time.Now())
		}
		if ok {
			garbage = 0
			if attributes.Get(webrtc.AttributeRtxSequenceNumber) != nil {
				s.repairs[t.flow].add(p.Sequence, p.At)
			}
			s.seat.Packet(t.flow, p)
			continue
		}
		s.metrics.garbage.Inc()
		if garbage++; garbage == maxGarbage {
			s.Close("media that cannot be read")
			return
		}
	}
}

// readRTCP takes a stream's RTCP until the session ends: its sender reports go to the stream, and by
// being read at all it reaches the interceptors.
func (s *session) readRTCP(r interceptor.RTCPReader) {
	buf := make([]byte, mtu)
	for garbage := 0; garbage < maxGarbage; {
		n, _, err := r.Read(buf, nil)
		if over(err) {
			return
		}
		var all []rtcp.Packet
		if err == nil {
			all, err = rtcp.Unmarshal(buf[:n])
		}
		if err != nil {
			s.metrics.garbage.Inc()
			garbage++
			continue
		}
		garbage = 0
		now := time.Now()
		for _, p := range all {
			if sr, ok := p.(*rtcp.SenderReport); ok && sr.NTPTime != 0 {
				s.report(sr, now)
			}
		}
	}
}

func (s *session) report(sr *rtcp.SenderReport, now time.Time) {
	for i := range s.media {
		if sr.SSRC != 0 && s.media[i].Load() == sr.SSRC {
			s.seat.Report(ingest.Report{Flow: i, RTP: sr.RTPTime, NTP: rtpq.FromNTP(sr.NTPTime), At: now})
		}
	}
}

// over says whether an error of a read means that nothing will come any more.
func over(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed)
}
