package shim

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"
)

// certificate is one that nobody checks.
func certificate(t testing.TB) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"t"}, InsecureSkipVerify: true}
}

// socket is a UDP socket on loopback.
func socket(t testing.TB, addr string) *net.UDPConn {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	u, err := net.ListenUDP("udp", a)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// repaired is a socket with the layer around it, running.
func repaired(t testing.TB, addr string) *Conn {
	c, err := New(socket(t, addr), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		_ = c.Close()
	})
	return c
}

var quicConfig = &quic.Config{EnableDatagrams: true, MaxIdleTimeout: 5 * time.Second}

// pair connects a to b, whose address a sees as via, and returns both ends.
func pair(t testing.TB, a, b net.PacketConn, via net.Addr) (dialled, accepted *quic.Conn) {
	conf := certificate(t)
	ta, tb := &quic.Transport{Conn: a}, &quic.Transport{Conn: b}
	ln, err := tb.Listen(conf, quicConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ta.Close(); _ = tb.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	dialled, err = ta.Dial(ctx, via, conf, quicConfig)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	accepted, err = ln.Accept(ctx)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	return dialled, accepted
}

// within waits until ok is true.
func within(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not %s within %v", what, d)
		}
	}
}

// exchange sends n datagrams one way, each after the one before it has come.
func exchange(t testing.TB, up, down *quic.Conn, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for i := range n {
		if err := up.SendDatagram([]byte{byte(i), 1000: 0}); err != nil {
			t.Fatal(err)
		}
		got, err := down.ReceiveDatagram(ctx)
		if err != nil || got[0] != byte(i) {
			t.Fatalf("datagram %d: got %v, %v", i, got, err)
		}
	}
}

func addrPort(c net.PacketConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

var (
	_ quic.OOBCapablePacketConn = (*Conn)(nil)
	_ interface {
		ReadBatch([]ipv4.Message, int) (int, error)
	} = (*Conn)(nil)
)

func TestQUIC(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			a, b := repaired(t, addr), repaired(t, addr)
			up, down := pair(t, a, b, b.LocalAddr())
			exchange(t, up, down, 200)
			exchange(t, down, up, 200)
			p, ok := a.Path(addrPort(b))
			if !ok || p.Sent < 200 || p.Received < 200 || p.RTT == 0 || p.Plain {
				t.Errorf("path is %+v, %v", p, ok)
			}
		})
	}
}

// On a socket for both families IPv4 peers are known by their IPv4 address.
func TestBothFamilies(t *testing.T) {
	both := repaired(t, "[::]:0")
	port := addrPort(both).Port()
	four, six := repaired(t, "127.0.0.1:0"), repaired(t, "[::1]:0")
	conf := certificate(t)
	tb := &quic.Transport{Conn: both}
	t.Cleanup(func() { _ = tb.Close() })
	ln, err := tb.Listen(conf, quicConfig)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, c := range []*Conn{four, six} {
		tc := &quic.Transport{Conn: c}
		t.Cleanup(func() { _ = tc.Close() })
		up, err := tc.Dial(ctx, &net.UDPAddr{IP: c.LocalAddr().(*net.UDPAddr).IP, Port: int(port)}, conf, quicConfig)
		if err != nil {
			t.Fatal(err)
		}
		down, err := ln.Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, up, down, 20)
		exchange(t, down, up, 20)
		for _, a := range []netip.AddrPort{addrPort(c), netip.AddrPortFrom(netip.AddrFrom16(addrPort(c).Addr().As16()), addrPort(c).Port())} {
			if p, ok := both.Path(a); !ok || p.Sent < 20 || p.Received < 20 {
				t.Errorf("path to %v is %+v, %v", a, p, ok)
			}
		}
	}
	// And the way round: the socket of both families dials.
	listener := repaired(t, "127.0.0.1:0")
	tf := &quic.Transport{Conn: listener}
	t.Cleanup(func() { _ = tf.Close() })
	lf, err := tf.Listen(conf, quicConfig)
	if err != nil {
		t.Fatal(err)
	}
	up, err := tb.Dial(ctx, listener.LocalAddr(), conf, quicConfig)
	if err != nil {
		t.Fatal(err)
	}
	down, err := lf.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exchange(t, up, down, 20)
}

