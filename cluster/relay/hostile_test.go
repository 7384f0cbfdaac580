package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// A stranger speaks QUIC and what else it likes.
type stranger struct {
	t    testing.TB
	conn *quic.Conn
	ctl  *quic.Stream
}

func (s *stranger) write(b ...byte) {
	if _, err := s.ctl.Write(b); err != nil {
		s.t.Errorf("write: %v", err)
	}
}

func (s *stranger) say(m *pb.RelayMessage) {
	if err := rtpq.NewControlWriter(skipFirst{s.ctl}).Write(m); err != nil {
		s.t.Errorf("say: %v", err)
	}
}

// skipFirst leaves out the byte that opens a control stream.
type skipFirst struct{ s *quic.Stream }

func (w skipFirst) Write(b []byte) (int, error) {
	n, err := w.s.Write(b[1:])
	return n + 1, err
}

func (s *stranger) datagram(b ...byte) {
	if err := s.conn.SendDatagram(b); err != nil {
		s.t.Errorf("datagram: %v", err)
	}
}

func (s *stranger) uni(b []byte) {
	u, err := s.conn.OpenUniStream()
	if err != nil {
		s.t.Errorf("stream: %v", err)
		return
	}
	if _, err := u.Write(b); err != nil {
		s.t.Errorf("write: %v", err)
	}
	_ = u.Close()
}

func (s *stranger) hello(node, role string) {
	s.write(0)
	s.say(helloOf(&pb.Hello{Version: 1, Node: node, Role: role, Count: 1}))
}

func helloOf(h *pb.Hello) *pb.RelayMessage {
	return &pb.RelayMessage{Body: &pb.RelayMessage_Hello{Hello: h}}
}

func subscribeOf(s *pb.Subscribe) *pb.RelayMessage {
	return &pb.RelayMessage{Body: &pb.RelayMessage_Subscribe{Subscribe: s}}
}

// code waits for the peer to close the connection.
func (s *stranger) code() rtpq.Code {
	select {
	case <-s.conn.Context().Done():
	case <-time.After(patience):
		s.t.Fatal("the connection stays open")
	}
	var app *quic.ApplicationError
	if !errors.As(context.Cause(s.conn.Context()), &app) || !app.Remote {
		s.t.Fatalf("ended with %v", context.Cause(s.conn.Context()))
	}
	return rtpq.Code(app.ErrorCode)
}

func (m *mesh) issue(name, role string) *identity.Identity {
	id, err := m.ca.Issue(name, role)
	if err != nil {
		m.t.Fatal(err)
	}
	return id
}

