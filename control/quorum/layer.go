package quorum

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const maxRaftConns = 256 // from other control nodes: eight from each of maxServers

// A layer is the line on which Raft's own transport speaks. It knows all connections, to end them with itself: the
// transport leaves those it reads from to their other ends.
type layer struct {
	line Line
	addr string
	m    *metrics
	done chan struct{}

	mu    sync.Mutex
	conns map[*layerConn]bool // true: accepted
	taken int                 // of them accepted
	all   sync.WaitGroup
}

func newLayer(l Line, advertise string, m *metrics) *layer {
	return &layer{line: l, addr: advertise, m: m, done: make(chan struct{}), conns: map[*layerConn]bool{}}
}

// ServerAddr is what other nodes dial.
func (l *layer) ServerAddr() raft.ServerAddress { return raft.ServerAddress(l.addr) }

// Addr names this node in Raft's messages.
func (l *layer) Addr() net.Addr { return advertised(l.addr) }

type advertised string

func (advertised) Network() string  { return "tcp" }
func (a advertised) String() string { return string(a) }

func (l *layer) Accept() (net.Conn, error) {
	for {
		conn, err := l.line.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.add(conn, true); c != nil {
			return c, nil
		}
		_ = conn.Close()
	}
}

func (l *layer) Dial(addr raft.ServerAddress, wait time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a layer that closes does not wait for a peer that does not answer
		select {
		case <-l.done:
			cancel()
		case <-stop:
		}
	}()
	conn, err := l.line.Dial(ctx, string(addr))
	if err != nil {
		return nil, err
	}
	c := l.add(conn, false)
	if c == nil {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

// add returns conn as one that is known, nil where there is no room or the layer has closed.
func (l *layer) add(conn net.Conn, accepted bool) *layerConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
		return nil
	default:
	}
	if accepted && l.taken >= maxRaftConns {
		l.m.refused.WithLabelValues(string(refusedRaftFull)).Inc()
		return nil
	}
	c := &layerConn{Conn: conn, of: l}
	l.conns[c] = accepted
	if accepted {
		l.taken++
	}
	l.all.Add(1)
	return c
}

func (l *layer) remove(c *layerConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	accepted, ok := l.conns[c]
	if !ok {
		return
	}
	if accepted {
		l.taken--
	}
	delete(l.conns, c)
	l.all.Done()
}

// Close ends the listener and all connections.
func (l *layer) Close() error {
	l.mu.Lock()
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	conns := make([]*layerConn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	err := l.line.Listener.Close()
	for _, c := range conns {
		_ = c.Conn.Close() // its user removes it
	}
	return err
}

// wait returns when whoever used a connection has let it go, after Close.
func (l *layer) wait() { l.all.Wait() }

type layerConn struct {
	net.Conn
	of *layer
}

func (c *layerConn) Close() error {
	c.of.remove(c)
	return c.Conn.Close()
}