// With a peer that has plain QUIC the layer does nothing, whoever dials.
func TestPlainQUIC(t *testing.T) {
	t.Run("dialled", func(t *testing.T) {
		a, b := repaired(t, "127.0.0.1:0"), socket(t, "127.0.0.1:0")
		a.SetPlain(addrPort(b), true)
		up, down := pair(t, a, b, b.LocalAddr())
		exchange(t, up, down, 50)
		exchange(t, down, up, 50)
		if p, ok := a.Path(addrPort(b)); !ok || !p.Plain || p.ReceivedBytes == 0 || p.SentBytes == 0 {
			t.Errorf("path is %+v, %v", p, ok)
		}
	})
	t.Run("accepted", func(t *testing.T) {
		a, b := socket(t, "127.0.0.1:0"), repaired(t, "127.0.0.1:0")
		up, down := pair(t, a, b, b.LocalAddr())
		exchange(t, up, down, 50)
		exchange(t, down, up, 50)
		if p, ok := b.Path(addrPort(a)); !ok || !p.Plain {
			t.Errorf("path is %+v, %v", p, ok)
		}
	})
}

// A NAT that gives the client another address costs neither side the repair.
func TestNewAddress(t *testing.T) {
	a, b := repaired(t, "127.0.0.1:0"), repaired(t, "127.0.0.1:0")
	s := under(t, b.LocalAddr().(*net.UDPAddr), weather{delay: 5 * time.Millisecond, loss: .02})
	up, down := pair(t, a, b, s.addr())
	exchange(t, up, down, 50)
	s.rebind()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if up.SendDatagram(make([]byte, 1000)) != nil {
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	for range 1000 {
		if _, err := down.ReceiveDatagram(ctx); err != nil {
			t.Fatal(err)
		}
	}
	_, peers := b.table.totals()
	if peers[standProven] != 2 {
		t.Errorf("peers are %v, want the old and the new address", peers)
	}
	from := down.RemoteAddr().(*net.UDPAddr).AddrPort()
	if p, ok := b.Path(from); !ok || p.Missing == 0 || p.Repaired+p.RepairedLate < p.Missing/2 {
		t.Errorf("path from %v is %+v, %v", from, p, ok)
	}
}

// Run ends with its context, held acknowledgements leave, and a closed socket says so.
func TestEnd(t *testing.T) {
	c, err := New(socket(t, "127.0.0.1:0"), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	to := socket(t, "127.0.0.1:0")
	defer to.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	within(t, time.Second, "running", c.running.Load)
	if _, err := c.WriteTo(make([]byte, 1000), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	p := c.table.find(addrPort(to))
	p.rtt.Store(10 * int64(time.Second)) // holds for as long as it may
	if _, err := c.WriteTo(make([]byte, 40), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if n := c.counts(p); n != 2 {
		t.Errorf("%d packets sent, want 2", n)
	}
	reading := make(chan error, 1)
	go func() {
		_, _, err := c.ReadFrom(make([]byte, 1500))
		reading <- err
	}()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-reading; !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading: got %v", err)
	}
	if _, err := c.WriteTo(make([]byte, 40), to.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing: got %v", err)
	}
	if _, err := c.WriteTo(nil, &net.TCPAddr{}); err == nil {
		t.Error("wrote to a TCP address")
	}
}

func (c *Conn) counts(p *peer) uint64 {
	p.sendMu.Lock()
	defer p.sendMu.Unlock()
	return p.send.sent
}

// A registry has one layer's metrics, each of which is well formed and moves.
func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	c, err := New(socket(t, "127.0.0.1:0"), reg)
	if err != nil {
		t.Fatal(err)
	}
	u := socket(t, "127.0.0.1:0")
	defer u.Close()
	if _, err := New(u, reg); err == nil {
		t.Error("two layers in one registry")
	}
	if _, err := c.WriteTo(make([]byte, 1000), u.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	c.take(&arrival{head: &[headerLen]byte{}, n: 8, from: addrPort(u)}, nil, 1)
	got := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"freshet_shim_sent_packets_total": 1, "freshet_shim_sent_bytes_total": 1000, "freshet_shim_peers unproven": 1,
		"freshet_shim_peers proven": 0, "freshet_shim_dropped_packets_total kind": 1, "freshet_shim_dropped_packets_total unsent": 0,
		"freshet_shim_repaired_packets_total first": 0, "freshet_shim_unanswered_packets_total budget": 0,
		"freshet_shim_received_packets_total": 0, "freshet_shim_evicted_peers_total": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, %v, want %v", name, v, ok, want)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	d, err := New(u, reg)
	if err != nil {
		t.Errorf("after Close: %v", err)
	} else {
		_ = d.Close()
	}
}
