// Package relayed gives an edge the streams of the node's relay, in the edge's own words.
package relayed

import (
	"context"
	"errors"
	"fmt"

	"freshet/cluster/relay"
	"freshet/edge"
)

// Puller returns a Puller of r's streams.
func Puller(r *relay.Relay) edge.Puller { return puller{r} }

type puller struct{ relay *relay.Relay }

// Pull implements edge.Puller.
func (p puller) Pull(ctx context.Context, id string) (edge.Lease, error) {
	l, err := p.relay.Pull(ctx, id)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, relay.ErrUnknownStream):
		return nil, fmt.Errorf("%w: %w", edge.ErrUnknownStream, err)
	case errors.Is(err, relay.ErrNoUpstream), errors.Is(err, relay.ErrLoop), errors.Is(err, relay.ErrTooManyHops):
		return nil, fmt.Errorf("%w: %w", edge.ErrNoUpstream, err)
	default:
		return nil, err
	}
}
