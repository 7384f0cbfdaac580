package egress

import (
	"net/netip"

	"github.com/pion/rtcp"
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
	packets, err := rtcp.Unmarshal(plain)
	if err != nil {
		s.m.hostile(hostileRTCP)
		return
	}
	s.heed(v, packets)
}

// heed acts on v's feedback.
func (s *Shard) heed(v *viewer, packets []rtcp.Packet) {
	nacked, key := 0, false
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.ReceiverReport:
			s.reported(v, p.Reports)
		case *rtcp.SenderReport:
			s.reported(v, p.Reports)
		case *rtcp.ReceiverEstimatedMaximumBitrate:
			v.choice.Estimate(s.now, int64(p.Bitrate))
		case *rtcp.TransportLayerNack:
			for _, pair := range p.Nacks {
				for _, n := range pair.PacketList() {
					if nacked++; nacked <= maxNacked {
						s.nacked(v, p.MediaSSRC, n)
					}
				}
			}
		case *rtcp.PictureLossIndication:
			key = key || p.MediaSSRC == v.video.media.SSRC
		case *rtcp.FullIntraRequest:
			for _, e := range p.FIR {
				key = key || e.SSRC == v.video.media.SSRC
			}
		case *rtcp.Goodbye:
			s.end(v, ReasonLeft)
			return
		}
	}
	if key {
		s.refresh(v)
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
	if flow == nil || l.want != nil || l.catch != nil || v.pliAt != 0 && s.now-v.pliAt < pliEvery {
		return // one is on its way
	}
	if p := flow.Ring.At(flow.Ring.Head() - 1); p != nil && s.wall(s.now).Sub(p.At) > silent {
		return // a player asks because nothing new comes; what came before, it has shown
	}
	v.pliAt = s.now
	s.show(v, flow, s.now)
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
	last := &l.resentAt[n%uint16(len(l.resentAt))]
	if last.seq == n && last.at != 0 && s.now-last.at < v.again() {
		return
	}
	if !v.resend.spend(len(p.Data)) {
		s.m.dropped(dropBudget, 1)
		return
	}
	*last = resent{n, s.now}
	s.one.form = l.media.Form
	s.single[0] = p
	s.one.fill(s.single[:], s.wall(s.now), false)
	for i := range s.one.list {
		q := &s.one.list[i]
		q.head[1] = q.head[1]&0x80 | l.media.RTX
		s.plain = append(append(s.plain[:0], byte(n>>8), byte(n)), q.body...)
		room := s.batch.room(len(q.head) + len(s.plain) + maxExpansion)
		s.batch.add(&v.to, v.seal.seal(room, q.head, s.plain, l.media.RTXSSRC, l.rtxSeq, seg.timestamp(p.Timestamp)))
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
