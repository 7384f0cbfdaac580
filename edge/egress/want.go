package egress

import (
	"time"

	"freshet/cluster/stream"
	"freshet/edge/layer"
)

const (
	// wantFor is how long a layer is wanted after the last viewer who should have it: who comes and goes, or
	// tries a layer, does not have the nodes above begin and cease to carry it. Each viewer is looked at once
	// a second.
	wantFor = 3 * time.Second
	// wakeFor is how long a layer that was asked for may take to come. The mesh needs a few round trips.
	wakeFor = 2 * time.Second
	// dozing is the age of the last packet by which a layer that we have not wanted for long has ceased to be
	// carried.
	dozing = 200 * time.Millisecond
	// firstFor is how long a viewer without a picture waits for the layer it should have, where that was only
	// just asked for and is on its way.
	firstFor = 200 * time.Millisecond
	// lookEvery is how soon viewers follow a layer that came, or that upstream holds back.
	lookEvery = 50 * time.Millisecond
)

// A want is what the shard wants of one flow.
type want struct {
	held  bool // Flow.Want was called, and Unwant was not since
	since mono // when it was called
	until mono // no source and nobody who should have it: let go then
	state layer.State
}

// want has the mesh carry flow for at least wantFor from now on.
func (f *feed) want(flow *stream.Flow, at mono) {
	w := &f.wants[flow.Index]
	w.until = at + wantFor
	if !w.held {
		w.held, w.since = true, at
		f.youngUntil = at + firstFor + 2*lookEvery
		flow.Want()
	}
}

// unwant lets go of the flows that have had no use since their time was up.
func (f *feed) unwant(at mono) {
	for i := range f.wants {
		switch w := &f.wants[i]; {
		case f.sources[i] != nil:
			w.until = at + wantFor
		case w.held && at >= w.until:
			w.held = false
			f.stream.Flows[i].Unwant()
		}
	}
}

// release lets go of all flows at once.
func (f *feed) release() {
	for i := range f.wants {
		if w := &f.wants[i]; w.held {
			w.held = false
			f.stream.Flows[i].Unwant()
		}
	}
}

// state says how flow does.
func (f *feed) state(flow *stream.Flow, now time.Time, at mono) layer.State {
	w := &f.wants[flow.Index]
	lowest := flow.Format.Rank == 0 // always carried
	within := silent
	if !lowest && (!w.held || at-w.since < silent) {
		within = dozing
	}
	p := flow.Ring.At(flow.Ring.Head() - 1)
	switch {
	case flow.Shed():
		return layer.Shed
	case p != nil && now.Sub(p.At) < within && (lowest || flow.Wanted()):
		return layer.Live
	case !lowest && (!w.held || at-w.since < wakeFor):
		return layer.Asleep
	}
	return layer.Silent
}

// look notes how the layers of f do. It returns true where one came or is held back since it last looked.
func (f *feed) look(now time.Time, at mono) (moved bool) {
	for i, flow := range f.stream.Flows {
		if flow.Format.Kind != stream.Video {
			continue
		}
		if state := f.state(flow, now, at); state != f.wants[i].state {
			f.wants[i].state = state
			moved = moved || state == layer.Live || state == layer.Shed
		}
	}
	return moved
}

// follow brings the viewers of f to the layers that they should see, as soon as one came or is held back, and
// those who wait for their first picture to what there is.
func (s *Shard) follow(f *feed, at mono) {
	if at-f.lookedAt < lookEvery {
		return
	}
	f.lookedAt = at
	f.unwant(at)
	moved, young := f.look(s.wall(at), at), at < f.youngUntil
	if !moved && !young {
		return
	}
	for _, v := range f.viewers {
		if moved || v.video.idle() {
			s.adapt(v, at)
		}
	}
}
