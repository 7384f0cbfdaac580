package egress

import (
	"math/rand/v2"

	"freshet/cluster/stream"
)

// A Reason is why a viewer left; the label of a metric.
type Reason string

// The reasons.
const (
	ReasonClosed    Reason = "closed"    // by DELETE, by the node's stop or by the HTTP side
	ReasonLeft      Reason = "left"      // the viewer said goodbye: DTLS close_notify or RTCP BYE
	ReasonVanished  Reason = "vanished"  // nothing heard for 30 s
	ReasonHandshake Reason = "handshake" // ICE and DTLS not done in time, or refused
	ReasonEnded     Reason = "ended"     // the stream is over
	ReasonCodec     Reason = "codec"     // a newer epoch of the stream has nothing the viewer agreed on
	ReasonShutdown  Reason = "shutdown"  // the node stops
)

// admit takes a new viewer in. It waits for its first check.
func (s *Shard) admit(j Join, at mono) {
	v := &viewer{
		join: j, place: len(s.viewers), seat: -1, locals: [2]Credentials{j.Local}, peer: j.Peer,
		added: at, seen: at, standby: j.Standby,
	}
	v.video.media, v.audio.media = &v.join.Video, &v.join.Audio
	for _, l := range [...]*lane{&v.video, &v.audio} {
		// Below 2^15, so that the first wrap is far away: a receiver guesses the rollover counter (RFC 3711).
		l.high = int64(rand.Uint32N(1 << 15))
		l.rtxSeq = int64(rand.Uint32N(1 << 15))
		l.lastTS = rand.Uint32()
	}
	v.resend.fill()
	f := s.feeds[j.StreamID]
	if f == nil {
		f = &feed{id: j.StreamID}
		f.setStream(j.Source.Stream(), at)
		s.feeds[j.StreamID] = f
		s.order = append(s.order, f)
	}
	f.joining++
	s.joining++
	v.feed = f
	if flows, _ := f.rungs(&v.video, s.wall(at), at); len(flows) > 0 && !v.standby {
		f.want(flows[len(flows)-1], at) // it begins there: a layer that sleeps wakes during the handshake
	}
	s.viewers = append(s.viewers, v)
	s.byUfrag[j.Local.Ufrag] = v
	s.bySess[j.Session] = v
	s.m.opened.Inc()
}

// end takes v out, for good.
func (s *Shard) end(v *viewer, why Reason) {
	if v.place < 0 {
		return
	}
	if why == ReasonClosed || why == ReasonEnded || why == ReasonShutdown || why == ReasonCodec {
		s.sendBye(v)
	}
	f := v.feed
	if v.seat >= 0 {
		s.leave(v, &v.video)
		s.leave(v, &v.audio)
		last := len(f.viewers) - 1
		f.viewers[v.seat] = f.viewers[last]
		f.viewers[v.seat].seat = v.seat
		f.viewers[last] = nil
		f.viewers = f.viewers[:last]
	} else {
		f.joining--
		s.joining--
	}
	if v.conn != nil {
		v.conn.detach()
	}
	last := len(s.viewers) - 1
	s.viewers[v.place] = s.viewers[last]
	s.viewers[v.place].place = v.place
	s.viewers[last] = nil
	s.viewers = s.viewers[:last]
	v.place = -1
	if s.byAddr[v.to.addr] == v {
		delete(s.byAddr, v.to.addr)
	}
	for _, c := range v.locals {
		if s.byUfrag[c.Ufrag] == v {
			delete(s.byUfrag, c.Ufrag)
		}
	}
	delete(s.bySess, v.join.Session)
	s.part(v)
	s.uncheck(v)
	if len(f.viewers) == 0 && f.joining == 0 {
		s.forget(f)
	}
	s.m.ended.WithLabelValues(string(why)).Inc()
	v.join.Ended(why)
}

func (s *Shard) forget(f *feed) {
	f.release()
	delete(s.feeds, f.id)
	for i, have := range s.order {
		if have == f {
			s.order = append(s.order[:i:i], s.order[i+1:]...)
			return
		}
	}
}

// setStream and endStream are what the puller says of a stream.
func (s *Shard) setStream(id string, next *stream.Stream, at mono) {
	if f := s.feeds[id]; f != nil {
		s.replace(f, next, at)
	}
}

func (s *Shard) endStream(id string, why Reason) {
	for i := len(s.viewers) - 1; i >= 0; i-- {
		if v := s.viewers[i]; v.feed.id == id {
			s.end(v, why) // the last viewer, looked at already, takes its place
		}
	}
}

// shutdown ends all viewers and closes the socket's use by the loop.
func (s *Shard) shutdown() {
	for len(s.viewers) > 0 {
		s.end(s.viewers[len(s.viewers)-1], ReasonShutdown)
	}
	s.batch.flush()
	s.m.count(&s.batch.count)
}

// visit is the once-a-second look at v.
func (s *Shard) visit(v *viewer, at mono) {
	switch {
	case v.seal == nil && at-v.added > handshakeTimeout:
		s.end(v, ReasonHandshake)
		return
	case at-v.seen > consentTimeout:
		s.end(v, ReasonVanished)
		return
	case v.seal == nil:
		return
	}
	v.video.forget(at)
	v.audio.forget(at)
	s.adapt(v, at)
	s.sendReport(v, at)
}
