package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/ops"
	"freshet/control"
	pb "freshet/proto"
)

// A controlNode is a control node with all its parts bound.
type controlNode struct {
	name    string
	log     *slog.Logger
	http    *ops.HTTP
	control *control.Control
	base    string

	stopping atomic.Bool
}

type controlConfig struct {
	Node, HTTP, Agents, URL string
	Streams                 []*pb.StreamRecord
}

func newControlNode(cfg controlConfig, id *identity.Identity, log *slog.Logger) (*controlNode, error) {
	n := &controlNode{name: cfg.Node, log: log.With("node", cfg.Node, "role", roleControl), base: cfg.URL}
	var err error
	reg := ops.NewRegistry(cfg.Node, roleControl, thisBuild().Version)
	mux := http.NewServeMux()
	if n.http, err = ops.NewHTTP(ops.HTTPConfig{Listen: cfg.HTTP}, mux, n.log); err != nil {
		return nil, err
	}
	if n.base == "" {
		if n.base, err = baseURL(n.http, nil); err != nil {
			return nil, err
		}
	}
	n.control, err = control.New(
		control.Config{Node: cfg.Node, Version: thisBuild().Version, Agents: cfg.Agents, Streams: cfg.Streams},
		control.Deps{Log: n.log, Metrics: reg, Identity: id})
	if err != nil {
		return nil, err
	}
	mux.Handle("/", n.control.Handler())
	ops.Mount(mux, reg, func() error {
		if n.stopping.Load() {
			return errors.New("stopping")
		}
		return nil
	})
	return n, nil
}

// stage runs the node. People are answered until the last; nodes go on without control anyway.
func (n *controlNode) stage() stage {
	return inOrder(n.name, 3*time.Second, n.log,
		stage{"agents", func(ctx context.Context) error {
			stop := context.AfterFunc(ctx, func() { n.stopping.Store(true) })
			defer stop()
			n.log.Info("serving", "url", n.base, "agents", n.control.Agents().String())
			return n.control.Run(ctx)
		}},
		stage{"http", n.http.Run})
}
