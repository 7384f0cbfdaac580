package place

import (
	"cmp"
	"slices"

	"freshet/cluster/tree"
)

// Trees returns the tree of each stream. Hubs and their parents stay as they were in previous where they can: what comes, goes
// or fills up moves what hangs on it, and no more.
//
// Each region with edges that want a stream has hubs of its own, where nodes there have room; a hub takes the stream over the
// cheapest border whose way is about as short as the straight one. No node has more links in a tree than the mesh's degree,
// and none is given more than it can send beside its viewers. A link is counted with all layers up to the highest that
// somebody below watches.
func Trees(m Mesh, streams []Stream, previous map[string]tree.Tree) Decision {
	b := newBoard(m)
	byID := make([]*Stream, len(streams))
	for i := range streams {
		byID[i] = &streams[i]
	}
	slices.SortFunc(byID, func(x, y *Stream) int { return cmp.Compare(x.ID, y.ID) })
	plans := make([]*plan, len(byID))
	for i, s := range byID { // first all that is there, so that nothing new takes its room
		if was, ok := previous[s.ID]; ok {
			plans[i] = new(plan)
			b.begin(plans[i], s)
			if plans[i].origin != none {
				b.keep(plans[i], was)
			}
		}
	}
	d := Decision{Trees: make(map[string]tree.Tree, len(plans))}
	var spare plan // of one stream after the other
	for i, p := range plans {
		if p == nil {
			p = &spare
			b.begin(p, byID[i])
		}
		if p.origin == none {
			d.Trees[p.stream.ID] = previous[p.stream.ID]
			d.Short = append(d.Short, Short{Stream: p.stream.ID, Edges: len(p.stream.Demand), Why: NoOrigin})
			continue
		}
		if p == &spare || b.broken(p) {
			b.settle(p)
		}
		slices.SortFunc(p.short, func(x, y Short) int { return cmp.Compare(x.Region, y.Region) })
		d.Short = append(d.Short, p.short...)
		d.Trees[p.stream.ID] = b.tree(p)
	}
	return d
}
