package quorum

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	pb "freshet/proto"
)

const (
	maxIn      = 1024             // connections with calls of other control nodes
	idleIn     = 60 * time.Second // between calls
	answerWait = 5 * time.Second  // of one call; its caller asks again, or another
)

// serve answers calls until ctx ends, and returns when every connection has ended.
func (q *Quorum) serve(ctx context.Context) error {
	ln := q.d.Calls.Listener
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	slots := make(chan struct{}, maxIn)
	for {
		conn, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept calls of control nodes: %w", err)
		case err != nil:
			q.m.refused.WithLabelValues(string(refusedAccept)).Inc()
			select {
			case <-time.After(100 * time.Millisecond): // out of descriptors, most likely
			case <-ctx.Done():
				return nil
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			q.m.refused.WithLabelValues(string(refusedFull)).Inc()
			_ = conn.Close()
			continue
		}
		conns.Go(func() {
			defer func() { <-slots }()
			q.hear(ctx, conn)
		})
	}
}

// hear answers the calls on one connection, one after the other.
func (q *Quorum) hear(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	w := newWire(conn)
	for {
		_ = conn.SetDeadline(time.Now().Add(idleIn)) // an error shows below
		if _, err := w.r.Peek(1); err != nil {
			return // it has left
		}
		_ = conn.SetDeadline(time.Now().Add(messageWait))
		c := &pb.QuorumCall{}
		if err := w.receive(c); err != nil {
			if ctx.Err() == nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				q.m.refused.WithLabelValues(string(refusedMalformed)).Inc()
				q.log.Warn("call of a control node refused", "remote", conn.RemoteAddr().String(), "err", err)
			}
			return
		}
		within, cancel := context.WithTimeout(ctx, answerWait)
		a := q.answer(within, c)
		cancel()
		_ = conn.SetDeadline(time.Now().Add(messageWait))
		if err := w.send(a); err != nil {
			return
		}
	}
}

// answer does what c asks, if this node is the one to do it.
func (q *Quorum) answer(ctx context.Context, c *pb.QuorumCall) *pb.QuorumAnswer {
	var err error
	switch b := c.Body.(type) {
	case *pb.QuorumCall_Apply:
		var o *pb.Outcome
		if o, err = q.propose(ctx, b.Apply); err == nil {
			return &pb.QuorumAnswer{Body: &pb.QuorumAnswer_Applied{Applied: o}}
		}
	case *pb.QuorumCall_Read:
		var index uint64
		if index, err = q.readIndex(ctx); err == nil {
			return &pb.QuorumAnswer{Body: &pb.QuorumAnswer_Read{Read: &pb.ReadAnswer{Index: index}}}
		}
	case *pb.QuorumCall_Join:
		err = q.admit(ctx, b.Join)
	case *pb.QuorumCall_Leave:
		err = q.release(ctx, b.Leave.Node)
	case *pb.QuorumCall_Probe:
		return &pb.QuorumAnswer{Body: &pb.QuorumAnswer_Probe{Probe: q.probed()}}
	default:
		err = errMalformed // a call of a newer node
	}
	if err == nil {
		return &pb.QuorumAnswer{Body: &pb.QuorumAnswer_Changed{Changed: &pb.Changed{}}}
	}
	_, addr, _ := q.leader.get()
	return &pb.QuorumAnswer{Body: &pb.QuorumAnswer_Refused{Refused: &pb.Refused{Failure: failureOf(err), Leader: addr}}}
}
