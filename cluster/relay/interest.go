package relay

import (
	"slices"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
)

const (
	carriedFresh  = 3 * time.Second // a fresh stream carries all layers: viewers begin at the top
	carriedLinger = 5 * time.Second // after the last viewer of a layer left; another may come
)

// An interest says whether a flow is to be carried here. It is part of an inflow.
type interest struct {
	wanted bool
	until  time.Time // carried at least until then, wanted or not
}

// carry says whether f is to come from upstream, and when to look again; zero is when f.OnWanted tells.
// Audio always is, and so is the lowest layer: it is what is left when a path becomes narrow.
func (i *interest) carry(f *stream.Flow, now time.Time) (yes bool, again time.Time) {
	if f.Format.Kind == stream.Audio || f.Format.Rank == 0 {
		return true, time.Time{}
	}
	wanted := f.Wanted()
	if i.wanted && !wanted && now.Add(carriedLinger).After(i.until) {
		i.until = now.Add(carriedLinger)
	}
	i.wanted = wanted
	switch {
	case wanted:
		return true, time.Time{}
	case now.Before(i.until):
		return true, i.until
	}
	return false, time.Time{}
}

// watch tells upstream which flows are watched here or below, where that changed.
func (u *puller) watch(now time.Time) {
	u.watchAt = time.Time{}
	u.idle = u.idle[:0]
	for _, in := range u.flows {
		yes, again := in.carry(in.flow, now)
		u.idle = append(u.idle, !yes)
		if !again.IsZero() && (u.watchAt.IsZero() || again.Before(u.watchAt)) {
			u.watchAt = again
		}
	}
	for _, f := range u.feeds() {
		if f.open() && f.source.link.speaks(watchVersion) && !slices.Equal(f.idle, u.idle) {
			f.idle = slices.Clone(u.idle)
			f.source.link.say(watchMessage(f))
		}
	}
	u.settle()
}

func watchMessage(f *feed) *pb.RelayMessage {
	w := &pb.Watch{Id: f.id}
	for i, id := range f.ids {
		if !f.idle[i] {
			w.Flows = append(w.Flows, id)
		}
	}
	return &pb.RelayMessage{Body: &pb.RelayMessage_Watch{Watch: w}}
}

// unwatched says whether flow i was not carried when last looked at.
func (u *puller) unwatched(i int) bool { return i < len(u.idle) && u.idle[i] }

// pause notes that upstream holds flows of f back, or not any more.
func (u *puller) pause(f *feed, p *pb.Pause) {
	for _, id := range p.GetFlows() {
		if i := slices.Index(f.ids, id); i >= 0 && f.open() {
			f.shed[i] = p.GetPaused()
		}
	}
	u.settle()
}

// settle has each flow sleep that no feed brings, and wake where one does again.
func (u *puller) settle() {
	for i, in := range u.flows {
		asleep, shed, any := true, true, false
		for _, f := range u.feeds() {
			if f.open() {
				any = true
				asleep = asleep && (f.shed[i] || f.idle[i])
				shed = shed && f.shed[i]
			}
		}
		if any && asleep != in.asleep {
			if asleep {
				in.sleep()
			} else {
				in.wake()
			}
		}
		in.flow.SetShed(any && shed)
	}
}
