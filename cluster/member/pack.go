package member

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// packBytes is how much of announcements one part takes: with name, signature and the rest at their longest, 200 bytes, it
// stays below maxSigned. A part is begun when none has room, so each held 707 bytes then; what leaves makes room for others.
const packBytes = 880

// A packer lays announcements into parts. A stream stays in its part while it lasts, so that one change costs one
// message, and so that no stream is in two parts of a state. It belongs to the goroutine that tells.
type packer struct {
	parts []pack // parts[0] is part 1
	over  int    // streams left out of the last pack, beyond maxStreams
}

type pack struct {
	streams []string
	list    []*pb.Announcement // of streams, as they are
}

// pack takes all announcements and returns the numbers of the parts that are to be told at once.
func (p *packer) pack(all []*pb.Announcement) (changed []int) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *pb.Announcement) int { return strings.Compare(a.Stream, b.Stream) })
	all = slices.CompactFunc(all, func(a, b *pb.Announcement) bool { return a.Stream == b.Stream })
	p.over = max(0, len(all)-maxStreams)
	all = all[:len(all)-p.over]

	now := make(map[string]*pb.Announcement, len(all))
	for _, a := range all {
		now[a.Stream] = a
	}
	for i := range p.parts {
		one := &p.parts[i]
		one.streams = slices.DeleteFunc(one.streams, func(s string) bool { return now[s] == nil })
		for size(one.streams, now) > packBytes { // an upstream has a longer name now: what is last moves
			one.streams = one.streams[:len(one.streams)-1]
		}
	}
	p.place(all, now)
	for i := range p.parts {
		if p.parts[i].update(now) {
			changed = append(changed, i+1)
		}
	}
	return changed
}

// place lays streams that are in no part into the first with room.
func (p *packer) place(all []*pb.Announcement, now map[string]*pb.Announcement) {
	placed := map[string]bool{}
	for _, one := range p.parts {
		for _, s := range one.streams {
			placed[s] = true
		}
	}
	for len(p.parts) > 0 && len(p.parts[len(p.parts)-1].streams) == 0 {
		p.parts = p.parts[:len(p.parts)-1]
	}
	for _, a := range all {
		if placed[a.Stream] {
			continue
		}
		i := slices.IndexFunc(p.parts, func(one pack) bool { return size(one.streams, now)+announced(a) <= packBytes })
		if i < 0 {
			i = len(p.parts)
			p.parts = append(p.parts, pack{})
		}
		p.parts[i].streams = append(p.parts[i].streams, a.Stream)
	}
}

// update sets the part's list and tells whether more than viewers differ.
func (one *pack) update(now map[string]*pb.Announcement) bool {
	list := make([]*pb.Announcement, 0, len(one.streams))
	same := len(one.streams) == len(one.list)
	for i, s := range one.streams {
		list = append(list, proto.CloneOf(now[s]))
		same = same && equalButViewers(list[i], one.list[i])
	}
	one.list = list
	return !same
}

func equalButViewers(a, b *pb.Announcement) bool {
	return a.Stream == b.Stream && a.Epoch == b.Epoch && a.Live == b.Live && a.Hops == b.Hops && a.Upstream == b.Upstream
}

func size(streams []string, now map[string]*pb.Announcement) int {
	n := 0
	for _, s := range streams {
		n += announced(now[s])
	}
	return n
}

// layersBytes is what the rates of an origin's layers take: four, each below 2 Gbit/s.
const layersBytes = 2 + 4*3

// announced is the size of a in a part, at the greatest figures: so it does not grow with its audience.
func announced(a *pb.Announcement) int {
	return 2 + 2 + len(a.Stream) + 11 + 2 + 6 + 6 + 2 + len(a.Upstream) + layersBytes
}
