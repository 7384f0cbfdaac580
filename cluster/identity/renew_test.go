package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
)

// A clock is set by the test.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// A said passes the messages of a log on.
type said chan string

func (s said) Enabled(context.Context, slog.Level) bool      { return true }
func (s said) Handle(_ context.Context, r slog.Record) error { s <- r.Message; return nil }
func (s said) WithAttrs([]slog.Attr) slog.Handler            { return s }
func (s said) WithGroup(string) slog.Handler                 { return s }

// asking returns an Ask that ca answers as control would, by now.
func asking(ca *CA, now func() time.Time) Ask {
	return func(_ context.Context, request []byte) ([]byte, error) {
		s, err := ParseRequest(request)
		if err != nil {
			return nil, err
		}
		return ca.Sign(s, now())
	}
}

// Certificates change five times under a TLS and a QUIC link. Both stay, new ones show the new certificate, and whoever
// is of another CA stays refused (R17).
func TestRotation(t *testing.T) {
	ca, foreign := openCA(t), openCA(t)
	var c clock
	origin, edge, stranger := join(t, ca, t.TempDir(), "origin-1", RoleOrigin), join(t, ca, t.TempDir(), "edge-1", RoleEdge), issue(t, foreign, "edge-1", RoleEdge)
	ctx, cancel := context.WithCancel(t.Context())
	ended, told := make(chan error, 2), make(said, 2)
	for _, id := range []*Identity{origin, edge} {
		id.now = c.now
		go func() {
			ended <- id.Run(ctx, slog.New(told), asking(ca, c.now))
		}()
	}
	stranger.now = c.now
	defer func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}()

	alpn := []string{"x"}
	overTLS, overQUIC := tlsLink(t, origin, edge, alpn), quicLink(t, origin, edge, alpn)
	first := edge.current()
	for round := range 5 {
		c.advance(17 * time.Hour)
		origin.Doubt() // Run looks at the clock
		edge.Doubt()
		for range 2 {
			select {
			case m := <-told:
				if m != "certificate renewed" {
					t.Fatalf("round %d: %s", round, m)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("round %d: not renewed", round)
			}
		}
		for name, link := range map[string]io.ReadWriter{"TLS": overTLS, "QUIC": overQUIC} {
			if err := echo(link); err != nil {
				t.Errorf("round %d: the %s link: %v", round, name, err)
			}
		}
		atServer, _, serverErr, clientErr := handshake(t, origin.ServerTLS(alpn, RoleEdge), edge.ClientTLS(alpn, "origin-1", RoleOrigin))
		if serverErr != nil || clientErr != nil {
			t.Fatalf("round %d: server says %v, client %v", round, serverErr, clientErr)
		}
		if !atServer.PeerCertificates[0].Equal(edge.current().x509()) {
			t.Errorf("round %d: an old certificate was shown", round)
		}
		_, _, serverErr, _ = handshake(t, origin.ServerTLS(alpn, RoleEdge), withCA(stranger, ca).ClientTLS(alpn, "", RoleOrigin))
		if !errors.Is(serverErr, ErrCA) {
			t.Errorf("round %d: to another CA's node server says %v", round, serverErr)
		}
	}
	if !c.now().After(first.x509().NotAfter.Add(48 * time.Hour)) {
		t.Error("the first certificate is good still: this test shows nothing")
	}
	kept, err := Open(edge.dir)
	if err != nil || !kept.current().x509().Equal(edge.current().x509()) {
		t.Errorf("what was kept is another certificate: %v", err)
	}
}

func echo(link io.ReadWriter) error {
	if _, err := link.Write([]byte("ping")); err != nil {
		return err
	}
	_, err := io.ReadFull(link, make([]byte, 4))
	return err
}

// tlsLink returns the dialled end of a connection whose other end echoes.
func tlsLink(t *testing.T, server, client *Identity, alpn []string) net.Conn {
	t.Helper()
	a, b := connected(t)
	_ = b.SetDeadline(time.Now().Add(time.Minute))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(a, server.ServerTLS(alpn, RoleEdge))
		_, _ = io.Copy(s, s)
		_ = a.Close()
	}()
	link := tls.Client(b, client.ClientTLS(alpn, "", RoleOrigin))
	t.Cleanup(func() {
		_ = link.Close()
		<-done
	})
	return link
}

