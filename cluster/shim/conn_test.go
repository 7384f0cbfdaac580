package shim

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
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

func TestQUIC(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			a, b := repaired(t, addr), repaired(t, addr)
			up, down := pair(t, a, b, b.LocalAddr())
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			for i := range 200 {
				if err := up.SendDatagram([]byte{byte(i), 1000: 0}); err != nil {
					t.Fatal(err)
				}
				got, err := down.ReceiveDatagram(ctx)
				if err != nil || got[0] != byte(i) {
					t.Fatalf("datagram %d: got %v, %v", i, got, err)
				}
			}
			p, ok := a.Path(b.LocalAddr().(*net.UDPAddr).AddrPort())
			if !ok || p.Sent < 200 || p.RTT == 0 || p.Plain {
				t.Errorf("path is %+v, %v", p, ok)
			}
		})
	}
}
