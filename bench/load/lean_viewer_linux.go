package load

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/stun"
	"golang.org/x/sys/unix"

	"freshet/cluster/stream"
)

const (
	leanLost     = 10 * time.Second // without a packet of the server's: three checks unanswered
	consentEvery = 2500 * time.Millisecond
	reportEvery  = time.Second
	nackFirst    = 10 * time.Millisecond // what was only overtaken comes by itself
	nackAgain    = 100 * time.Millisecond
	mostNACK     = 64  // numbers in one
	mostEarly    = 256 // packets kept while the last step of DTLS is being taken
	mostSSRCs    = 16  // lines a server may send, reports included

	filterAfter = 5 // whole pictures, after which filtered mode drops media
)

// A leanViewer is one viewer. From add on it is owned by its loop; before, by the goroutine that joins.
type leanViewer struct {
	loop   *leanLoop
	seat   *seat
	place  int // in loop.viewers; -1: not there
	fd     int
	own    iceCredentials
	answer leanAnswer
	http   *exchange // until someone else says goodbye
	conn   *leanConn

	found   chan struct{} // closed when a check was answered
	picture chan struct{} // closed at the first picture
	ended   chan struct{}

	connected bool // fd is, to the candidate that answered: to
	to        netip.AddrPort
	nominated bool // and the server knows
	heard     time.Time
	check     [stun.TransactionIDSize]byte
	checkAt   time.Time // when the next is due
	checks    int

	keys  leanKeys // in is nil before DTLS is done
	early [][]byte
	ssrcs []uint32
	ssrc  uint32 // its own

	format        leanFormat // of the picture, as it comes
	video, audio  *leanTrack // nil while nothing came
	videoSSRC     uint32     // of the server; 0 while unknown
	audioSSRC     uint32
	lastReport    uint32 // middle of the NTP time in the server's last report of the picture
	lastReportAt  time.Time
	reportAt      time.Time
	nackAt, pliAt time.Time // zero: none is due
	delay         coarse
	filtering     bool
	filtered      uint32 // drops before there was a filter
	mark          leanMark

	mischiefAt time.Time // when it last did it; zero: not begun
	flood      flood
	asked      int // what it sent
}

func newLeanViewer(l *leanLoop, s *seat, fd int, own iceCredentials, answer leanAnswer) *leanViewer {
	v := &leanViewer{
		loop: l, seat: s, place: -1, fd: fd, own: own, answer: answer, conn: newLeanConn(fd), ssrc: rand.Uint32(),
		found: make(chan struct{}), picture: make(chan struct{}), ended: make(chan struct{}),
	}
	return v
}

// lane returns the track whose packets have payload type typ, nil where none has; rtx says that they repeat others.
// A line keeps the first codec that comes on it.
func (v *leanViewer) lane(typ uint8) (t *leanTrack, rtx bool) {
	if v.video == nil {
		for _, f := range v.answer.video.formats {
			if f.typ == typ {
				v.format, v.video = f, newLeanTrack(stream.Video, f.codec)
				v.seat.record.Codec = f.codec.Name
			}
		}
	}
	if v.video != nil && typ == v.format.typ {
		return v.video, false
	}
	if v.video != nil && typ == v.format.rtx && typ != 0 {
		return v.video, true
	}
	for _, f := range v.answer.audio.formats {
		if f.typ != typ {
			continue
		}
		if v.audio == nil {
			v.audio = newLeanTrack(stream.Audio, f.codec)
		}
		return v.audio, false
	}
	return nil, false
}

// read takes what has come for v.
func (l *leanLoop) read(v *leanViewer, now time.Time) {
	if !v.connected {
		for range leanBatch {
			n, from, err := unix.Recvfrom(v.fd, l.reader.buffers[0][:], unix.MSG_DONTWAIT)
			if err != nil || v.place < 0 {
				return
			}
			l.datagram(v, l.reader.buffers[0][:n], address(from), now)
		}
		return
	}
	n := l.reader.read(v.fd)
	if l.leaving {
		return
	}
	var bytes int64
	for i := range n {
		b := l.reader.datagram(i)
		bytes += int64(len(b))
		if l.datagram(v, b, netip.AddrPort{}, now); v.place < 0 {
			break
		}
	}
	v.seat.counts.packets.Add(int64(n))
	v.seat.counts.bytes.Add(bytes)
}

