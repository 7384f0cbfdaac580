package impair

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	segmentSize = 1448 // what a TCP segment carries on Ethernet, beside timestamps
	// window is how many segments one direction of a connection has under way at most, 0.7 MB, as a sender's
	// window would: at 40 ms one way, 145 Mbit/s.
	window = 512
)

// A segment is a piece of a connection under way.
type segment struct {
	p     *packet // nil: the end, orderly or not
	reset bool
	due   time.Time
}

// A half is one direction of one connection. Two goroutines own it, one on either side of the queue.
type half struct {
	way, back *way
	from, to  *net.TCPConn
	queue     chan segment
	last      time.Time // when the newest segment arrives; read's
}

func newHalf(way, back *way, from, to *net.TCPConn) *half {
	return &half{way: way, back: back, from: from, to: to, queue: make(chan segment, window)}
}

// run passes what from sends, until the end has passed too, or ctx has ended.
func (h *half) run(ctx context.Context) {
	var reader sync.WaitGroup
	reader.Go(func() { h.read(ctx) })
	h.write(ctx)
	reader.Wait()
}

// read lets in what from sends. It does not read while the path is cut, its queue full or the window used up.
func (h *half) read(ctx context.Context) {
	defer close(h.queue)
	for {
		p := packets.Get().(*packet)
		n, err := h.from.Read(p.buf[:segmentSize])
		if err != nil {
			p.free()
			if !errors.Is(err, net.ErrClosed) {
				h.put(ctx, segment{reset: !errors.Is(err, io.EOF)}, 0)
			}
			return
		}
		p.n = n
		h.way.count(func(s *Stats) { s.In.add(n) })
		if !h.put(ctx, segment{p: p}, n) {
			h.fail(p)
			return
		}
	}
}

func (h *half) put(ctx context.Context, s segment, n int) (ok bool) {
	if s.due, ok = h.way.pass(ctx, h.last, n); !ok {
		return false
	}
	h.last = s.due
	select {
	case h.queue <- s:
		return true
	case <-ctx.Done():
		return false
	}
}

// write hands on what is due, until read has ended.
func (h *half) write(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	gone := false // nobody is left to hand it to
	for s := range h.queue {
		switch {
		case gone || !pause(ctx, timer, s.due):
			h.fail(s.p)
		case s.p == nil && s.reset:
			reset(h.to)
			gone = true
		case s.p == nil:
			_ = h.to.CloseWrite() // fails where the other half has closed it
		default:
			if _, err := h.to.Write(s.p.buf[:s.p.n]); err != nil {
				h.fail(s.p)
				gone = true
				h.refuse(ctx, timer)
				continue
			}
			h.way.count(func(st *Stats) { st.Out.add(s.p.n) })
			s.p.free()
		}
	}
}

// refuse tells the sender, over the way back, that its receiver has gone.
func (h *half) refuse(ctx context.Context, timer *time.Timer) {
	if due, ok := h.back.pass(ctx, time.Time{}, 0); ok {
		pause(ctx, timer, due)
	}
	reset(h.from)
}

// fail counts p, if there is one, as not handed on.
func (h *half) fail(p *packet) {
	if p != nil {
		h.way.count(func(s *Stats) { s.Failed.add(p.n) })
		p.free()
	}
}

// pause waits until due, and tells false if ctx has ended.
func pause(ctx context.Context, timer *time.Timer, due time.Time) bool {
	if wait := time.Until(due); wait > 0 {
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// reset closes c so that its other end learns that the connection broke.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
