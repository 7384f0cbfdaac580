package join

import (
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/agent"
	"freshet/cluster/identity"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func newCA(t *testing.T, seed byte) *identity.CA {
	t.Helper()
	ca, err := identity.NewCA(append(make([]byte, ed25519.SeedSize-1), seed))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// control answers each connection by answer, which may write what it likes, until the test ends.
func control(t *testing.T, ca *identity.CA, answer func(conn *tls.Conn, up *pb.EnrolUp)) (addr string) {
	t.Helper()
	id, err := ca.Issue("control-1", identity.RoleControl)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", id.StrangerTLS([]string{ALPN}))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				up := &pb.EnrolUp{}
				if err := agent.NewWire(conn, MaxMessage).Receive(up); err != nil {
					t.Errorf("control got no request: %v", err)
				}
				answer(conn.(*tls.Conn), up)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		all.Wait()
	})
	return ln.Addr().String()
}

func say(conn *tls.Conn, down *pb.EnrolDown) { _ = agent.NewWire(conn, MaxMessage).Send(down) }

// Whatever control answers, who is not let in has no certificate, and one line that says why.
func TestStrangeAnswers(t *testing.T) {
	ca, foreign := newCA(t, 1), newCA(t, 2)
	sign := func(by *identity.CA, csr []byte, node string) []byte {
		s, err := identity.ParseRequest(csr)
		if err != nil {
			t.Error(err)
		}
		s.Node, s.Role = node, identity.RoleEdge
		der, err := by.Sign(s, time.Now())
		if err != nil {
			t.Error(err)
		}
		return der
	}
	other, err := ca.Issue("edge-1", identity.RoleEdge)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(a *pb.EnrolAnswer) *pb.EnrolDown { return &pb.EnrolDown{Body: &pb.EnrolDown_Answer{Answer: a}} }
	for name, row := range map[string]struct {
		answer func(*tls.Conn, []byte)
		want   string
	}{
		"nothing":           {func(*tls.Conn, []byte) {}, "EOF"},
		"text":              {func(c *tls.Conn, _ []byte) { _, _ = c.Write([]byte("\x05hello")) }, "proto"},
		"half a message":    {func(c *tls.Conn, _ []byte) { _, _ = c.Write([]byte{9, 1}) }, "EOF"},
		"a large message":   {func(c *tls.Conn, _ []byte) { _, _ = c.Write([]byte{0x80, 0x80, 0x04}) }, "size"},
		"a newer version's": {func(c *tls.Conn, _ []byte) { say(c, &pb.EnrolDown{}) }, "this version does not know"},
		"no certificate":    {func(c *tls.Conn, _ []byte) { say(c, answer(&pb.EnrolAnswer{Ca: ca.Certificate()})) }, "certificate"},
		"another CA": {func(c *tls.Conn, csr []byte) {
			say(c, answer(&pb.EnrolAnswer{Ca: foreign.Certificate(), Certificate: sign(foreign, csr, "edge-1")}))
		}, "another cluster"},
		"a strange signature": {func(c *tls.Conn, csr []byte) {
			say(c, answer(&pb.EnrolAnswer{Ca: ca.Certificate(), Certificate: sign(foreign, csr, "edge-1")}))
		}, "not of this cluster's CA"},
		"another key": {func(c *tls.Conn, _ []byte) {
			cert, err := other.StrangerTLS(nil).GetCertificate(nil)
			if err != nil {
				t.Error(err)
				return
			}
			say(c, answer(&pb.EnrolAnswer{Ca: ca.Certificate(), Certificate: cert.Certificate[0]}))
		}, "another key"},
		"a refusal with a bell": {func(c *tls.Conn, _ []byte) {
			say(c, &pb.EnrolDown{Body: &pb.EnrolDown_Refusal{Refusal: &pb.EnrolRefusal{Text: "no\n\a\x1b[31m" + strings.Repeat("é", 400)}}})
		}, "control refuses: no   [31m"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := control(t, ca, func(conn *tls.Conn, up *pb.EnrolUp) { row.answer(conn, up.GetEnrol().GetCsr()) })
			cfg := Config{Control: []string{addr}, Dir: t.TempDir(), Role: identity.RoleEdge}
			_, err := Enrol(t.Context(), quiet, cfg, jointoken.Token{CA: ca.Pin()})
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.ContainsAny(err.Error(), "\n\a\x1b") || len(err.Error()) > 700 {
				t.Errorf("%q, want %q", err, row.want)
			}
			if _, err := identity.Open(cfg.Dir); !errors.Is(err, identity.ErrNotJoined) {
				t.Errorf("the directory afterwards: %v", err)
			}
		})
	}
	_, err = Enrol(t.Context(), quiet, Config{Dir: t.TempDir(), Role: identity.RoleEdge}, jointoken.Token{})
	if err == nil || !strings.Contains(err.Error(), "no control node is known") {
		t.Errorf("without an address: %v", err)
	}
}

