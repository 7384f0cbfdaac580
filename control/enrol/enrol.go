// Package enrol lets nodes into the cluster: it makes join tokens, signs the certificates of who comes with one, and signs
// the next before they run out. A node's side is cluster/join; who may is decided by a Registry that control nodes share.
package enrol

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/cluster/join"
	"freshet/cluster/limit"
	"freshet/cluster/trace"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

const (
	// TokenLife is how long a join token is good where nobody says otherwise; maxTokenLife is how long at most.
	TokenLife    = 10 * time.Minute
	maxTokenLife = 24 * time.Hour

	handshakeWait = 5 * time.Second
	// decideWait is shorter than a node waits for its answer, and longer than a quorum takes to find a leader.
	decideWait = 4 * time.Second

	maxAtOnce = 256 // connections; one has 14 s at most
)

// Rates at which nodes are heard, each by its name, and those who have no certificate of the cluster, by where they come
// from and all together.
var (
	perComer = limit.Rate{Name: "enrol", N: 60, Per: time.Minute, Burst: 60} // a rack of machines behind one address
	inAll    = limit.Rate{Name: "enrol-all", N: 50, Per: time.Second, Burst: 200}
)

// Deps are what a server is given.
type Deps struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Identity *identity.Identity // this control node's
	CA       *identity.CA
	Registry Registry
	Mesh     func() *pb.MeshSeed                // how a node finds the others
	Secrets  func() (*pb.ControlSecrets, error) // for control nodes that join
	Audit    func(Note)
	Now      func() time.Time
}

// A Server enrols nodes. It may be used from any goroutine.
type Server struct {
	d         Deps
	m         *metrics
	slots     chan struct{}
	comers    *limit.Limiter
	strangers *limit.Limiter
}

// New returns a server.
func New(d Deps) *Server {
	return &Server{
		d: d, m: newMetrics(d.Metrics), slots: make(chan struct{}, maxAtOnce), comers: limit.New(perComer), strangers: limit.New(inAll),
	}
}

// A Note is one thing done, or refused, for the audit log.
type Note struct {
	At                 time.Time
	Action             string // token, join, renew or remove; none of a request that is none of these
	Node, Role, Region string // as far as known; of a refused stranger as it has claimed
	From               netip.Addr
	Refused            string // why; empty where it was done
}

// Invite makes a join token for one node in role, and in region where that is not empty, that is good for life.
func (s *Server) Invite(ctx context.Context, role, region string, life time.Duration) (jointoken.Token, error) {
	token := jointoken.Token{CA: s.d.CA.Pin()}
	if err := cmp.Or(identity.CheckRole(role), checkRegion(region)); err != nil {
		return token, err
	}
	if life <= 0 || life > maxTokenLife {
		return token, fmt.Errorf("a join token for %v: want %v at most", life, maxTokenLife)
	}
	_, _ = rand.Read(token.Secret[:]) // never fails
	now := s.d.Now()
	err := s.d.Registry.AddToken(ctx, Token{Hash: jointoken.Hash(token.Secret), Role: role, Region: region, Expires: now.Add(life)})
	if err != nil {
		return jointoken.Token{}, err
	}
	s.d.Audit(Note{At: now, Action: "token", Role: role, Region: region})
	return token, nil
}

// Remove takes a node out of the cluster.
func (s *Server) Remove(ctx context.Context, node string) error {
	if err := s.d.Registry.Remove(ctx, node); err != nil {
		return err
	}
	s.d.Audit(Note{At: s.d.Now(), Action: "remove", Node: node})
	return nil
}

// TLS is the config of connections for Serve, which the listener takes where a client offers join.ALPN.
func (s *Server) TLS() *tls.Config { return s.d.Identity.StrangerTLS([]string{join.ALPN}) }

