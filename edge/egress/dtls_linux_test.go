package egress

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/crypto/selfsign"
	"github.com/pion/stun"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/stream"
)

// running starts an egress of one shard, and ends it with the test.
func running(t *testing.T) *Egress {
	t.Helper()
	e, err := New(Config{Media: netip.MustParseAddrPort("127.0.0.1:0"), Shards: 1, Certificate: certificate(t)},
		Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if p, s, o := len(e.parse.places), len(e.sign.places), len(e.door.open); p+s+o != 0 {
			t.Errorf("left behind: %d places to parse, %d to sign, %d open handshakes", p, s, o)
		}
	})
	return e
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := selfsign.GenerateSelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A guest is a viewer's end before it has keys.
type guest struct {
	t     *testing.T
	e     *Egress
	c     *net.UDPConn
	to    *net.UDPAddr
	name  string
	ready chan struct{}
	ended chan Reason
}

// arrive takes a guest in, as the HTTP side does, with a socket at the address from.
func arrive(t *testing.T, e *Egress, from, name string, cert tls.Certificate) *guest {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s := e.Pick()
	g := &guest{t: t, e: e, c: c, to: net.UDPAddrFromAddrPort(s.socket.local), name: name,
		ready: make(chan struct{}), ended: make(chan Reason, 1)}
	sum := sha256.Sum256(cert.Certificate[0])
	floor := stream.New("floor", 1, nil, []stream.Format{{Track: "v", Kind: stream.Video, Codec: vp8}}, func(*stream.Flow) {})
	err = s.Join(t.Context(), Join{
		Session: name, StreamID: "floor", Source: source1{floor}, CName: "c", Log: slog.New(slog.DiscardHandler),
		Local: Credentials{name, "password-of-the-edge-side"}, Peer: Credentials{"peer", "password-of-the-viewer-side"},
		Fingerprint: Fingerprint{"sha-256", sum[:]},
		Video:       Media{Form: Form{Type: 96}, Codec: vp8, SSRC: 1},
		Ready:       func() { close(g.ready) }, Ended: func(why Reason) { g.ended <- why },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guest) send(b []byte) {
	g.t.Helper()
	if _, err := g.c.WriteToUDP(b, g.to); err != nil {
		g.t.Error(err)
	}
}

// connect does what ICE does: a check that nominates, and the answer to the edge's own.
func (g *guest) connect() {
	g.t.Helper()
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(g.name+":peer"),
		stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.NewShortTermIntegrity("password-of-the-edge-side"), stun.Fingerprint)
	if err != nil {
		g.t.Fatal(err)
	}
	g.send(m.Raw)
	for {
		if b := g.read(); b[0] < 4 && g.reply(b) {
			return
		}
	}
}

// reply answers b if it is a check.
func (g *guest) reply(b []byte) bool {
	in := &stun.Message{Raw: append([]byte(nil), b...)}
	if in.Decode() != nil || in.Type != stun.BindingRequest {
		return false
	}
	out, err := stun.Build(in, stun.BindingSuccess, stun.NewShortTermIntegrity("password-of-the-viewer-side"), stun.Fingerprint)
	if err != nil {
		g.t.Fatal(err)
	}
	g.send(out.Raw)
	return true
}

// read returns what comes next.
func (g *guest) read() []byte {
	g.t.Helper()
	var b [readSize]byte
	if err := g.c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	n, err := g.c.Read(b[:])
	if err != nil {
		g.t.Fatalf("%s: %v", g.name, err)
	}
	return b[:n]
}

// A wire is the net.Conn under a guest's DTLS.
type wire struct {
	net.Conn
	g *guest
}

func (w wire) Read(p []byte) (int, error) {
	for {
		n, err := w.g.c.Read(p)
		if err != nil || p[0] >= 20 && p[0] < 64 {
			return n, err
		}
	}
}

func (w wire) Write(p []byte) (int, error)       { return w.g.c.WriteToUDP(p, w.g.to) }
func (w wire) SetReadDeadline(t time.Time) error { return w.g.c.SetReadDeadline(t) }
func (w wire) SetWriteDeadline(time.Time) error  { return nil }
func (w wire) Close() error                      { return nil }

func client4(cert tls.Certificate) *dtls.Config {
	return &dtls.Config{
		Certificates: []tls.Certificate{cert}, InsecureSkipVerify: true, ExtendedMasterSecret: dtls.RequireExtendedMasterSecret,
		SRTPProtectionProfiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM},
	}
}

// shake does the whole handshake, and returns an error where it is not done within d.
func (g *guest) shake(cert tls.Certificate, d time.Duration) error {
	if err := g.c.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(g.t.Context(), d)
	defer cancel()
	c, err := dtls.ClientWithContext(ctx, wire{g: g}, client4(cert))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	select {
	case <-g.ready:
		return nil
	case why := <-g.ended:
		return fmt.Errorf("ended: %s", why)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// firstFlight is a ClientHello of pion/dtls.
func firstFlight(t *testing.T, cert tls.Certificate) []byte {
	t.Helper()
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = dtls.ClientWithContext(ctx, near, client4(cert)) // never answered
	}()
	b := make([]byte, readSize)
	n, err := io.ReadAtLeast(far, b, 1)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = far.Close()
	<-done
	_ = near.Close()
	return b[:n]
}

// Viewers who begin their handshake and say no more hold nobody up, however many they are, and neither do those
// whose hello nobody understands.
func TestStalledHandshakesHoldNothingUp(t *testing.T) {
	stalled, nonsense := 600, 20
	if testing.Short() {
		stalled = 120
	}
	e := running(t)
	cert := certificate(t)
	hello := firstFlight(t, cert)
	for i := range stalled {
		g := arrive(t, e, fmt.Sprintf("127.0.0.%d", 2+i%3), fmt.Sprint("stalled", i), cert)
		g.connect()
		g.send(hello)
		for {
			if b := g.read(); b[0] == recordHandshake {
				break
			}
		}
	}
	if n := e.door.count(); n != stalled {
		t.Fatalf("%d handshakes are open, want %d", n, stalled)
	}
	broken := []byte{recordHandshake, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, handshakeHeader + 4, helloType, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4}
	for i := range nonsense {
		g := arrive(t, e, "127.0.0.5", fmt.Sprint("nonsense", i), cert)
		g.connect()
		g.send(broken)
	}
	g := arrive(t, e, "127.0.0.2", "well behaved", cert)
	g.connect()
	if err := g.shake(cert, 5*time.Second); err != nil {
		t.Fatalf("behind %d stalled handshakes: %v", stalled, err)
	}
}
