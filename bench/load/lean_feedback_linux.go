package load

import (
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"
)

// send seals RTCP and sends it.
func (v *leanViewer) send(packets ...rtcp.Packet) {
	b, err := rtcp.Marshal(packets)
	if err == nil {
		b, err = v.keys.out.EncryptRTCP(nil, b, nil)
	}
	if err == nil {
		_, _ = unix.Write(v.fd, b) // lost like any datagram
	}
}

// tick does what is due for v.
func (l *leanLoop) tick(v *leanViewer, now time.Time) {
	if !now.Before(v.checkAt) {
		l.ask(v, now)
	}
	if v.keys.in == nil {
		return
	}
	naughty := l.begun(v, now)
	if naughty && l.mischief == MischiefDeaf {
		return
	}
	if now.Sub(v.heard) > leanLost {
		v.http = nil // nobody is there to be told
		l.end(v, EndLost, ErrLost.Error())
		return
	}
	if v.filtering {
		return
	}
	if l.filtered && v.seen() {
		v.filtered = drops(v.fd)
		v.filtering = filterMedia(v.fd) == nil
		if !v.filtering {
			l.end(v, EndSelf, "no filter on the socket")
		}
		return
	}
	if t := v.video; t != nil && !t.hole.IsZero() && now.Sub(t.hole) >= holeWait {
		t.drain(now)
		v.looked(now)
	}
	l.feedback(v, now)
	if naughty {
		l.misbehave(v, now)
	}
}

// seen says whether enough has come whole for the filter.
func (v *leanViewer) seen() bool {
	if v.answer.video.served() {
		return v.video != nil && v.video.keys > 0 && v.video.frames >= filterAfter // a server without a cache begins in mid-group
	}
	return v.audio != nil && v.audio.packets >= filterAfter
}

// feedback sends what RTCP is due.
func (l *leanLoop) feedback(v *leanViewer, now time.Time) {
	if t := v.video; t != nil && v.videoSSRC != 0 {
		if !v.nackAt.IsZero() && !now.Before(v.nackAt) {
			v.nackAt = time.Time{}
			if missing := t.holes(l.holes[:0]); len(missing) > 0 {
				v.send(&rtcp.TransportLayerNack{SenderSSRC: v.ssrc, MediaSSRC: v.videoSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(missing)})
				v.nackAt = now.Add(nackAgain)
			}
		}
		if !v.pliAt.IsZero() && !now.Before(v.pliAt) {
			v.pliAt = time.Time{}
			if t.wantKey {
				v.send(&rtcp.PictureLossIndication{SenderSSRC: v.ssrc, MediaSSRC: v.videoSSRC})
				v.pliAt = now.Add(pliEvery)
			}
		}
	}
	if now.Before(v.reportAt) {
		return
	}
	v.reportAt = now.Add(reportEvery)
	r := &rtcp.ReceiverReport{SSRC: v.ssrc}
	if v.video != nil && v.videoSSRC != 0 {
		one := v.video.reception(v.videoSSRC)
		if v.lastReport != 0 {
			one.LastSenderReport = v.lastReport
			one.Delay = uint32(now.Sub(v.lastReportAt).Seconds() * 65536)
		}
		r.Reports = append(r.Reports, one)
	}
	if v.audio != nil && v.audioSSRC != 0 {
		r.Reports = append(r.Reports, v.audio.reception(v.audioSSRC))
	}
	v.send(r)
}
