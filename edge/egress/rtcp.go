package egress

import (
	"net/netip"

	"github.com/pion/rtcp"

	"freshet/edge/estimate"
)

// Limits of what one RTCP datagram may make the edge do.
const (
	maxControl = 1500 // bytes
	maxNacked  = 256  // numbers
)

// srtcp takes feedback of a viewer.
func (s *Shard) srtcp(b []byte, from netip.AddrPort) {
	v := s.byAddr[from]
	switch {
	case v == nil || v.seal == nil:
		s.m.hostile(hostileAddress)
		return
	case len(b) < 8 || len(b) > maxControl || b[1] < 192 || b[1] > 223:
		s.m.hostile(hostileRTCP)
		return
	}
	plain, err := v.seal.openControl(b)
	if err != nil {
		s.m.hostile(hostileSRTCP)
		return
	}
	s.alive(v)
	s.heed(v, plain)
}

// Types and formats of RTCP (RFC 3550, section 12.1; RFC 4585, section 6; RFC 5104, section 4.3.1; REMB).
const (
	rtcpSender, rtcpReceiver, rtcpBye   = 200, 201, 203
	rtcpTransport, rtcpPayload          = 205, 206
	formatNack                          = 1
	formatPLI, formatFIR, formatMessage = 1, 4, 15
)

// scratch is what RTCP is read into; it stays, so that feedback leaves no garbage.
type scratch struct {
	receiver rtcp.ReceiverReport
	sender   rtcp.SenderReport
	nack     rtcp.TransportLayerNack
	remb     rtcp.ReceiverEstimatedMaximumBitrate
	pli      rtcp.PictureLossIndication
	fir      rtcp.FullIntraRequest
}

// heed acts on v's feedback, a compound of RTCP packets. What is malformed ends it.
func (s *Shard) heed(v *viewer, compound []byte) {
	budget, key := maxNacked, false
	for len(compound) > 0 {
		p, rest, err := estimate.Next(compound)
		if err == nil && p[1] == rtcpBye {
			s.end(v, ReasonLeft)
			return
		}
		if err == nil {
			var asks bool
			asks, err = s.heedOne(v, p, &budget)
			key = key || asks
		}
		if err != nil {
			s.m.hostile(hostileRTCP)
			break
		}
		compound = rest
	}
	if key {
		s.refresh(v)
	}
}

// heedOne acts on one packet. It says whether v asks for a key frame. budget is how many packets v may still ask
// for again.
func (s *Shard) heedOne(v *viewer, p []byte, budget *int) (key bool, err error) {
	r := &s.rtcp
	video := v.video.media.SSRC
	format := p[0] & 0x1f
	switch kind := p[1]; {
	case kind == rtcpReceiver:
		r.receiver.Reports = r.receiver.Reports[:0]
		if err = r.receiver.Unmarshal(p); err == nil {
			s.reported(v, r.receiver.Reports)
		}
	case kind == rtcpSender:
		r.sender.Reports = r.sender.Reports[:0]
		if err = r.sender.Unmarshal(p); err == nil {
			s.reported(v, r.sender.Reports)
		}
	case estimate.IsFeedback(p):
		s.feedback(v, p)
	case kind == rtcpTransport && format == formatNack:
		r.nack.Nacks = r.nack.Nacks[:0]
		if err = r.nack.Unmarshal(p); err == nil {
			s.nackedAll(v, budget)
		}
	case kind == rtcpPayload && format == formatPLI:
		err = r.pli.Unmarshal(p)
		key = err == nil && r.pli.MediaSSRC == video
	case kind == rtcpPayload && format == formatFIR:
		r.fir.FIR = r.fir.FIR[:0]
		err = r.fir.Unmarshal(p)
		for _, e := range r.fir.FIR {
			key = key || err == nil && e.SSRC == video
		}
	case kind == rtcpPayload && format == formatMessage:
		if r.remb.Unmarshal(p) == nil { // other messages of the application layer are nobody's fault
			v.choice.Estimate(s.now, int64(r.remb.Bitrate))
		}
	}
	return key, err
}