// visit dials n as edge "stranger".
func (m *mesh) visit(t testing.TB, n *node) *stranger {
	cfg := m.issue("stranger", identity.RoleEdge).ClientTLS([]string{rtpq.ALPN}, n.cfg.Node, n.cfg.Role)
	conn, err := quic.DialAddr(t.Context(), n.Addr().String(), cfg, quicConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	ctl, err := conn.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	return &stranger{t, conn, ctl}
}

func TestHostileDownstream(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	publish(origin, "a", 1, videoFormat)
	ask := func(id uint64) *pb.RelayMessage {
		return subscribeOf(&pb.Subscribe{Id: id, Stream: "a", Hops: []string{"stranger"}})
	}
	for _, row := range []struct {
		name string
		do   func(*stranger)
		want rtpq.Code
	}{
		{"not a control stream", func(s *stranger) { s.write(7, 7) }, rtpq.CodePacket},
		{"half a message", func(s *stranger) { s.write(0, 9, 1); _ = s.ctl.Close() }, rtpq.CodePacket},
		{"too large a message", func(s *stranger) { s.write(quicvarint.Append([]byte{0}, 1<<20)...) }, rtpq.CodeTooLarge},
		{"no protobuf", func(s *stranger) { s.write(0, 2, 0xff, 0xff) }, rtpq.CodePacket},
		{"no hello", func(s *stranger) { s.write(0); s.say(ask(1)) }, rtpq.CodePacket},
		{"another's name", func(s *stranger) { s.hello("edge-7", identity.RoleEdge) }, rtpq.CodeIdentity},
		{"another role", func(s *stranger) { s.hello("stranger", identity.RoleOrigin) }, rtpq.CodeIdentity},
		{"no version", func(s *stranger) {
			s.write(0)
			s.say(helloOf(&pb.Hello{Node: "stranger", Role: "edge", Count: 1}))
		}, rtpq.CodeVersion},
		{"more connections", func(s *stranger) {
			s.write(0)
			s.say(helloOf(&pb.Hello{Version: 1, Node: "stranger", Role: "edge", Count: 4}))
		}, rtpq.CodeVersion},
		{"hello twice", func(s *stranger) {
			s.hello("stranger", "edge")
			s.say(helloOf(&pb.Hello{Version: 1, Node: "stranger", Role: "edge", Count: 1}))
		}, rtpq.CodePacket},
		{"accept from below", func(s *stranger) {
			s.hello("stranger", "edge")
			s.say(acceptMessage(&pb.Accept{Id: 1, Stream: "a"}))
		}, rtpq.CodePacket},
		{"bad stream id", func(s *stranger) {
			s.hello("stranger", "edge")
			s.say(subscribeOf(&pb.Subscribe{Id: 1, Stream: "../a", Hops: []string{"stranger"}}))
		}, rtpq.CodePacket},
		{"subscribe for another", func(s *stranger) {
			s.hello("stranger", "edge")
			s.say(subscribeOf(&pb.Subscribe{Id: 1, Stream: "a", Hops: []string{"edge-7"}}))
		}, rtpq.CodePacket},
		{"hop without a name", func(s *stranger) {
			s.hello("stranger", "edge")
			s.say(subscribeOf(&pb.Subscribe{Id: 1, Stream: "a", Hops: []string{"", "stranger"}}))
		}, rtpq.CodePacket},
		{"subscribe twice", func(s *stranger) { s.hello("stranger", "edge"); s.say(ask(1)); s.say(ask(1)) }, rtpq.CodePacket},
		{"end of control", func(s *stranger) { s.hello("stranger", "edge"); _ = s.ctl.Close() }, rtpq.CodeStream},
		{"empty datagram", func(s *stranger) { s.hello("stranger", "edge"); s.datagram(1) }, rtpq.CodePacket},
		{"media upwards", func(s *stranger) {
			s.hello("stranger", "edge")
			s.datagram(append([]byte{1}, make([]byte, 20)...)...)
		}, rtpq.CodePacket},
		{"bad RTCP", func(s *stranger) {
			s.hello("stranger", "edge")
			s.datagram(1, 0x81, 205, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0)
		}, rtpq.CodePacket},
		{"beat upwards", func(s *stranger) { s.hello("stranger", "edge"); s.datagram(0, 1, 0, 0, 0, 0, 0) }, rtpq.CodePacket},
		{"stream upwards without a word", func(s *stranger) {
			s.hello("stranger", "edge")
			u, err := s.conn.OpenUniStream()
			if err == nil {
				_, err = u.Write([]byte{0x40}) // the first of two bytes
			}
			if err != nil {
				s.t.Errorf("stream: %v", err)
			}
		}, rtpq.CodeStream},
		{"group upwards", func(s *stranger) { s.hello("stranger", "edge"); s.uni([]byte{1, 1, 1}) }, rtpq.CodeStream},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := m.visit(t, origin)
			row.do(s)
			if got := s.code(); got != row.want {
				t.Errorf("closed with %#x, want %#x", uint64(got), uint64(row.want))
			}
		})
	}
	eventually(t, "rid of them", func() bool { return origin.metric("links") == 0 && origin.metric("subscriptions") == 0 })
}

