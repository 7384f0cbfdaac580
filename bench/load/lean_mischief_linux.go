package load

import (
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"
)

// begun starts v's mischief, where the swarm has one and v its first picture; it returns whether it runs.
func (l *leanLoop) begun(v *leanViewer, now time.Time) bool {
	if l.mischief == "" || v.seat.record.FirstPicture == 0 {
		return false
	}
	if !v.mischiefAt.IsZero() {
		return true
	}
	v.mischiefAt = now
	switch l.mischief {
	case MischiefDeaf:
		// Without a reader its buffer fills, and stays full.
		_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, v.fd, nil) // it is there: add has put it there
	case MischiefNACK:
		v.flood.perSecond = nackFlood
	case MischiefKeys:
		v.flood.perSecond = keyFlood
	}
	return true
}

// misbehave sends what v's mischief asks for by now.
func (l *leanLoop) misbehave(v *leanViewer, now time.Time) {
	n := v.flood.due(now.Sub(v.mischiefAt).Seconds())
	v.mischiefAt = now
	if v.video == nil || v.videoSSRC == 0 { // a stream of sound alone: there is nothing to ask for
		return
	}
	for range n {
		v.asked++
		switch {
		case l.mischief == MischiefNACK:
			v.send(&rtcp.TransportLayerNack{SenderSSRC: v.ssrc, MediaSSRC: v.videoSSRC, Nacks: v.video.everything()})
		case v.asked%2 == 0:
			v.send(&rtcp.PictureLossIndication{SenderSSRC: v.ssrc, MediaSSRC: v.videoSSRC})
		default: // each has a number of its own, so that none passes for one that was repeated (RFC 5104, section 4.3.1)
			v.send(&rtcp.FullIntraRequest{SenderSSRC: v.ssrc, FIR: []rtcp.FIREntry{{SSRC: v.videoSSRC, SequenceNumber: uint8(v.asked / 2)}}})
		}
	}
}

// everything names the newest nackEach numbers, whether or not they came.
func (t *leanTrack) everything() []rtcp.NackPair {
	var numbers [nackEach]uint16
	for i := range numbers {
		numbers[i] = uint16(t.newest - nackEach + 1 + int64(i))
	}
	return rtcp.NackPairsFromSequenceNumbers(numbers[:])
}