// A disk that has lost or cannot keep what is known of the mesh costs no certificate, and control is found all the same.
func TestRenewalWithoutDisk(t *testing.T) {
	ca := newCA(t, 1)
	dir := t.TempDir()
	key, err := identity.OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := identity.Subject{Node: "edge-1", Role: identity.RoleEdge, Key: key.Public().(ed25519.PublicKey)}
	der, err := ca.Sign(s, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.Keep(dir, der, ca.Certificate()); err != nil {
		t.Fatal(err)
	}
	id, err := identity.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	mesh := &pb.MeshSeed{Gossip: []string{"192.0.2.1:3"}, GossipKeys: [][]byte{{1}}}
	addr := control(t, ca, func(conn *tls.Conn, up *pb.EnrolUp) {
		holder, err := id.Holder(conn.ConnectionState())
		if err != nil || holder.Node != "edge-1" || string(up.GetRenew().GetCsr()) != "request" {
			t.Errorf("control sees %v, %v, %v", holder, err, up)
		}
		say(conn, &pb.EnrolDown{Body: &pb.EnrolDown_Answer{Answer: &pb.EnrolAnswer{Certificate: []byte("certificate"), Mesh: mesh}}})
	})
	if err := os.MkdirAll(filepath.Join(dir, meshFile, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	var told *pb.MeshSeed
	r := &Renewal{Identity: id, Dir: dir, Control: []string{addr}, Log: quiet, Told: func(m *pb.MeshSeed) { told = m }}
	for range 2 { // without a disk, and with one
		if got, err := r.Ask(t.Context(), []byte("request")); err != nil || string(got) != "certificate" || !proto.Equal(told, mesh) {
			t.Errorf("%q, %v, told %v", got, err, told)
		}
		if err := os.RemoveAll(filepath.Join(dir, meshFile)); err != nil {
			t.Fatal(err)
		}
	}
	// And the other way round: the address of control is known from before alone.
	if err := KeepMesh(dir, &pb.MeshSeed{Controls: []string{addr}}); err != nil {
		t.Fatal(err)
	}
	r.Control = nil
	if _, err := r.Ask(t.Context(), []byte("request")); err != nil {
		t.Error(err)
	}
	if kept, err := ReadMesh(dir); err != nil || !proto.Equal(kept, mesh) {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestReadMesh(t *testing.T) {
	dir := t.TempDir()
	if m, err := ReadMesh(dir); err != nil || !proto.Equal(m, &pb.MeshSeed{}) {
		t.Errorf("of nothing: %v, %v", m, err)
	}
	for _, bad := range []string{"hello", strings.Repeat("a", MaxMessage+1)} {
		if err := os.WriteFile(filepath.Join(dir, meshFile), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadMesh(dir); err == nil || !strings.Contains(err.Error(), meshFile) {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
}

// Nobody waits for a control node that takes the connection and says nothing, longer than deadlines have it.
func TestSilentControl(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	since := time.Now()
	_, err = Enrol(t.Context(), quiet, Config{Control: []string{ln.Addr().String()}, Dir: t.TempDir(), Role: identity.RoleEdge}, jointoken.Token{})
	if took := time.Since(since); err == nil || took < dialWait || took > dialWait+2*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}
