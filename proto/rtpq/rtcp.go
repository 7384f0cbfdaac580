package rtpq

import (
	"fmt"
	"math"
	"time"

	"github.com/pion/rtcp"
)

// maxNACKPairs keeps a NACK below maxControl; each pair names up to 17 packets.
const maxNACKPairs = 250

// AppendNACK appends a generic NACK (RFC 4585, section 6.2.1) for missing, in ascending order of RTP
// sequence number (RFC 1982), and returns those left over. The SSRCs are 0: on a link the flow says
// whose packets are meant.
func AppendNACK(dst []byte, missing []uint16) (out []byte, rest []uint16) {
	var pairs []rtcp.NackPair
	for len(missing) > 0 && len(pairs) < maxNACKPairs {
		n := 1
		for n < len(missing) && missing[n]-missing[0] <= 16 {
			n++
		}
		pairs = append(pairs, rtcp.NackPairsFromSequenceNumbers(missing[:n])...)
		missing = missing[n:]
	}
	if len(pairs) == 0 {
		return dst, nil
	}
	// Cannot fail: maxNACKPairs is below what the library takes.
	b, _ := rtcp.TransportLayerNack{Nacks: pairs}.Marshal()
	return append(dst, b...), missing
}

// AppendReport appends a sender report (RFC 3550, section 6.4.1) that carries a flow's clock: the media
// stamped rtpTime was captured at. The packet and octet counts are 0, they are the viewer's hop's to tell.
func AppendReport(dst []byte, ssrc, rtpTime uint32, at time.Time) []byte {
	// Cannot fail: there is no report block and no extension.
	b, _ := rtcp.SenderReport{SSRC: ssrc, NTPTime: NTP(at), RTPTime: rtpTime}.Marshal()
	return append(dst, b...)
}

// Feedback is what the RTCP of a flow says.
type Feedback struct {
	Missing []uint16 // sequence numbers asked for by NACK

	Report  bool // there was a sender report: the media stamped RTPTime was captured at At
	RTPTime uint32
	At      time.Time
}

// ParseRTCP reads an RTCP packet or compound packet of a flow. Packets of other kinds are passed over.
// The error wraps ErrMalformed.
func ParseRTCP(b []byte) (Feedback, error) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return Feedback{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var f Feedback
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.TransportLayerNack:
			for _, pair := range p.Nacks {
				f.Missing = append(f.Missing, pair.PacketList()...)
			}
		case *rtcp.SenderReport:
			f.Report, f.RTPTime, f.At = true, p.RTPTime, FromNTP(p.NTPTime)
		}
	}
	return f, nil
}

// ntpEpoch is 1900-01-01 in seconds before 1970.
const ntpEpoch = 2208988800

// NTP returns t in the 64-bit format of RFC 5905, section 6: seconds since 1900 in 32.32 fixed point,
// which wraps in 2036.
func NTP(t time.Time) uint64 {
	seconds := uint64(uint32(t.Unix() + ntpEpoch))
	return seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// FromNTP returns the time that NTP made ntp of, for times from 1968 to 2104, to within a nanosecond.
func FromNTP(ntp uint64) time.Time {
	seconds := int64(ntp >> 32)
	if seconds < 1<<31 {
		seconds += 1 << 32 // of the era that begins in 2036
	}
	fraction := (ntp&math.MaxUint32)*uint64(time.Second) + 1<<31
	return time.Unix(seconds-ntpEpoch, int64(fraction>>32))
}
