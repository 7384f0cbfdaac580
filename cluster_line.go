package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/join"
	"freshet/control/ops"
)

// clusterFlags say with whose identity a command speaks, and to whom.
type clusterFlags struct {
	Data string `default:".freshet" placeholder:"DIR" help:"Data directory of a control node, or of freshet up, while it runs. Default .freshet."`
	At   string `placeholder:"HOST:PORT" help:"Control node to ask (its --agents address). Default that of the directory, and the others where it does not answer."`
}

const (
	clusterDial  = 3 * time.Second
	clusterWait  = 20 * time.Second // for an answer: a quorum may be without a leader for a moment
	maxAnswer    = 32 << 20
	clusterTries = 8
)

// ask sends a request to the first control node that answers, and reads its answer into out.
func (f clusterFlags) ask(ctx context.Context, method, path string, in, out any) error {
	id, err := identity.Open(f.Data)
	if errors.Is(err, identity.ErrNotJoined) {
		return badConfig("data", "%s is no directory of a control node; freshet cluster init makes one", f.Data)
	}
	if err != nil {
		return badConfig("data", "%w", err)
	}
	if id.Role != roleControl {
		return badConfig("data", "%s is that of %s %s: only control nodes may ask", f.Data, id.Role, id.Node)
	}
	seed, err := join.ReadMesh(f.Data)
	if err != nil {
		return badConfig("data", "%w", err)
	}
	all := append([]string{seed.Own}, seed.Controls...)
	if f.At != "" {
		all = []string{f.At}
	}
	var last error
	for _, at := range all[:min(len(all), clusterTries)] {
		if at == "" {
			continue
		}
		answered, err := askOne(ctx, id, at, method, path, in, out)
		if answered || ctx.Err() != nil {
			return err
		}
		last = fmt.Errorf("control at %s: %w", at, err)
	}
	if last == nil {
		last = fmt.Errorf("the control node of %s has not run yet: start it with freshet control", f.Data)
	}
	return last
}

// askOne sends a request to the control node at an address. answered says whether it was heard there.
func askOne(ctx context.Context, id *identity.Identity, at, method, path string, in, out any) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, clusterWait)
	defer cancel()
	return ops.Ask(ctx, func(ctx context.Context) (net.Conn, error) {
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: clusterDial}, Config: id.ClientTLS([]string{ops.ALPN}, "", roleControl)}
		return d.DialContext(ctx, "tcp", at)
	}, maxAnswer, method, path, in, out)
}
