package relay

import (
	"context"
	"slices"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

// An offer is a stream of this node as a downstream node gets it.
type offer struct {
	stream  *stream.Stream
	first   []string        // the path to this node when the offer was made
	pull    *pull           // it comes from; nil where it begins on this node
	moved   <-chan struct{} // closed when the pull's path changes; nil without a pull
	release func()
}

// offer finds stream id for the downstream node at the end of hops, pulling it where it is not here.
func (r *Relay) offer(ctx context.Context, id string, hops []string, epoch uint64) (*offer, error) {
	if slices.Contains(hops, r.cfg.Node) {
		return nil, ErrLoop
	}
	if len(hops) > rtpq.MaxHops {
		return nil, ErrTooManyHops
	}
	if s := r.own(id); s != nil {
		path := []string{r.cfg.Node}
		if s.Epoch < epoch {
			return nil, errStaleEpoch
		}
		return &offer{stream: s, first: path, release: func() {}}, checkPath(path, hops)
	}
	l, err := r.pull(ctx, id, hops)
	if err != nil {
		return nil, err
	}
	path, moved := l.p.where()
	o := &offer{stream: l.Stream(), first: path, pull: l.p, moved: moved, release: l.Release}
	switch err := checkPath(path, hops); {
	case path == nil:
		l.Release()
		return nil, ErrNoUpstream // what we have is old; others may have better
	case err != nil:
		l.Release()
		return nil, err
	case o.stream.Epoch < epoch:
		l.Release()
		return nil, errStaleEpoch
	}
	return o, nil
}