// One node does not take all the places for links, and gets one back when it leaves.
func TestLinksOfOneNode(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	var first *stranger
	for range maxDownsOfOne {
		s := m.visit(t, origin)
		s.hello("stranger", "edge")
		if first == nil {
			first = s
		}
	}
	taken := func() int {
		origin.mu.Lock()
		defer origin.mu.Unlock()
		return origin.downs["stranger"]
	}
	eventually(t, "all places taken", func() bool { return taken() == maxDownsOfOne })
	if got := m.visit(t, origin).code(); got != rtpq.CodeFull {
		t.Errorf("closed with %#x, want %#x", uint64(got), uint64(rtpq.CodeFull))
	}
	publish(origin, "a", 1, audioFormat)
	pullNow(t, m.node("edge", nodeConfig{}, origin.up()), "a").Release()
	_ = first.conn.CloseWithError(0, "")
	eventually(t, "a place again", func() bool { return taken() < maxDownsOfOne })
}

// Who is not of the mesh, or not in a role that takes streams, does not get in.
func TestWrongCertificate(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	foreign := newMesh(t)
	for _, row := range []struct {
		name string
		cfg  *tls.Config
	}{
		{"another mesh", foreign.issue("edge", identity.RoleEdge).ClientTLS([]string{rtpq.ALPN}, "origin", identity.RoleOrigin)},
		{"control", m.issue("control-1", identity.RoleControl).ClientTLS([]string{rtpq.ALPN}, "origin", identity.RoleOrigin)},
		{"another protocol", m.issue("edge", identity.RoleEdge).ClientTLS([]string{"h3"}, "origin", identity.RoleOrigin)},
		{"another node wanted", m.issue("edge", identity.RoleEdge).ClientTLS([]string{rtpq.ALPN}, "origin-2", identity.RoleOrigin)},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn, err := quic.DialAddr(t.Context(), origin.Addr().String(), row.cfg, quicConfig())
			if err == nil { // the server's check of our certificate comes after our own handshake
				select {
				case <-conn.Context().Done():
				case <-time.After(patience):
					t.Error("got in")
				}
			}
		})
	}
	if n := origin.metric("links"); n != 0 {
		t.Errorf("%v links", n)
	}
}

// A node that is removed loses its link, whichever end is told, and gets no other; those who stay do not.
func TestRemovedNode(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge, other := m.node("edge", nodeConfig{}, origin.up()), m.node("other", nodeConfig{}, origin.up())
	links := func(want float64) func() bool {
		return func() bool { return origin.metric("links") == want }
	}
	eventually(t, "two links", links(2))
	since := time.Now()
	origin.id.SetRemoved([]identity.Removed{{Node: "edge", Key: edge.id.Key()}})
	eventually(t, "one link", links(1))
	if took := time.Since(since); took > 2*time.Second {
		t.Errorf("the link of a removed node went after %v", took)
	}
	refused := edge.metric("dials_total")
	eventually(t, "more dials that are refused", func() bool { return edge.metric("dials_total") > refused+1 })
	if n := origin.metric("links"); n != 1 {
		t.Errorf("%v links", n)
	}
	other.id.SetRemoved([]identity.Removed{{Node: "origin"}})
	eventually(t, "no link", links(0))
}

// host answers the first node that dials as upstream "host", and does as it likes once it is asked for a stream.
func (m *mesh) host(t *testing.T, do func(*stranger)) (Upstream, <-chan rtpq.Code) {
	udp, err := listen("127.0.0.1:0", prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	tr := &quic.Transport{Conn: udp}
	ln, err := tr.Listen(m.issue("host", identity.RoleEdge).ServerTLS([]string{rtpq.ALPN}, identity.RoleEdge), quicConfig())
	if err != nil {
		t.Fatal(err)
	}
	code, ended := make(chan rtpq.Code, 1), make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := ln.Accept(t.Context())
		if err != nil {
			return
		}
		ctl, err := conn.AcceptStream(t.Context())
		if err != nil {
			return
		}
		s := &stranger{t, conn, ctl}
		s.hello("host", identity.RoleEdge)
		in := rtpq.NewControlReader(ctl)
		for range 2 { // hello and subscribe
			if _, err := in.Next(); err != nil {
				t.Errorf("edge says: %v", err)
				return
			}
		}
		do(s)
		code <- s.code()
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		_ = tr.Close()
		_ = udp.Close()
		<-ended
	})
	return Upstream{"host", udp.LocalAddr().String()}, code
}

