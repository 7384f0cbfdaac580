package main

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"freshet/edge"
	"freshet/edge/admit"
	"freshet/edge/egress"
)

// probeFor is how long a starting edge measures what it can send.
const probeFor = 200 * time.Millisecond

// maxCapacity is a bound for what a person says in Mbit/s: no machine sends a terabit.
const maxCapacity = 1_000_000

// capacity returns what the edge may send: what was said, else what is measured now.
func (c *edgeCommand) capacity(p *program, shards int) (admit.Rate, error) {
	if c.CapacityMbps < 0 || c.CapacityMbps > maxCapacity {
		return admit.Rate{}, badConfig("capacity-mbps", "want 1 to %d, not %d", maxCapacity, c.CapacityMbps)
	}
	if c.CapacityMbps > 0 {
		return admit.Rate{Bits: c.CapacityMbps * 1e6}, nil
	}
	return measuredCapacity(p.ctx, shards, p.log), nil
}

// measuredCapacity measures what so many shards can send here. Where that fails there is no limit: an edge that is
// late or busy refuses viewers all the same.
func measuredCapacity(ctx context.Context, shards int, log *slog.Logger) admit.Rate {
	m, err := egress.Measure(ctx, probeFor)
	if err != nil {
		log.Warn("capacity is not known: viewers are refused only once the edge is late or busy", "err", err)
		return admit.Rate{}
	}
	r := m.Capacity(shards, runtime.GOMAXPROCS(0))
	log.Info("capacity measured", "packets", r.Packets, "bits", r.Completed().Bits, "cost", m.Cost, "took", m.Took)
	return r
}

// nextEdges checks the addresses of --next.
func nextEdges(list []string) (all []string, err error) {
	if len(list) > edge.MaxNext {
		return nil, badConfig("next", "want %d edges at most, not %d", edge.MaxNext, len(list))
	}
	for _, text := range list {
		base, err := publicURL(text)
		if err != nil || base == "" {
			return nil, badConfig("next", "want http://HOST or https://HOST, with a port where it needs one and no path, not %q", text)
		}
		all = append(all, base)
	}
	return all, nil
}
