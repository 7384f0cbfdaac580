//go:build !linux

package egress

import (
	"fmt"
	"net"
	"net/netip"
)

// datagrams bounds what was received and not taken yet; more is dropped as the kernel would.
const datagrams = 4096

// An endpoint is where a viewer is.
type endpoint struct{ addr netip.AddrPort }

// A socket is the UDP socket of one shard where the calls of Linux are not there: a datagram a call, and
// a goroutine that reads, which close ends.
type socket struct {
	conn  *net.UDPConn
	local netip.AddrPort
	gso   bool // never
	in    chan datagram
	ended chan struct{}
}

type datagram struct {
	b    []byte
	from netip.AddrPort
}

// openSocket binds addr; the unspecified IPv6 address serves IPv4 as well.
func openSocket(addr netip.AddrPort) (*socket, error) {
	network := "udp4"
	switch {
	case addr.Addr().Is6() && addr.Addr().IsUnspecified():
		network = "udp"
	case addr.Addr().Is6():
		network = "udp6"
	}
	c, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("bind udp %s: %w", addr, err)
	}
	port := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	s := &socket{conn: c, local: netip.AddrPortFrom(addr.Addr(), port), in: make(chan datagram, datagrams), ended: make(chan struct{})}
	go s.read()
	return s, nil
}

func (s *socket) read() {
	defer close(s.ended)
	for {
		b := make([]byte, readSize)
		n, from, err := s.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return // closed
		}
		select {
		case s.in <- datagram{b[:n:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}:
		default:
		}
	}
}

func (s *socket) endpoint(addr netip.AddrPort) endpoint { return endpoint{addr} }

// send hands the messages, whose bytes stand in arena, to the kernel. It returns how many packets the
// kernel did not take.
func (s *socket) send(arena []byte, messages []message, m *sent) (dropped int) {
	for i := range messages {
		g := &messages[i]
		m.calls++
		if s.write(arena[g.from:g.end], g.to) != nil {
			dropped += g.count
		}
	}
	return dropped
}

// write sends one datagram, or returns why the kernel did not take it.
func (s *socket) write(b []byte, to *endpoint) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to.addr)
	return err
}

// receive hands what has arrived to take, at most limit datagrams.
func (s *socket) receive(limit int, take func(b []byte, from netip.AddrPort)) {
	for range limit {
		select {
		case d := <-s.in:
			take(d.b, d.from)
		default:
			return
		}
	}
}

func (s *socket) close() error {
	err := s.conn.Close()
	<-s.ended
	return err
}
