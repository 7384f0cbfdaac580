// Package join is a node's side of enrolment: it comes into the cluster by a join token and has its certificate renewed.
// Control's side is control/enrol; the bytes are proto/enrol.proto.
package join

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

const (
	// ALPN names the protocol and its version in the TLS handshake.
	ALPN = "freshet-enrol/1"

	// MaxMessage bounds a message of either side.
	MaxMessage = 16 << 10

	// dialWait is for the connection alone; each message has the deadlines of agent.Wire.
	dialWait = 5 * time.Second
)

// Config says who wants to join, and where.
type Config struct {
	Control  []string // host:port, tried in turn
	Dir      string   // the node's, where identity.Open and ReadMesh find what has come
	Node     string   // empty: control makes a name
	Role     string
	Region   string // where the token names none
	Software string
}

// A Joined is what a new node has got.
type Joined struct {
	Identity *identity.Identity
	Region   string
	Mesh     *pb.MeshSeed
	Secrets  *pb.ControlSecrets // of a control node alone; not kept here
}

// Enrol joins by token and keeps what comes of it. Control's address is trusted for nothing: it must have the CA that the
// token names before it sees the token's secret. What fails on the way may be tried again by the same node until the token
// runs out. The error is a *Refusal where control refuses, and wraps identity.ErrPin where it is of another cluster.
func Enrol(ctx context.Context, log *slog.Logger, cfg Config, token jointoken.Token) (*Joined, error) {
	key, err := identity.OpenKey(cfg.Dir)
	if err != nil {
		return nil, err
	}
	request, err := identity.Request(key, cfg.Node, cfg.Role)
	if err != nil {
		return nil, err
	}
	up := &pb.EnrolUp{Body: &pb.EnrolUp_Enrol{Enrol: &pb.EnrolRequest{
		Secret: token.Secret[:], Csr: request, Node: cfg.Node, Role: cfg.Role, Region: cfg.Region, Software: cfg.Software,
	}}}
	a, err := askAny(ctx, cfg.Control, identity.PinnedTLS([]string{ALPN}, token.CA), up)
	if err != nil {
		return nil, fmt.Errorf("join the cluster: %w", err)
	}
	if sha256.Sum256(a.Ca) != token.CA {
		return nil, fmt.Errorf("join the cluster: %w", identity.ErrPin)
	}
	if a.Mesh == nil {
		a.Mesh = &pb.MeshSeed{}
	}
	a.Mesh.Region = a.Region
	if err := KeepMesh(cfg.Dir, a.Mesh); err != nil {
		return nil, err
	}
	if err := identity.Keep(cfg.Dir, a.Certificate, a.Ca); err != nil {
		return nil, err
	}
	id, err := identity.Open(cfg.Dir)
	if err != nil {
		return nil, err
	}
	id.WarnOfSkew(log)
	return &Joined{Identity: id, Region: a.Region, Mesh: a.Mesh, Secrets: a.Secrets}, nil
}

// A Renewal asks control for a node's next certificate.
type Renewal struct {
	Identity *identity.Identity
	Dir      string
	Control  []string // host:port; those last heard of are asked, too
	Software string
	Log      *slog.Logger
	Told     func(*pb.MeshSeed) // how to find the others now, which a node that was off may not know; may be nil
}

// Ask is an identity.Ask. A disk that keeps nothing more, or has kept wrongly, costs no certificate.
func (r *Renewal) Ask(ctx context.Context, request []byte) ([]byte, error) {
	known, err := ReadMesh(r.Dir)
	if err != nil {
		r.Log.Warn("what was known of the mesh is lost", "err", err)
	}
	up := &pb.EnrolUp{Body: &pb.EnrolUp_Renew{Renew: &pb.RenewRequest{Csr: request, Software: r.Software}}}
	control := r.Identity.ClientTLS([]string{ALPN}, "", identity.RoleControl)
	a, err := askAny(ctx, slices.Concat(r.Control, known.GetControls()), control, up)
	if err != nil {
		return nil, err
	}
	if a.Mesh == nil {
		return a.Certificate, nil
	}
	a.Mesh.Region, a.Mesh.Own = known.GetRegion(), known.GetOwn()
	if err := KeepMesh(r.Dir, a.Mesh); err != nil {
		r.Log.Warn("what control says of the mesh is not kept", "err", err)
	}
	if r.Told != nil {
		r.Told(a.Mesh)
	}
	return a.Certificate, nil
}

// askAny asks one control node after the other until one answers for all of them. The error is one line.
func askAny(ctx context.Context, control []string, cfg *tls.Config, up *pb.EnrolUp) (*pb.EnrolAnswer, error) {
	var all error
	asked := map[string]bool{}
	for _, addr := range control {
		if asked[addr] {
			continue
		}
		asked[addr] = true
		a, err := ask(ctx, addr, cfg, up)
		if err == nil {
			return a, nil
		}
		err = fmt.Errorf("%s: %w", addr, err)
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal) && !refusal.passes():
			return nil, err
		case all == nil:
			all = err
		default:
			all = fmt.Errorf("%w; %w", all, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if all == nil {
		all = errors.New("no control node is known")
	}
	return nil, all
}

func ask(ctx context.Context, addr string, cfg *tls.Config, up *pb.EnrolUp) (*pb.EnrolAnswer, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: cfg}
	dial, cancel := context.WithTimeout(ctx, dialWait)
	conn, err := dialer.DialContext(dial, "tcp", addr)
	cancel()
	if err != nil {
		return nil, err
	}
	w := agent.NewWire(conn, MaxMessage)
	stop := context.AfterFunc(ctx, func() { _ = w.Close() }) // the wire waits on the socket alone
	defer stop()
	defer func() { _ = w.Close() }()
	if err := w.Send(up); err != nil {
		return nil, err
	}
	down := &pb.EnrolDown{}
	if err := w.Receive(down); err != nil {
		return nil, err
	}
	switch b := down.Body.(type) {
	case *pb.EnrolDown_Answer:
		return b.Answer, nil
	case *pb.EnrolDown_Refusal:
		return nil, refusalOf(b.Refusal)
	}
	return nil, errors.New("control answers in a way that this version does not know")
}
