package relay

import (
	"cmp"
	"slices"
	"time"
)

const videoLeast = 50e3 // bits a second, however narrow the path is

// A throttle does what the link's controller says. It is owned by the sink's serve loop.
type throttle struct {
	s   *sink
	ctl controller

	now    signals
	order  []*served // by priority, as signals.flows
	above  []*served // held back by a node above: they say nothing of this path
	paused bool      // the repair layer
	pace   float64   // bits a second of video; 0 is no bound
	shed   int       // flows held back, as the gauge counts them
	most   uint64    // bytes that a peer without repair layer was thought to have
}

func newThrottle(s *sink) *throttle { return &throttle{s: s} }

// stop leaves nothing behind that outlives the link.
func (t *throttle) stop() {
	t.s.link.m.held.Sub(float64(t.shed))
	t.s.link.queue.stop()
	if t.paused {
		t.s.link.setRepair(true)
	}
}

// step looks at the path and decides what goes until the next step.
func (t *throttle) step(now time.Time) {
	l, m := t.s.link, t.s.link.m
	t.gather(now)
	t.measure(now)
	v := t.ctl.step(now, &t.now)
	t.apply(v, now)
	t.s.slow.Store(v.slow) // before what waits is forgotten
	if v.slow != t.paused {
		t.paused = v.slow
		if !v.slow {
			l.setRepair(true)
		}
		l.queue.setCopying(!v.slow)
		if v.slow {
			l.queue.forget()
			m.pauses.Inc()
		}
	}
	if v.slow { // each time: the address is that of an older link of the peer as well, whose end switches it on
		l.setRepair(false)
	}
	l.quiet.Store(v.clear)
	l.wanted.Store(int64(t.wanted() / 8))
	t.setPace(v)
	l.room.Store(int64(v.room))
	l.held.Store(int64(t.shed))
	if v.probe > 0 {
		m.probes.Inc()
		if !l.probe(v.probe, probeFor) {
			t.ctl.probing.unsent(now)
		}
	}
	l.queue.askKeys(now)
}

// gather lists the flows that are wanted and come to this node, and what of them waits.
func (t *throttle) gather(now time.Time) {
	t.order, t.above = t.order[:0], t.above[:0]
	t.now.flows = t.now.flows[:0]
	t.now.waiting, t.now.oldest = 0, 0
	t.s.link.queue.each(func(sv *served) {
		switch {
		case sv.idle:
			return
		case sv.flow.Shed():
			t.above = append(t.above, sv)
			return
		}
		t.order = append(t.order, sv)
		sv.rate.read(sv.flow, now)
		r := sv.flow.Ring
		if n := r.Head() - sv.cursor; !sv.held() && n > 0 {
			t.now.waiting += int(n)
			if p := r.At(sv.cursor); p != nil {
				t.now.oldest = max(t.now.oldest, now.Sub(p.At))
			}
		}
	})
	slices.SortStableFunc(t.order, byPriority)
	for _, sv := range t.order {
		t.now.flows = append(t.now.flows, load{rate: sv.rate.last, must: sv.class != classLayer, shed: sv.shed})
	}
}

// byPriority orders flows; those of one rank that are carried go before those that are not.
func byPriority(a, b *served) int {
	switch c := cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.flow.Format.Rank, b.flow.Format.Rank)); {
	case c != 0 || a.shed == b.shed:
		return c
	case a.shed:
		return 1
	}
	return -1
}

// measure takes the path's figures from the repair layer, or where the peer has none, from QUIC.
func (t *throttle) measure(now time.Time) {
	l, n := t.s.link, &t.now
	n.groups = t.s.filler.busy()
	p, ok := l.path()
	if !ok || p.Plain {
		st := l.main.quic.ConnectionStats()
		*n = signals{waiting: n.waiting, oldest: n.oldest, groups: n.groups, flows: n.flows}
		n.rtt, n.minRTT, n.lastRTT, n.rttAt = st.SmoothedRTT, st.MinRTT, st.LatestRTT, now
		for _, c := range l.all() {
			st := c.quic.ConnectionStats()
			n.delivered += st.BytesSent - min(st.BytesLost, st.BytesSent)
		}
		t.most = max(t.most, n.delivered) // what is lost was sent before it was known to be
		n.delivered, n.deliveredAt = t.most, now
		return
	}
	n.rtt, n.minRTT, n.lastRTT, n.rttAt = p.RTT, p.MinRTT, p.LastRTT, p.RTTAt
	n.sent, n.asked, n.refused = p.Sent, p.Asked, p.Refused
	n.delivered, n.deliveredAt = p.Delivered, p.DeliveredAt
	n.probes = true
	n.probeRTT, n.probedAt = p.ProbeRTT, p.ProbedAt
}

// apply holds flows back, or lets them go on.
func (t *throttle) apply(v verdict, now time.Time) {
	l := t.s.link
	b := bar{full: v.slow, known: v.room > 0, spare: shareSafe * v.room}
	shed, changed := 0, false
	for i, sv := range t.order {
		away := i >= v.carry && sv.class == classLayer
		switch {
		case !away:
			b.spare -= t.now.flows[i].rate
		case !b.shed:
			b.shed, b.rank = true, sv.flow.Format.Rank
			fallthrough
		default:
			shed++
		}
		if !l.queue.shedNow(sv, away, now) {
			continue
		}
		changed = true
		if away {
			l.m.sheds.Inc()
		} else {
			l.m.returns.Inc()
		}
	}
	l.queue.setBar(b)
	for _, sv := range t.above { // so that none goes at once when it comes again
		l.queue.shedNow(sv, b.stops(sv), now)
	}
	l.m.held.Add(float64(shed - t.shed))
	t.shed = shed
	if changed {
		l.log.Info("layers changed for the room on the path", "carried", v.carry, "of", len(t.order), "room", int(v.room), "reason", string(v.why))
		t.s.tellPauses()
	}
}

// wanted returns the bits a second of all that would go on a wide path.
func (t *throttle) wanted() (sum float64) {
	_, sum = sums(t.now.flows, 0)
	return sum
}

// setPace has video go as fast as the path and audio beside it allow.
func (t *throttle) setPace(v verdict) {
	pace := v.pace
	if pace > 0 {
		for i, sv := range t.order {
			if sv.class == classAudio {
				pace -= t.now.flows[i].rate
			}
		}
		pace = max(pace, videoLeast)
	}
	if pace != t.pace {
		t.pace = pace
		t.s.link.queue.setPace(pace / 8)
	}
}

// delay returns how long the path's queues hold a packet now.
func (l *link) delay(now time.Time) time.Duration {
	if p, ok := l.path(); ok && !p.Plain && p.MinRTT > 0 && now.Sub(p.RTTAt) < staleFor {
		return p.LastRTT - p.MinRTT
	}
	st := l.main.quic.ConnectionStats()
	return st.LatestRTT - st.MinRTT
}