func quicLink(t *testing.T, server, client *Identity, alpn []string) io.ReadWriter {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ln, err := quic.ListenAddr("127.0.0.1:0", server.ServerTLS(alpn, RoleEdge), nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept(ctx)
		if err != nil {
			return
		}
		if s, err := conn.AcceptStream(ctx); err == nil {
			_, _ = io.Copy(s, s)
		}
	}()
	conn, err := quic.DialAddr(ctx, ln.Addr().String(), client.ClientTLS(alpn, "origin-1", RoleOrigin), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := conn.OpenStreamSync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.CloseWithError(0, "")
		cancel()
		_ = ln.Close()
		<-done
	})
	return s
}

// While control is away a node asks again, ever more rarely, and goes on where control is back, or says that there will be
// no certificate any more.
func TestRunAsksAgain(t *testing.T) {
	for _, end := range []error{nil, ErrRemoved} {
		synctest.Test(t, func(t *testing.T) {
			ca := openCA(t)
			id := join(t, ca, t.TempDir(), "edge-1", RoleEdge)
			began := time.Now()
			var asked []time.Duration
			ctx, cancel := context.WithCancel(t.Context())
			err := id.Run(ctx, slog.New(slog.DiscardHandler), func(ctx context.Context, request []byte) ([]byte, error) {
				asked = append(asked, time.Since(began))
				switch {
				case len(asked) < 12:
					return nil, errors.New("nobody is there")
				case end != nil:
					return nil, end
				case len(asked) < 13:
					return asking(ca, time.Now)(ctx, request)
				}
				cancel() // it asks for the next one
				return nil, ctx.Err()
			})
			if !errors.Is(err, end) {
				t.Errorf("Run returned %v, want %v", err, end)
			}
			if first := asked[0]; first < LeafLife*2/3-LeafLife/48 || first > LeafLife*2/3 {
				t.Errorf("asked first after %v", first)
			}
			for i := 1; i < 12; i++ {
				if pause := asked[i] - asked[i-1]; pause < 30*time.Second || pause > 15*time.Minute {
					t.Errorf("pause %d was %v", i, pause)
				}
			}
			if last := asked[11] - asked[10]; last < 5*time.Minute {
				t.Errorf("the last pause was %v", last)
			}
			if end == nil && (len(asked) != 13 || asked[12]-asked[11] < 15*time.Hour) {
				t.Errorf("asked at %v", asked)
			}
			cancel()
		})
	}
}

// A control node whose clock is days ahead ends nothing: the node asks on while its own clock gives it time.
func TestLapsedByBothClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := join(t, openCA(t), t.TempDir(), "edge-1", RoleEdge)
		began := time.Now()
		err := id.Run(t.Context(), slog.New(slog.DiscardHandler), func(context.Context, []byte) ([]byte, error) { return nil, ErrLapsed })
		if took := time.Since(began); !errors.Is(err, ErrLapsed) || took < LeafLife || took > LeafLife+15*time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// Doubts have control asked at once, and then once a minute.
func TestDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := openCA(t)
		id := join(t, ca, t.TempDir(), "edge-1", RoleEdge)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		var asked []time.Duration
		id.Doubt()
		err := id.Run(ctx, slog.New(slog.DiscardHandler), func(ctx context.Context, request []byte) ([]byte, error) {
			asked = append(asked, time.Since(began))
			if len(asked) < 4 {
				id.Doubt()
				id.Doubt()
			}
			return asking(ca, time.Now)(ctx, request)
		})
		if err != nil || len(asked) != 4 || asked[0] != 0 || asked[3] < 3*time.Minute || asked[3] > 4*time.Minute {
			t.Errorf("asked at %v, %v", asked, err)
		}
	})
}

// An answer that is not for this node changes nothing.
func TestStrangeAnswer(t *testing.T) {
	ca, foreign := openCA(t), openCA(t)
	id := join(t, ca, t.TempDir(), "edge-1", RoleEdge)
	before := id.current()
	for name, row := range map[string]struct {
		ca *CA
		s  Subject
	}{
		"another CA":   {foreign, Subject{"edge-1", RoleEdge, id.Key()}},
		"another node": {ca, Subject{"edge-2", RoleEdge, id.Key()}},
		"another role": {ca, Subject{"edge-1", RoleOrigin, id.Key()}},
		"another key":  {ca, Subject{"edge-1", RoleEdge, newKey(t).Public().(ed25519.PublicKey)}},
		"no answer":    {nil, Subject{}},
	} {
		err := id.renewBy(t.Context(), func(context.Context, []byte) ([]byte, error) {
			if row.ca == nil {
				return nil, nil
			}
			return row.ca.Sign(row.s, time.Now())
		})
		if err == nil || id.current() != before {
			t.Errorf("%s: %v, changed %v", name, err, id.current() != before)
		}
	}
}
