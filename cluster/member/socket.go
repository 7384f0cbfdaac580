package member

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"golang.org/x/sync/errgroup"
)

const (
	maxConns = 64              // accepted and open at once, from all: an exchange takes a second
	dialWait = 2 * time.Second // four round trips to the farthest, and a lost SYN
	// banLife is until memberlist holds a removed node for dead, after which it does not come back. The address may be that of
	// the same machine, let in anew.
	banLife = 30 * time.Second

	bindTries  = 10                    // for one free number on UDP and TCP
	socketBuf  = 2 << 20               // bytes: a round of gossip of the largest mesh in one burst
	acceptRest = 50 * time.Millisecond // after an error that is not the end: no file descriptor is free
)

var errBanned = errors.New("address of a removed node")

// A socket is memberlist's way to the network: UDP and TCP on one port. It is memberlist's own transport with bounds, with
// goroutines that end with Run, and deaf to removed nodes.
type socket struct {
	udp     *net.UDPConn
	tcp     *net.TCPListener
	m       *metrics
	ip      net.IP // advertised
	port    int
	packets chan *memberlist.Packet
	streams chan net.Conn
	done    chan struct{}
	close   sync.Once

	// The way out; tests put a bad network here.
	send func(b []byte, to *net.UDPAddr) error
	dial func(addr string, timeout time.Duration) (net.Conn, error)

	mu       sync.Mutex
	banned   map[string]time.Time // host:port, and until when
	conns    map[*stream]bool     // open; closed with the socket, so that no exchange outlives it
	accepted int                  // of conns
}

var _ memberlist.NodeAwareTransport = (*socket)(nil)

// listen binds both, on the same number where listen asks for any.
func listen(listen, advertise string, m *metrics) (*socket, error) {
	s := &socket{
		m: m, packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), done: make(chan struct{}),
		banned: map[string]time.Time{}, conns: map[*stream]bool{},
	}
	want, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("gossip: listen on %s: %w", listen, err)
	}
	for try := 1; ; try++ {
		err = s.bind(want)
		if err == nil {
			break
		}
		if want.Port != 0 || try == bindTries {
			return nil, fmt.Errorf("gossip: listen on %s: %w", listen, err)
		}
	}
	_ = s.udp.SetReadBuffer(socketBuf) // the kernel gives what it may
	s.send = func(b []byte, to *net.UDPAddr) error { _, err := s.udp.WriteToUDP(b, to); return err }
	s.dial = func(addr string, timeout time.Duration) (net.Conn, error) {
		return net.DialTimeout("tcp", addr, timeout)
	}
	if err := s.advertise(advertise); err != nil {
		s.shut()
		return nil, err
	}
	return s, nil
}

func (s *socket) bind(at *net.TCPAddr) (err error) {
	if s.tcp, err = net.ListenTCP("tcp", at); err != nil {
		return err
	}
	bound := s.tcp.Addr().(*net.TCPAddr)
	s.udp, err = net.ListenUDP("udp", &net.UDPAddr{IP: bound.IP, Port: bound.Port, Zone: bound.Zone})
	if err != nil {
		_ = s.tcp.Close()
	}
	return err
}

func (s *socket) advertise(addr string) error {
	bound := s.tcp.Addr().(*net.TCPAddr)
	s.ip, s.port = bound.IP, bound.Port
	if addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("gossip: advertise: %w", err)
	}
	if s.ip = net.ParseIP(host); s.ip == nil {
		return fmt.Errorf("gossip: advertise %s: want an IP address", addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
		s.port = int(n)
	}
	return nil
}

func (s *socket) address() string { return net.JoinHostPort(s.ip.String(), strconv.Itoa(s.port)) }

// run reads both until shut.
func (s *socket) run() {
	var g errgroup.Group
	g.Go(func() error { s.readPackets(); return nil })
	g.Go(func() error { s.accept(); return nil })
	_ = g.Wait() // neither fails
}

func (s *socket) readPackets() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := s.udp.ReadFromUDP(buf)
		at := time.Now()
		if s.over() {
			return
		}
		if err != nil || n == 0 {
			continue // an ICMP error of a packet that went out
		}
		if s.isBanned(from.String()) {
			s.m.refuse(banned)
			continue
		}
		select {
		case s.packets <- &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: at}:
		case <-s.done:
			return
		}
	}
}

func (s *socket) accept() {
	for {
		conn, err := s.tcp.AcceptTCP()
		if err != nil {
			select {
			case <-s.done:
				return
			case <-time.After(acceptRest):
			}
			continue
		}
		c := s.keep(conn, true)
		if c == nil {
			s.m.refuse(tooMany)
			continue
		}
		select {
		case s.streams <- c:
		case <-s.done:
			_ = c.Close()
			return
		}
	}
}

// keep counts conn until it is closed. It closes conn and returns nil where there are too many, or the socket is shut.
func (s *socket) keep(conn net.Conn, accepted bool) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over() || accepted && s.accepted >= maxConns {
		_ = conn.Close()
		return nil
	}
	c := &stream{Conn: conn, of: s, accepted: accepted}
	s.conns[c] = true
	if accepted {
		s.accepted++
	}
	return c
}

// A stream is a connection that counts until it is closed.
type stream struct {
	net.Conn
	of       *socket
	accepted bool
}

func (c *stream) Close() error {
	c.of.mu.Lock()
	if c.of.conns[c] && c.accepted {
		c.of.accepted--
	}
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func (s *socket) over() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// ban makes the socket deaf and mute to addrs for banLife. It forgets those that are over.
func (s *socket) ban(addrs []string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, until := range s.banned {
		if now.After(until) {
			delete(s.banned, a)
		}
	}
	for _, a := range addrs {
		s.banned[a] = now.Add(banLife)
	}
}

func (s *socket) isBanned(addr string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.banned[addr]
	return ok && time.Now().Before(until)
}

func (s *socket) shut() {
	s.close.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.done)
		_ = s.tcp.Close()
		_ = s.udp.Close()
		for c := range s.conns {
			_ = c.Conn.Close()
		}
	})
}

// FinalAdvertiseAddr and what follows is memberlist.NodeAwareTransport.
func (s *socket) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	if ip4 := s.ip.To4(); ip4 != nil {
		return ip4, s.port, nil
	}
	return s.ip, s.port, nil
}

func (s *socket) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	switch {
	case s.over():
		return time.Time{}, net.ErrClosed
	case s.isBanned(to.Addr):
		return time.Time{}, errBanned
	}
	addr, err := net.ResolveUDPAddr("udp", to.Addr)
	if err != nil {
		return time.Time{}, err
	}
	return time.Now(), s.send(b, addr)
}

func (s *socket) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	if s.isBanned(to.Addr) {
		return nil, errBanned
	}
	conn, err := s.dial(to.Addr, min(timeout, dialWait))
	if err != nil {
		return nil, err
	}
	if c := s.keep(conn, false); c != nil {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (s *socket) WriteTo(b []byte, addr string) (time.Time, error) {
	return s.WriteToAddress(b, memberlist.Address{Addr: addr})
}

func (s *socket) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return s.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

func (s *socket) PacketCh() <-chan *memberlist.Packet { return s.packets }
func (s *socket) StreamCh() <-chan net.Conn           { return s.streams }
func (s *socket) Shutdown() error                     { s.shut(); return nil }
