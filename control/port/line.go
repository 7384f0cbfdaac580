package port

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"freshet/cluster/identity"
)

// A Line is a protocol between control nodes whose connections are taken by a listener's Accept.
type Line struct {
	id    *identity.Identity
	alpn  string
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// takeWait is how long a connection waits until somebody takes it.
const takeWait = 5 * time.Second

// Line adds a protocol between control nodes, whose certificates id is held to and shows.
func (p *Port) Line(id *identity.Identity, alpn string) *Line {
	l := &Line{id: id, alpn: alpn, addr: p.ln.Addr(), conns: make(chan net.Conn), done: make(chan struct{})}
	p.Add(Protocol{ALPN: alpn, TLS: id.ServerTLS([]string{alpn}, identity.RoleControl), Serve: l.serve})
	return l
}

// serve hands c over and waits until it has ended, or its peer was removed from the cluster.
func (l *Line) serve(ctx context.Context, c *tls.Conn) {
	kept := &lineConn{Conn: c, ended: make(chan struct{})}
	defer func() { _ = kept.Close() }()
	late := time.NewTimer(takeWait)
	defer late.Stop()
	select {
	case l.conns <- kept:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	case <-late.C:
		return
	}
	watch, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-kept.ended
		cancel()
	}()
	_ = l.id.Watch(watch, c.ConnectionState())
}

// Accept returns the next connection, shaken hands and of a control node.
func (l *Line) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept. Connections that were taken stay.
func (l *Line) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr returns where the port listens.
func (l *Line) Addr() net.Addr { return l.addr }

// Dial speaks the protocol with the control node at addr.
func (l *Line) Dial(ctx context.Context, addr string) (net.Conn, error) {
	d := tls.Dialer{Config: l.id.ClientTLS([]string{l.alpn}, "", identity.RoleControl)}
	return d.DialContext(ctx, "tcp", addr)
}

// A lineConn says when it is closed.
type lineConn struct {
	net.Conn
	once  sync.Once
	ended chan struct{}
}

func (c *lineConn) Close() error {
	c.once.Do(func() { close(c.ended) })
	return c.Conn.Close()
}