// Serve answers the one request of a connection made with TLS, and closes it.
func (s *Server) Serve(ctx context.Context, conn *tls.Conn) {
	defer func() { _ = conn.Close() }()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		s.m.refused.WithLabelValues(notServed).Inc()
		return
	}
	handshake, cancel := context.WithTimeout(ctx, handshakeWait)
	err := conn.HandshakeContext(handshake)
	cancel()
	if err != nil {
		s.m.refused.WithLabelValues(notTLS).Inc()
		s.d.Log.Debug("enrolment: no handshake", "remote", conn.RemoteAddr().String(), "err", err)
		return
	}
	w := agent.NewWire(conn, join.MaxMessage)
	stop := context.AfterFunc(ctx, func() { _ = w.Close() }) // the wire waits on the socket alone
	defer stop()
	up := &pb.EnrolUp{}
	if err := w.Receive(up); err != nil {
		s.m.refused.WithLabelValues(notRead).Inc()
		s.d.Log.Debug("enrolment: no request", "remote", conn.RemoteAddr().String(), "err", err)
		return
	}
	decide, cancel := context.WithTimeout(ctx, decideWait)
	defer cancel()
	down := s.decide(decide, up, conn)
	if err := w.Send(down); err != nil {
		s.d.Log.Warn("enrolment: the answer was not sent", "remote", conn.RemoteAddr().String(), "err", err)
	}
}

// decide answers one request, and notes what it does.
func (s *Server) decide(ctx context.Context, up *pb.EnrolUp, conn *tls.Conn) *pb.EnrolDown {
	ctx, span := trace.Root(ctx, "enrolment")
	note := Note{At: s.d.Now(), From: addrOf(conn)}
	holder, unproven := s.d.Identity.Holder(conn.ConnectionState())
	var a *pb.EnrolAnswer
	err := s.admit(holder, unproven, note)
	switch b := up.Body.(type) {
	case *pb.EnrolUp_Enrol:
		note.Action, note.Node, note.Role, note.Region = "join", clip(b.Enrol.Node), clip(b.Enrol.Role), clip(b.Enrol.Region)
		if err == nil {
			a, err = s.enrol(ctx, b.Enrol, &note)
		}
	case *pb.EnrolUp_Renew:
		note.Action, note.Node, note.Role = "renew", holder.Node, holder.Role
		if err == nil {
			err = unproven
		}
		if err == nil {
			a, err = s.renew(ctx, b.Renew, holder)
		}
	default:
		note.Action = "none"
		if err == nil {
			err = refuse(pb.EnrolCode_ENROL_CODE_MALFORMED, "this is no request that control's version knows")
		}
	}
	span.Set("freshet.action", note.Action)
	span.End(err)
	if err != nil {
		return s.no(ctx, err, note)
	}
	return s.yes(ctx, a, note)
}

func (s *Server) yes(ctx context.Context, a *pb.EnrolAnswer, note Note) *pb.EnrolDown {
	by, said := byToken, "node joined"
	if note.Action == "renew" {
		by, said = byRenewal, "certificate of a node renewed"
	}
	s.m.certificates.WithLabelValues(by).Inc()
	s.d.Log.InfoContext(ctx, said, "peer", note.Node, "role", note.Role, "region", note.Region, "remote", note.From.String())
	s.d.Audit(note)
	return &pb.EnrolDown{Body: &pb.EnrolDown_Answer{Answer: a}}
}

func (s *Server) no(ctx context.Context, err error, note Note) *pb.EnrolDown {
	r := refusalOf(err)
	s.m.refused.WithLabelValues(r.reason()).Inc()
	note.Refused = r.reason()
	// Who comes too often is counted alone: neither log nor audit is theirs to fill.
	if r.code != pb.EnrolCode_ENROL_CODE_TOO_MANY {
		s.d.Log.WarnContext(ctx, "node refused", "action", note.Action, "peer", note.Node, "role", note.Role, "remote", note.From.String(), "reason", note.Refused, "err", err)
		s.d.Audit(note)
	}
	return &pb.EnrolDown{Body: &pb.EnrolDown_Refusal{Refusal: &pb.EnrolRefusal{Code: r.code, Text: r.text}}}
}

// admit counts a request: of holder or, where unproven, of a stranger.
func (s *Server) admit(holder identity.Subject, unproven error, note Note) error {
	comer := "node " + holder.Node
	if unproven != nil {
		comer = limit.Network(note.From)
	}
	v := s.comers.Take(comer, note.At)
	if v.OK && unproven != nil {
		v = s.strangers.Take("", note.At)
	}
	if !v.OK {
		return refuse(pb.EnrolCode_ENROL_CODE_TOO_MANY, "too many requests; try again in %v", max(v.Again, time.Second).Round(time.Second))
	}
	return nil
}

func addrOf(conn net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
