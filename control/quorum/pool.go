package quorum

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// Bounds of calls. One connection carries one call at a time.
const (
	maxMessage  = ledger.MaxEntry + 1<<10 // bytes
	maxOut      = 256                     // calls under way from one node
	maxIdle     = 16                      // connections to one node that wait for the next call
	maxIdleTo   = 64                      // nodes to which there are such
	idleOut     = 30 * time.Second        // less than idleIn: the other end closes none that is about to be used
	messageWait = 5 * time.Second         // for the rest of a message that has begun
)

// A wire carries messages, each behind its length.
type wire struct {
	net.Conn
	r    *bufio.Reader
	used time.Time // of the last answer
}

func newWire(c net.Conn) *wire { return &wire{Conn: c, r: bufio.NewReader(c)} }

// send writes m in one piece.
func (w *wire) send(m proto.Message) error {
	var b pieces
	if _, err := protodelim.MarshalTo(&b, m); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

func (w *wire) receive(m proto.Message) error {
	return protodelim.UnmarshalOptions{MaxSize: maxMessage}.UnmarshalFrom(w.r, m)
}

type pieces []byte

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, b...)
	return len(b), nil
}

// A pool makes calls to other control nodes.
type pool struct {
	dial  func(ctx context.Context, addr string) (net.Conn, error)
	slots chan struct{}

	mu     sync.Mutex
	idle   map[string][]*wire // by address, the one used last at the end
	closed bool
}

func newPool(dial func(context.Context, string) (net.Conn, error)) *pool {
	return &pool{dial: dial, slots: make(chan struct{}, maxOut), idle: map[string][]*wire{}}
}

// call sends c to addr and returns the answer. After an error the other end may have done what was asked all the same.
func (p *pool) call(ctx context.Context, addr string, c *pb.QuorumCall) (*pb.QuorumAnswer, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w, err := p.get(ctx, addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = w.Close() })
	a := &pb.QuorumAnswer{}
	err = w.send(c)
	if err == nil {
		err = w.receive(a)
	}
	if !stop() || err != nil {
		_ = w.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	p.put(addr, w)
	return a, nil
}

func (p *pool) get(ctx context.Context, addr string) (*wire, error) {
	if w := p.take(addr, time.Now()); w != nil {
		return w, nil
	}
	c, err := p.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	return newWire(c), nil
}

// take returns a connection that was used a short time ago. Older ones are closed.
func (p *pool) take(addr string, now time.Time) *wire {
	p.mu.Lock()
	list := p.idle[addr]
	var w *wire
	if n := len(list); n > 0 && now.Sub(list[n-1].used) < idleOut {
		w, list = list[n-1], list[:n-1]
	}
	var old []*wire
	for len(list) > 0 && now.Sub(list[0].used) >= idleOut {
		old, list = append(old, list[0]), list[1:]
	}
	if len(list) == 0 {
		delete(p.idle, addr)
	} else {
		p.idle[addr] = list
	}
	p.mu.Unlock()
	for _, o := range old {
		_ = o.Close()
	}
	return w
}

func (p *pool) put(addr string, w *wire) {
	w.used = time.Now()
	p.mu.Lock()
	list := p.idle[addr]
	keep := !p.closed && len(list) < maxIdle && (len(list) > 0 || len(p.idle) < maxIdleTo)
	if keep {
		p.idle[addr] = append(list, w)
	}
	p.mu.Unlock()
	if !keep {
		_ = w.Close()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, list := range idle {
		for _, w := range list {
			_ = w.Close()
		}
	}
}
