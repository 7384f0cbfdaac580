package main

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/trace"
)

// newTracer returns what makes the traces of a node, nil where the variables OTEL_… ask for none.
func newTracer(node, role, region string, log *slog.Logger, reg prometheus.Registerer) (*trace.Tracer, error) {
	t, err := trace.New(trace.Config{Node: node, Role: role, Region: region, Version: thisBuild().Version}, log, reg)
	if err != nil {
		return nil, &configError{err} // it names the variable
	}
	return t, nil
}

// traced is node with t, which sends its last spans when node has ended.
func traced(node stage, t *trace.Tracer) stage {
	if t == nil {
		return node
	}
	return stage{node.name, func(ctx context.Context) error {
		sending, stop := context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		var g errgroup.Group
		g.Go(func() error { return t.Run(sending) })
		g.Go(func() error {
			defer stop()
			return node.run(trace.With(ctx, t))
		})
		return g.Wait()
	}}
}