// nackedAll sends again what the NACK just read asks for, within budget.
func (s *Shard) nackedAll(v *viewer, budget *int) {
	for _, pair := range s.rtcp.nack.Nacks {
		pair.Range(func(n uint16) bool {
			if *budget--; *budget < 0 {
				return false
			}
			s.nacked(v, s.rtcp.nack.MediaSSRC, n)
			return true
		})
	}
}

// reported learns v's round trip, and feeds the blocks about its video to its layer choice.
func (s *Shard) reported(v *viewer, blocks []rtcp.ReceptionReport) {
	for _, b := range blocks {
		for _, l := range [...]*lane{&v.video, &v.audio} {
			if b.SSRC != l.media.SSRC || b.LastSenderReport == 0 {
				continue
			}
			if d := l.report.answered(b.LastSenderReport, b.Delay, s.now); d > 0 {
				v.rtt = d
			}
		}
		if b.SSRC == v.video.media.SSRC || !v.video.served() || v.video.flow() == nil {
			v.choice.Loss(s.now, float64(b.FractionLost)/256)
		}
	}
}

// refresh gives v a key frame: from the cached group, else from upstream.
func (s *Shard) refresh(v *viewer) {
	s.m.plis.Inc()
	l := &v.video
	flow := l.flow()
	if flow == nil || l.want != nil || l.catch != nil {
		return // one is on its way
	}
	if p := flow.Ring.At(flow.Ring.Head() - 1); p != nil && s.wall(s.now).Sub(p.At) > silent {
		return // a player asks because nothing new comes; what came before, it has shown
	}
	if v.pli.heed(s.now) {
		s.m.replays.Inc()
		s.show(v, flow, s.now)
	}
}

// nacked sends the packet that went out as n again, by RTX: a new number on an SSRC of its own, so that
// nothing is ever sealed twice under one nonce.
func (s *Shard) nacked(v *viewer, ssrc uint32, n uint16) {
	s.m.nacks.Inc()
	l := &v.video
	if ssrc != l.media.SSRC || l.media.RTX == 0 || !l.started {
		return
	}
	seg, seq, ok := l.find(n)
	if !ok {
		return
	}
	p := seg.flow.Ring.Get(seq)
	if p == nil {
		s.m.dropped(dropGone, 1)
		return
	}
	// On a path that does not carry what is shown, or just did not, what is sent again keeps the queue full.
	narrow := v.choice.Narrow() || seg != &l.segs[0] && v.path != nil && !v.path.MayRise(s.now)
	if narrow || v.resend.left < len(p.Data) {
		s.m.dropped(dropBudget, 1)
		return
	}
	if l.resent == nil {
		l.resent = &resent{}
	}
	if !l.resent.again(n, s.now, v.again()) {
		return
	}
	v.resend.spend(len(p.Data))
	s.one.be(l.media.Form, l.media.Codec.Name)
	s.single[0] = p
	s.one.fill(s.single[:], s.wall(s.now), false)
	for i := range s.one.list {
		q := &s.one.list[i]
		q.head[1] = q.head[1]&0x80 | l.media.RTX
		s.plain = append(append(s.plain[:0], byte(n>>8), byte(n)), q.body...)
		q.picture.Rename(s.plain[2:], q.picture.ID+seg.names.id, q.picture.TL0+seg.names.tl0)
		room := s.batch.room(len(q.head) + len(s.plain) + maxExpansion)
		own := numbers{ssrc: l.media.RTXSSRC, n: l.rtxSeq, ts: seg.timestamp(p.Timestamp)}
		v.number(&own, q, len(q.head)+len(s.plain), s.now)
		s.batch.add(&v.to, v.seal.seal(room, q.head, s.plain, &own))
		l.rtxSeq++
		s.m.resent.Inc()
	}
}

// Retransmission may take a quarter of what was sent, and a burst of some 100 packets.
const (
	bucketSize  = 128 << 10
	bucketShare = 4
)

// A bucket bounds what a viewer has resent.
type bucket struct{ left int }

func (b *bucket) fill()      { b.left = bucketSize }
func (b *bucket) earn(n int) { b.left = min(bucketSize, b.left+n/bucketShare) }
func (b *bucket) spend(n int) bool {
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}
