package egress

import (
	"slices"
	"time"

	"freshet/cluster/stream"
	"freshet/edge/layer"
)

// rungs returns the layers of the video track that v may get, lowest first. They are valid until it is called again.
func (f *feed) rungs(l *lane, now time.Time, at mono) ([]*stream.Flow, []layer.Rung) {
	first := f.pick(stream.Video, l)
	if first == nil {
		return nil, nil
	}
	flows, rungs := f.flows[:0], f.rung[:0]
	for _, flow := range f.stream.Flows {
		if flow.Format.Track == first.Format.Track && flow.Format.Kind == stream.Video && l.media.fits(flow.Format.Codec) {
			flows = append(flows, flow)
		}
	}
	slices.SortStableFunc(flows, func(a, b *stream.Flow) int { return a.Format.Rank - b.Format.Rank })
	for _, flow := range flows {
		rungs = append(rungs, layer.Rung{BPS: f.rates[flow.Index].bps, State: f.state(flow, now, at)})
	}
	f.flows, f.rung = flows, rungs
	return flows, rungs
}

// chosen returns the flow that v should see now, nil for audio alone, and has the mesh bring what v should
// see as soon as it is there.
func (s *Shard) chosen(v *viewer, at mono) *stream.Flow {
	flows, rungs := v.feed.rungs(&v.video, s.wall(at), at)
	if len(flows) == 0 || v.asked.AudioOnly {
		return nil
	}
	i := -1
	if v.asked.Fixed {
		i = slices.IndexFunc(flows, func(flow *stream.Flow) bool { return flow.Format.RID == v.asked.RID })
	}
	fixed := i >= 0
	if !fixed {
		v.choice.Told(at, v.known(at))
		i = v.choice.Choose(at, rungs, v.sound())
		s.probePath(v, v.choice.Wanted(), at)
	}
	if i == layer.AudioOnly {
		return nil
	}
	v.feed.want(flows[i], at)
	v.feed.want(flows[layer.Attainable(rungs, i)], at)
	if v.video.idle() {
		return s.first(v, flows, rungs, i, at)
	}
	if shown := slices.Index(flows, v.video.flow()); fixed && rungs[i].State == layer.Asleep && shown >= 0 && rungs[shown].State == layer.Live {
		return flows[shown] // until it is there, rather than change twice
	}
	return flows[layer.Nearest(rungs, i)]
}

// sound returns how many bits a second of sound v gets; 1 where that is not known yet, 0 where it gets none.
func (v *viewer) sound() int64 {
	if v.audio.src == nil {
		return 0
	}
	return max(1, v.feed.rates[v.audio.src.flow.Index].bps)
}

// first returns the flow that v, which shows nothing, begins with, where it should have rung i: the best one
// of which there is a picture. Where i was only just asked for it waits a moment, rather than begin lower, unless it is
// urgent.
func (s *Shard) first(v *viewer, flows []*stream.Flow, rungs []layer.Rung, i int, at mono) *stream.Flow {
	n := layer.Nearest(rungs, i)
	if _, ok := flows[n].Group(); ok && n == i {
		return flows[i]
	}
	fresh := flows[i].Ring.Head() == 0 || rungs[i].State == layer.Live
	if fresh && !v.urgent && at-v.feed.wants[flows[i].Index].since < firstFor {
		return flows[i]
	}
	for j := n; j >= 0; j-- {
		if _, ok := flows[j].Group(); ok && rungs[j].State == rungs[n].State {
			return flows[j]
		}
	}
	return flows[n]
}

// selectEvery is how often what a viewer asks to see is heeded at once. A change may send a key frame and
// what follows; who asks more often has its last choice at the next visit.
const selectEvery = 250 * time.Millisecond

// selected notes what v asks to see.
func (s *Shard) selected(v *viewer, want Selection, at mono) {
	v.asked = want
	if v.seal != nil && (v.askedAt == 0 || at-v.askedAt >= selectEvery) {
		v.askedAt = at
		s.adapt(v, at)
	}
}

// adapt brings v to the layer it should see.
func (s *Shard) adapt(v *viewer, at mono) {
	if !v.video.served() || v.standby {
		return
	}
	l := &v.video
	flow := s.chosen(v, at)
	switch {
	case flow != nil && !flow.Shed() && l.dry():
		if flow != l.flow() {
			s.m.shed.Inc()
		}
		s.show(v, flow, at) // at once: nothing goes on until the next key frame
	case flow == l.flow():
	case flow == nil:
		s.leave(v, l)
	case l.want != nil && l.src != nil && l.src.flow == flow:
		v.unwait(l) // back before it left
	case l.idle() && (l.want == nil || !l.started):
		s.show(v, flow, at)
	case l.catch != nil:
		// It goes over once it is live.
	default:
		// What is idle here has had to stop for its path: an older group would be too much again.
		if v.path != nil && l.want == nil && l.src != nil && flow.Format.Rank > l.src.flow.Format.Rank {
			v.path.Rose(at) // now: until the key frame the others of the address would take their turn, too
		}
		s.wait(v, flow, newerThan(flow, s.wall(at)), at)
		if v.path != nil && !v.asked.Fixed && l.src != nil && flow.Format.Rank < l.src.flow.Format.Rank {
			// The path is too narrow, and has a queue: each frame more would come after seconds, and the new layer behind it.
			v.feed.detach(l)
		}
	}
}

// idle says whether l shows nothing.
func (l *lane) idle() bool { return l.src == nil && l.catch == nil }

// dry says whether what l shows, or catches up with, will bring no more: upstream holds it back.
func (l *lane) dry() bool {
	return l.src != nil && l.src.flow.Shed() || l.catch != nil && l.catch.src.flow.Shed()
}

// newerThan returns the Seq behind which a key frame of flow will do for a switch: one of the last
// third of a second does, what follows it is sent at once.
func newerThan(flow *stream.Flow, now time.Time) int64 {
	if g, ok := flow.Group(); ok && now.Sub(g.At) < atOnce {
		return g.First - 1
	}
	return flow.Ring.High()
}
