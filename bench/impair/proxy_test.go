package impair

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a proxy before target until t ends.
func serve(t *testing.T, cfg Config) *Proxy {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	})
	return p
}

// listen opens a socket at host, closed at the end of t.
func listen(t *testing.T, host string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadBuffer(socketBuffer)
	t.Cleanup(func() { c.Close() })
	return c
}

const within = 5 * time.Second // far beyond any delay under test

func send(t *testing.T, from *net.UDPConn, to netip.AddrPort, number uint32, size int) {
	t.Helper()
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, number)
	if _, err := from.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
}

// receive returns the number of the next packet, where it came from and when.
func receive(t *testing.T, at *net.UDPConn) (uint32, netip.AddrPort, time.Time) {
	t.Helper()
	b := make([]byte, packetSize)
	_ = at.SetReadDeadline(time.Now().Add(within))
	n, from, err := at.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	if n < 4 {
		t.Fatalf("received %d bytes, want 4 at least", n)
	}
	return binary.BigEndian.Uint32(b), from, time.Now()
}

func TestBothWays(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			target, client := listen(t, host), listen(t, host)
			p := serve(t, Config{
				Listen: net.JoinHostPort(host, "0"), Target: target.LocalAddr().String(),
				Up: Path{Delay: 20 * time.Millisecond}, Down: Path{Delay: 30 * time.Millisecond},
			})
			for i := range uint32(10) {
				begun := time.Now()
				send(t, client, p.Addr(), i, 1200)
				n, from, at := receive(t, target)
				if took := at.Sub(begun); n != i || took < 20*time.Millisecond {
					t.Fatalf("up: packet %d after %v, want %d after 20 ms", n, took, i)
				}
				begun = time.Now()
				send(t, target, from, i, 1200)
				n, from, at = receive(t, client)
				if took := at.Sub(begun); n != i || took < 30*time.Millisecond || from != p.Addr() {
					t.Fatalf("down: packet %d from %v after %v, want %d from %v after 30 ms", n, from, took, i, p.Addr())
				}
			}
		})
	}
}
