package lead

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/control/place"
	pb "freshet/proto"
)

// moveRest is how long a stream stays where it was placed, whatever its publisher says.
const moveRest = 2 * time.Second

// errNowhere is why a stream is not moved.
var errNowhere = errors.New("no other origin is there")

// Move gives r, whose publisher does not reach its origin, another one, and returns it as it is then. Any control node may:
// it needs no leader but for the write. Where r was placed a moment ago, it waits for moveRest to be over. Where r has another
// origin by then, it returns r with that.
func (l *Lead) Move(ctx context.Context, r *pb.StreamRecord) (*pb.StreamRecord, error) {
	ctx, cancel := context.WithTimeout(ctx, roundTakes)
	defer cancel()
	p := l.d.Quorum.State().Placements[r.Id]
	if p != nil && p.Origin == r.Origin {
		if err := wait(ctx, min(moveRest, moveRest-l.d.Now().Sub(time.UnixMilli(p.AtUnixMs)))); err != nil {
			return nil, err
		}
	}
	now, state := l.d.Now(), l.d.Quorum.State()
	p = state.Placements[r.Id]
	switch {
	case p == nil:
		return nil, errNowhere
	case p.Origin != r.Origin:
		return at(r, p), nil
	}
	m := meshOf(l.d.Fleet.All(now), state)
	m.Nodes = slices.DeleteFunc(m.Nodes, func(n place.Node) bool { return n.Name == p.Origin })
	next := place.Origin(m, place.Stream{ID: r.Id, Origin: p.Origin, Standby: p.Standby}, place.Placement{Origin: p.Origin, Standby: p.Standby})
	if next.Origin == "" {
		return nil, errNowhere
	}
	done, err := l.d.Quorum.Apply(ctx, &pb.Entry{Body: &pb.Entry_Place{Place: &pb.Place{
		Stream: r.Id, Origin: next.Origin, Standby: next.Standby, Expect: p.Epoch,
	}}})
	if err != nil {
		return nil, err
	}
	if err := done.Err(); err != nil {
		return nil, err // stale: somebody else has moved it, and the publisher asks again
	}
	l.m.moved.Inc()
	l.d.Log.WarnContext(ctx, "stream moved, its publisher does not reach its origin", "stream", r.Id, "from", p.Origin, "origin", next.Origin,
		"standby", next.Standby, "epoch", done.Number)
	return at(r, &pb.Placement{Origin: next.Origin, Standby: next.Standby, Epoch: done.Number}), nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func at(r *pb.StreamRecord, p *pb.Placement) *pb.StreamRecord {
	c := proto.CloneOf(r)
	c.Origin, c.Standby, c.Epoch, c.Hubs = p.Origin, p.Standby, p.Epoch, nil
	return c
}
