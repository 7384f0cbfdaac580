package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/control/geo"
	pb "freshet/proto"
)

const (
	maxConns      = 2048 // of nodes; twice maxNodes, since a node that comes back may still have its old one
	handshakeWait = 5 * time.Second
)

// Config says where agents are heard.
type Config struct {
	Listen string // TCP host:port
}

// Deps are what a server is given.
type Deps struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Identity *identity.Identity
	Records  *Records
	Fleet    *Fleet
}

// A Server hears agents and tells them the records.
type Server struct {
	d  Deps
	m  *metrics
	ln net.Listener
}

// New binds the listener.
func New(cfg Config, d Deps) (*Server, error) {
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for agents: %w", err)
	}
	tlsCfg := d.Identity.ServerTLS([]string{agent.ALPN}, "origin", "edge", "control")
	return &Server{d: d, m: newMetrics(d.Metrics, d.Fleet), ln: tls.NewListener(ln, tlsCfg)}, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Run serves agents until ctx ends; it returns when every connection has ended.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.ln.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	slots := make(chan struct{}, maxConns)
	for {
		conn, err := s.ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept agents: %w", err)
		case err != nil:
			// Out of descriptors, most likely; what frees them is other connections' end.
			s.m.refused.WithLabelValues(string(refusedAccept)).Inc()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return nil
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			s.m.refused.WithLabelValues(string(refusedFull)).Inc()
			_ = conn.Close()
			continue
		}
		conns.Go(func() {
			defer func() { <-slots }()
			s.serve(ctx, conn.(*tls.Conn))
		})
	}
}

// serve hears one agent until its line breaks, it is removed, or ctx ends.
func (s *Server) serve(ctx context.Context, conn *tls.Conn) {
	defer func() { _ = conn.Close() }()
	handshake, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	if err := conn.HandshakeContext(handshake); err != nil {
		s.m.refused.WithLabelValues(string(refusedHandshake)).Inc()
		s.d.Log.Debug("agent refused", "remote", conn.RemoteAddr().String(), "err", err)
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
