package load

import (
	"encoding/binary"

	"github.com/pion/rtcp"
)

// rtpBody returns the payload of an opened RTP packet, without padding (RFC 3550, section 5.1).
func rtpBody(b []byte) ([]byte, bool) {
	if len(b) < 12 {
		return nil, false
	}
	head := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 { // a header extension
		if len(b) < head+4 {
			return nil, false
		}
		head += 4 + 4*int(binary.BigEndian.Uint16(b[head+2:]))
	}
	if len(b) < head {
		return nil, false
	}
	body := b[head:]
	if b[0]&0x20 == 0 {
		return body, true
	}
	if len(body) == 0 {
		return nil, false
	}
	padding := int(body[len(body)-1])
	if padding == 0 || padding > len(body) {
		return nil, false
	}
	return body[:len(body)-padding], true
}

// A senderTime is what a receiver report repeats of a sender report (RFC 3550, section 6.4.1).
type senderTime struct {
	ssrc   uint32
	middle uint32 // 32 bits of its NTP time
}

// parseControl goes through an opened compound packet. It stops where a length lies.
func parseControl(b []byte) (report senderTime, bye bool) {
	for len(b) >= 4 && b[0]>>6 == 2 {
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			break
		}
		switch one := b[:size]; rtcp.PacketType(b[1]) {
		case rtcp.TypeSenderReport:
			if size >= 16 {
				report = senderTime{ssrc: binary.BigEndian.Uint32(one[4:]), middle: binary.BigEndian.Uint32(one[10:])}
			}
		case rtcp.TypeGoodbye:
			bye = true
		}
		b = b[size:]
	}
	return report, bye
}

// reception is what a receiver report says of t since the last one (RFC 3550, section 6.4.1 and appendix A.3).
func (t *leanTrack) reception(ssrc uint32) rtcp.ReceptionReport {
	lost := t.lost()
	expected := lost + t.unique
	since, have := lost-t.reportedLost, expected-t.reportedHave
	t.reportedLost, t.reportedHave = lost, expected
	r := rtcp.ReceptionReport{
		SSRC: ssrc, TotalLost: uint32(min(max(lost, 0), 1<<23-1)), LastSequenceNumber: uint32(t.newest),
		Jitter: uint32(t.jitter * float64(t.codec.ClockRate)),
	}
	if since > 0 && have > 0 {
		r.FractionLost = uint8(min(255, since*256/have))
	}
	return r
}
