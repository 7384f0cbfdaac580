package egress

import (
	"net/netip"

	"freshet/edge/estimate"
	"freshet/edge/layer"
)

// A commonPath is what the viewers of the shard behind one address share.
type commonPath struct {
	estimate.Path
	behind  netip.Addr
	viewers int
}

// behind returns what viewers have in common who sit behind one connection: an IPv4 address, or the first half of
// an IPv6 one.
func behind(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.Is4() {
		return a
	}
	if p, err := a.WithZone("").Prefix(64); err == nil {
		return p.Addr()
	}
	return a
}

// estimate has v's path estimated from now on, where its SDP agreed on transport-wide feedback about the picture.
func (s *Shard) estimate(v *viewer) {
	if v.video.media.Form.Transport == 0 {
		return
	}
	v.common = s.common(v.to.addr.Addr())
	v.path = estimate.New(&v.common.Path)
}

// common returns the path to a and counts one more viewer there.
func (s *Shard) common(a netip.Addr) *commonPath {
	a = behind(a)
	p := s.paths[a]
	if p == nil {
		p = &commonPath{behind: a}
		s.paths[a] = p
	}
	p.viewers++
	return p
}

// part counts v no more among those of its address.
func (s *Shard) part(v *viewer) {
	if v.common == nil {
		return
	}
	if v.common.viewers--; v.common.viewers == 0 {
		delete(s.paths, v.common.behind)
	}
	v.common = nil
}

// repath follows v to another address.
func (s *Shard) repath(v *viewer) {
	if v.path == nil || v.common.behind == behind(v.to.addr.Addr()) {
		return
	}
	s.part(v)
	v.common = s.common(v.to.addr.Addr())
	v.path.Move(&v.common.Path)
}

// feedback takes transport-wide feedback of v.
func (s *Shard) feedback(v *viewer, b []byte) {
	f, err := estimate.ParseFeedback(b)
	if err != nil || v.path == nil {
		s.m.hostile(hostileRTCP)
		return
	}
	s.m.feedbacks.Inc()
	if n := v.path.Feedback(s.now, &f); n > 0 {
		s.m.unknown.Add(float64(n))
	}
	s.giveUp(v, s.now)
	wanted := v.choice.Wanted()
	if known := v.known(s.now); v.choice.Told(s.now, known) || wanted > 0 && known.BPS >= wanted {
		s.adapt(v, s.now)
	}
}

// known returns what is known of v's path.
func (v *viewer) known(at mono) layer.Path {
	if v.path == nil {
		return layer.Path{}
	}
	return layer.Path{BPS: v.path.BPS(at), MayRise: v.path.MayRise(at)}
}

// number gives the next packet to v, of size bytes, its transport-wide number, where q has a place for it.
func (v *viewer) number(own *numbers, q *prepared, size int, at mono) {
	if q.transport != 0 && v.path != nil {
		own.slot, own.transport = q.transport, v.path.Number(at, size)
	}
}

// probePadding is the most that a packet of nothing else can have (RFC 3550, section 5.1).
const probePadding = 255

// probePath finds out whether v's path carries so many bits a second: a few packets of padding on the SSRC of
// retransmission, which a receiver counts and drops (RFC 4588 has no payload shorter than two bytes).
func (s *Shard) probePath(v *viewer, bps int64, at mono) {
	l := &v.video
	if bps == 0 || v.path == nil || l.media.RTX == 0 {
		return
	}
	size := v.path.Probe(at, bps) * estimate.ProbePackets
	if size == 0 || !v.resend.spend(size) {
		return
	}
	s.one.form = l.media.Form
	q := s.one.padding(l.media.RTX, probePadding)
	for ; size > 0; size -= len(q.head) + len(q.body) {
		own := numbers{ssrc: l.media.RTXSSRC, n: l.rtxSeq, ts: l.lastTS}
		v.number(&own, &q, len(q.head)+len(q.body), at)
		s.batch.add(&v.to, v.seal.seal(s.batch.room(len(q.head)+len(q.body)+maxExpansion), q.head, q.body, &own))
		l.rtxSeq++
		s.m.probes.Inc()
	}
}
