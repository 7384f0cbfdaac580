package testnet

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// TestMain is an echo server where the environment says so: a program that knows nothing of the network it is in.
func TestMain(m *testing.M) {
	if addr := os.Getenv("TESTNET_ECHO"); addr != "" {
		fmt.Println(echo(addr))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// echo answers each connection with what it says, one after the other.
func echo(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		_, _ = io.Copy(c, c)
		_ = c.Close()
	}
}

const (
	delay  = 40 * time.Millisecond
	within = 10 * time.Second // far beyond any delay under test
	rounds = 5                // of which the fastest counts, on a machine that may be busy
	slack  = 20 * time.Millisecond
)

// until waits for cond by the deadline.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// on calls f in h's namespace.
func on(t *testing.T, h *Host, f func() error) {
	t.Helper()
	if err := h.Enter(f); err != nil {
		t.Fatal(err)
	}
}

// udp opens a socket on h.
func udp(t *testing.T, h *Host, addr netip.Addr) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	on(t, h, func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 7000)))
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// fastest returns the shortest of some rounds, and holds it to the least that the path allows and some slack.
func fastest(t *testing.T, what string, least time.Duration, round func() error) {
	t.Helper()
	best := within
	for range rounds {
		start := time.Now()
		if err := round(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		took := time.Since(start)
		if took < least {
			t.Errorf("%s: %v, want %v at least", what, took, least)
		}
		best = min(best, took)
	}
	t.Logf("%s: %v at best", what, best)
	if best > least+slack {
		t.Errorf("%s: %v at best, want %v to %v", what, best, least, least+slack)
	}
}

// ping returns what sends an echo request from h to the address and waits for the kernel's answer there.
func ping(t *testing.T, h *Host, to netip.Addr) func() error {
	t.Helper()
	network, proto := "ip4:icmp", 1
	ask, answer := icmp.Type(ipv4.ICMPTypeEcho), icmp.Type(ipv4.ICMPTypeEchoReply)
	if to.Is6() {
		network, proto, ask, answer = "ip6:ipv6-icmp", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply
	}
	var c *icmp.PacketConn
	on(t, h, func() (err error) {
		c, err = icmp.ListenPacket(network, "")
		return err
	})
	t.Cleanup(func() { c.Close() })
	number := 0
	return func() error {
		number++
		m := icmp.Message{Type: ask, Body: &icmp.Echo{ID: 7, Seq: number, Data: []byte("ping")}}
		b, err := m.Marshal(nil)
		if err != nil {
			return err
		}
		if _, err := c.WriteTo(b, &net.IPAddr{IP: to.AsSlice()}); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(within))
		for {
			var in [1500]byte
			n, from, err := c.ReadFrom(in[:])
			if err != nil {
				return err
			}
			m, err := icmp.ParseMessage(proto, in[:n])
			if err != nil {
				return err
			}
			// Each such socket hears all answers to its host.
			if e, ok := m.Body.(*icmp.Echo); ok && m.Type == answer && e.Seq == number && from.String() == to.String() {
				return nil
			}
		}
	}
}

// bounce sends the next packet back.
func bounce(c *net.UDPConn) error {
	var b [1500]byte
	_ = c.SetReadDeadline(time.Now().Add(within))
	n, from, err := c.ReadFromUDPAddrPort(b[:])
	if err != nil {
		return err
	}
	_, err = c.WriteToUDPAddrPort(b[:n], from)
	return err
}

// read waits for a packet that says text.
func read(c *net.UDPConn, text string) error {
	var b [1500]byte
	_ = c.SetReadDeadline(time.Now().Add(within))
	n, err := c.Read(b[:])
	if err == nil && string(b[:n]) != text {
		err = fmt.Errorf("got %q, want %q", b[:n], text)
	}
	return err
}

// start runs an echo server on h, a process of its own, and returns once it listens. The end of the test's network
// kills it.
func start(t *testing.T, h *Host, addr netip.AddrPort) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := h.Command(self)
	cmd.Env = append(os.Environ(), "TESTNET_ECHO="+addr.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the echo server said %q, %v", line, err)
	}
	return cmd
}

func dial(from *Host, to netip.AddrPort) (c net.Conn, err error) {
	err = from.Enter(func() error {
		c, err = net.DialTimeout("tcp", to.String(), within)
		return err
	})
	return c, err
}

// call connects from a host.
func call(t *testing.T, from *Host, to netip.AddrPort) net.Conn {
	t.Helper()
	c, err := dial(from, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// talk says text, and waits until it is said back.
func talk(c net.Conn, text string) error {
	_ = c.SetDeadline(time.Now().Add(within))
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	b := make([]byte, len(text))
	_, err := io.ReadFull(c, b)
	if err == nil && string(b) != text {
		err = fmt.Errorf("heard %q, want %q", b, text)
	}
	return err
}

// meet has two sockets know one another's addresses, so that what follows is not held up by ARP.
func meet(t *testing.T, a, b *net.UDPConn) {
	t.Helper()
	for _, pair := range [][2]*net.UDPConn{{a, b}, {b, a}} {
		if _, err := pair[0].WriteToUDP([]byte("hello"), pair[1].LocalAddr().(*net.UDPAddr)); err != nil {
			t.Fatal(err)
		}
		if err := read(pair[1], "hello"); err != nil {
			t.Fatal(err)
		}
	}
}

// send has number go from one socket to the other.
func send(t *testing.T, from, to *net.UDPConn, number uint32) {
	t.Helper()
	if _, err := from.WriteToUDP(binary.BigEndian.AppendUint32(nil, number), to.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
}

// receive waits for the next number.
func receive(t *testing.T, at *net.UDPConn) uint32 {
	t.Helper()
	var b [4]byte
	_ = at.SetReadDeadline(time.Now().Add(within))
	if _, err := io.ReadFull(at, b[:]); err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.Uint32(b[:])
}
