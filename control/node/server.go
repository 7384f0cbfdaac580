package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/control/geo"
	pb "freshet/proto"
)

// maxConns bounds connections of nodes: twice maxNodes, since a node that comes back may still have its old one.
const maxConns = 2 * maxNodes

// Deps are what a server is given.
type Deps struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Identity *identity.Identity
	Records  *Records
	Fleet    *Fleet
}

// A Server hears agents.
type Server struct {
	d     Deps
	m     *metrics
	slots chan struct{}
}

// New returns a server.
func New(d Deps) *Server {
	return &Server{d: d, m: newMetrics(d.Metrics, d.Fleet), slots: make(chan struct{}, maxConns)}
}

// TLS is the config of connections for Serve.
func (s *Server) TLS() *tls.Config {
	return s.d.Identity.ServerTLS([]string{agent.ALPN}, identity.RoleOrigin, identity.RoleEdge, identity.RoleControl)
}

// Serve hears one agent, whose handshake is done, until the connection breaks or ctx ends, and closes it.
func (s *Server) Serve(ctx context.Context, conn *tls.Conn) {
	defer func() { _ = conn.Close() }()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		s.m.refused.WithLabelValues(string(refusedFull)).Inc()
		return
	}
	name, role, err := identity.Peer(conn.ConnectionState())
	if err != nil {
		s.m.refused.WithLabelValues(string(refusedHandshake)).Inc()
		return
	}
	log := s.d.Log.With("peer", name)
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error {
		return s.hear(inner, agent.NewWire(conn, agent.MaxUp), Node{Name: name, Role: role}, log)
	})
	g.Go(func() error { return s.d.Identity.Watch(inner, conn.ConnectionState()) })
	err = g.Wait()
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, io.EOF):
		log.Info("agent left")
	default:
		log.Warn("agent gone", "err", err)
	}
}

// hear exchanges messages with one agent: this goroutine receives, one other sends.
func (s *Server) hear(ctx context.Context, w *agent.Wire, n Node, log *slog.Logger) error {
	stop := context.AfterFunc(ctx, func() { _ = w.Close() }) // Receive waits on the socket alone
	defer stop()
	up := &pb.AgentUp{}
	if err := w.Receive(up); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	hello := up.GetHello()
	if hello == nil || hello.Node != n.Name || hello.Role != n.Role {
		s.m.refused.WithLabelValues(string(refusedHello)).Inc()
		return errors.New("hello does not match the certificate")
	}
	n.Region, n.Software, n.At = hello.Region, hello.Software, position(hello)
	log.Info("agent heard", "region", n.Region)

	g, ctx := errgroup.WithContext(ctx)
	acks := make(chan uint64, 1)
	g.Go(func() error {
		defer func() { _ = w.Close() }()
		return s.tell(ctx, w, hello.Version, acks)
	})
	g.Go(func() error {
		for {
			up := &pb.AgentUp{}
			if err := w.Receive(up); err != nil {
				return fmt.Errorf("hear agent: %w", err)
			}
			f := up.GetFacts()
			if f == nil {
				continue // a message of a newer node
			}
			n.Facts, n.Heard = f, time.Now()
			if !s.d.Fleet.Hear(n) {
				return fmt.Errorf("more than %d nodes", maxNodes)
			}
			s.m.facts.Inc()
			select {
			case <-acks: // the older number need not be said any more
			default:
			}
			acks <- f.Sequence // there is room: this goroutine alone fills it
		}
	})
	return g.Wait()
}

// position is where a node says that it stands, else where its region is, nil where nobody knows.
func position(hello *pb.AgentHello) *geo.Point {
	if p := (geo.Point{Lat: hello.GetPosition().GetLatitude(), Lon: hello.GetPosition().GetLongitude()}); hello.Position != nil && p.Valid() {
		return &p
	}
	if p, ok := geo.Region(hello.Region); ok {
		return &p
	}
	return nil
}

// tell sends what brings the agent from version to the newest records, again at each change, and acks.
func (s *Server) tell(ctx context.Context, w *agent.Wire, version uint64, acks <-chan uint64) error {
	for {
		changed := s.d.Records.Changed()
		m, to := s.d.Records.Since(version)
		if m != nil {
			if err := w.Send(m); err != nil {
				return fmt.Errorf("tell agent: %w", err)
			}
			version = to
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case seq := <-acks:
			if err := w.Send(&pb.AgentDown{Body: &pb.AgentDown_Ack{Ack: &pb.Ack{Sequence: seq}}}); err != nil {
				return fmt.Errorf("tell agent: %w", err)
			}
		}
	}
}