// datagram takes one (RFC 7983); from is invalid where the socket is connected.
func (l *leanLoop) datagram(v *leanViewer, b []byte, from netip.AddrPort, now time.Time) {
	switch {
	case len(b) < 12:
	case b[0] < 4:
		l.stun(v, b, from, now)
	case !v.connected: // the server has not been found: what comes may be anyone's
	case b[0] >= 20 && b[0] < 64:
		v.conn.feed(b)
	case b[0] < 128 || b[0] >= 192:
	case v.keys.in == nil:
		if len(v.early) == mostEarly {
			v.seat.record.Dropped++
			return
		}
		v.early = append(v.early, slices.Clone(b))
	case b[1] >= 192 && b[1] <= 223: // RFC 5761, section 4
		l.rtcp(v, b, now)
	default:
		l.rtp(v, b, now)
	}
}

// keyed gives v the keys of its handshake, and takes what came meanwhile.
func (l *leanLoop) keyed(v *leanViewer, k leanKeys, now time.Time) {
	if v.place < 0 {
		return
	}
	v.keys = k
	v.seat.record.SRTP, v.seat.record.DTLS = k.name, v.seat.since(now)
	v.heard = now
	v.reportAt = now.Add(rand.N(reportEvery)) // not all at once
	early := v.early
	v.early = nil
	for _, b := range early {
		if v.place >= 0 {
			l.datagram(v, b, netip.AddrPort{}, now)
		}
	}
}

// known says whether packets of ssrc are looked at: the keys keep state for each.
func (v *leanViewer) known(ssrc uint32) bool {
	if slices.Contains(v.ssrcs, ssrc) {
		return true
	}
	if len(v.ssrcs) == mostSSRCs {
		return false
	}
	v.ssrcs = append(v.ssrcs, ssrc)
	return true
}

// rtp takes one packet of media.
func (l *leanLoop) rtp(v *leanViewer, b []byte, now time.Time) {
	r := &v.seat.record
	if !v.known(binary.BigEndian.Uint32(b[8:])) {
		r.Forged++
		return
	}
	plain, err := v.keys.in.DecryptRTP(l.plain, b, &l.header)
	if err != nil {
		r.Forged++
		return
	}
	v.heard = now
	h := &l.header
	body, ok := rtpBody(plain)
	if !ok {
		r.Forged++
		return
	}
	p := leanPacket{seq: h.SequenceNumber, stamp: h.Timestamp, marker: h.Marker, payload: body}
	t, rtx := v.lane(h.PayloadType)
	switch {
	case t == nil:
		return
	case rtx && len(body) < 2:
		return // padding, as probing sends it
	case rtx:
		p.seq, p.payload = binary.BigEndian.Uint16(body), body[2:] // RFC 4588, section 4
	case t == v.video:
		v.videoSSRC = h.SSRC
	default:
		v.audioSSRC = h.SSRC
	}
	if r.FirstPacket == 0 {
		r.FirstPacket = v.seat.since(now)
	}
	if !t.add(p, now) {
		return
	}
	if l.steady {
		if s, ok := ReadStamp(p.payload); ok {
			d := max(0, now.Sub(s.At))
			v.delay.add(d)
			l.delays.add(d)
		}
	}
	v.looked(now)
}

// looked draws what follows from a packet that was taken.
func (v *leanViewer) looked(now time.Time) {
	if t := v.video; t != nil {
		if !t.hole.IsZero() && v.nackAt.IsZero() && v.format.nack {
			v.nackAt = now.Add(nackFirst)
		}
		if t.wantKey && v.pliAt.IsZero() {
			v.pliAt = now.Add(pliAfter)
		}
	}
	if v.seat.record.FirstPicture == 0 && (!v.answer.video.served() || v.video != nil && v.video.keys > 0) {
		v.seat.record.FirstPicture = v.seat.since(now)
		close(v.picture)
	}
}

// rtcp takes a compound packet: the time of a sender report, and a goodbye.
func (l *leanLoop) rtcp(v *leanViewer, b []byte, now time.Time) {
	if !v.known(binary.BigEndian.Uint32(b[4:])) {
		v.seat.record.Forged++
		return
	}
	plain, err := v.keys.in.DecryptRTCP(nil, b, nil)
	if err != nil {
		v.seat.record.Forged++
		return
	}
	v.heard = now
	report, bye := parseControl(plain)
	if report.ssrc != 0 && report.ssrc == v.videoSSRC {
		v.lastReport, v.lastReportAt = report.middle, now
	}
	if bye {
		v.http = nil // it is gone there
		l.end(v, EndBye, "")
	}
}