func TestHostileUpstream(t *testing.T) {
	flow := func(id uint64) *pb.Flow {
		return &pb.Flow{Flow: id, Track: "v", Kind: pb.Kind_KIND_VIDEO, Codec: "VP8", ClockRate: 90000}
	}
	accept := func(flows ...*pb.Flow) *pb.RelayMessage {
		return acceptMessage(&pb.Accept{Id: 1, Stream: "a", Epoch: 1, Hops: []string{"host"}, Flows: flows})
	}
	for _, row := range []struct {
		name string
		do   func(*stranger)
		want rtpq.Code
	}{
		{"answer to nothing", func(s *stranger) { s.say(acceptMessage(&pb.Accept{Id: 99, Stream: "a"})) }, rtpq.CodePacket},
		{"no flows", func(s *stranger) { s.say(accept()) }, rtpq.CodePacket},
		{"by no way", func(s *stranger) {
			s.say(acceptMessage(&pb.Accept{Id: 1, Stream: "a", Epoch: 1, Flows: []*pb.Flow{flow(1)}}))
		}, rtpq.CodePacket},
		{"by another's way", func(s *stranger) {
			s.say(acceptMessage(&pb.Accept{Id: 1, Stream: "a", Epoch: 1, Hops: []string{"host", "else"}, Flows: []*pb.Flow{flow(1)}}))
		}, rtpq.CodePacket},
		{"flow 0", func(s *stranger) { s.say(accept(flow(0))) }, rtpq.CodePacket},
		{"flow twice", func(s *stranger) { s.say(accept(flow(1), flow(1))) }, rtpq.CodeFlow},
		{"subscribe from above", func(s *stranger) {
			s.say(subscribeOf(&pb.Subscribe{Id: 1, Stream: "a", Hops: []string{"host"}}))
		}, rtpq.CodePacket},
		{"truncated beat", func(s *stranger) { s.datagram(0, 1, 0, 0, 0, 0, 200) }, rtpq.CodePacket},
		{"truncated gone", func(s *stranger) { s.datagram(0, 3, 1, 9) }, rtpq.CodePacket},
		{"unknown datagram", func(s *stranger) { s.datagram(0, 77) }, rtpq.CodePacket},
		{"group of flow 0", func(s *stranger) { s.uni([]byte{0, 1, 1}) }, rtpq.CodePacket},
		{"group that is none", func(s *stranger) { s.say(accept(flow(1))); s.uni([]byte{1, 3, 1, 2, 3}) }, rtpq.CodePacket},
		{"group cut short", func(s *stranger) { s.say(accept(flow(1))); s.uni([]byte{1, 30, 0x80, 2, 3}) }, rtpq.CodePacket},
		{"packet past the limit", func(s *stranger) {
			s.say(accept(flow(1)))
			s.uni(quicvarint.Append([]byte{1}, 1<<20))
		}, rtpq.CodeTooLarge},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newMesh(t)
			up, code := m.host(t, row.do)
			edge := m.node("edge", nodeConfig{linger: time.Millisecond}, up)
			ctx, stop := context.WithCancel(t.Context())
			pulled := make(chan struct{})
			go func() {
				defer close(pulled)
				if l, err := edge.Pull(ctx, "a"); err == nil {
					l.Release()
				}
			}()
			select {
			case got := <-code:
				if got != row.want {
					t.Errorf("closed with %#x, want %#x", uint64(got), uint64(row.want))
				}
			case <-time.After(patience):
				t.Error("the link stays open")
			}
			stop()
			<-pulled
			eventually(t, "rid of the pull", func() bool { return edge.metric("pulled_streams") == 0 })
		})
	}
}
