package egress

import (
	"slices"
	"time"

	"freshet/cluster/stream"
	"freshet/edge/layer"
)

// rungs returns the layers of the video track that v may get, lowest first.
func (f *feed) rungs(l *lane, now time.Time) (flows []*stream.Flow, rungs []layer.Rung) {
	first := f.pick(stream.Video, l)
	if first == nil {
		return nil, nil
	}
	for _, flow := range f.stream.Flows {
		if flow.Format.Track == first.Format.Track && flow.Format.Kind == stream.Video && l.media.fits(flow.Format.Codec) {
			flows = append(flows, flow)
		}
	}
	slices.SortStableFunc(flows, func(a, b *stream.Flow) int { return a.Format.Rank - b.Format.Rank })
	for _, flow := range flows {
		p := flow.Ring.At(flow.Ring.Head() - 1)
		rungs = append(rungs, layer.Rung{BPS: f.rates[flow.Index].bps, Live: p != nil && now.Sub(p.At) < time.Second})
	}
	return flows, rungs
}

// chosen returns the flow that v should see now, nil for audio alone.
func (s *Shard) chosen(v *viewer, at mono) *stream.Flow {
	flows, rungs := v.feed.rungs(&v.video, s.wall(at))
	if len(flows) == 0 || v.asked.AudioOnly {
		return nil
	}
	if v.asked.Fixed {
		for _, flow := range flows {
			if flow.Format.RID == v.asked.RID {
				return flow
			}
		}
	}
	i := v.choice.Choose(at, rungs, v.audio.src != nil)
	if i == layer.AudioOnly {
		return nil
	}
	return flows[i]
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
	if !v.video.served() {
		return
	}
	l := &v.video
	flow := s.chosen(v, at)
	switch {
	case flow == l.flow():
	case flow == nil:
		s.leave(v, l)
	case l.want != nil && l.src != nil && l.src.flow == flow:
		v.unwait(l) // back before it left
	case l.src == nil && l.catch == nil:
		s.show(v, flow, at)
	case l.catch != nil:
		// It goes over once it is live.
	default:
		s.wait(v, flow, newerThan(flow, s.wall(at)), at)
	}
}

// newerThan returns the Seq behind which a key frame of flow will do for a switch: one of the last
// third of a second does, what follows it is sent at once.
func newerThan(flow *stream.Flow, now time.Time) int64 {
	if g, ok := flow.Ring.Newest(); ok && now.Sub(g.At) < atOnce {
		return g.First - 1
	}
	return flow.Ring.High()
}
