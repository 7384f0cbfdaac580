package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/proto/rtpq"
)

const (
	maxLarge = 64 // packets too large for a datagram, waiting for a stream each

	// In a row, before the next connection has its turn: a picture of twenty packets goes over all four, and
	// not every packet wakes another goroutine.
	turnPackets = 4

	datagramCost = 40 // bytes of QUIC around a datagram, the acknowledgements it brings included
)

// sendDatagrams takes from the link's queue into connection c. SendDatagram blocks while QUIC's window is
// closed and 32 datagrams wait: so a connection whose window is taken carries audio and what is urgent alone,
// and the rest waits in its rings, for another connection or for room.
func (l *link) sendDatagrams(ctx context.Context, c *conn) error {
	me := newSender()
	w := window{}
	buf := make([]byte, 0, 2048)
	turn := false // given by signal, and to be passed on where nothing came of it
	for n := 0; ; {
		select {
		case <-c.retired:
			l.queue.signal()
			return nil
		default:
		}
		now := time.Now()
		w.look(c.quic, now)
		busy := w.room(now) <= 0
		out, ok := l.queue.take(now, busy)
		switch {
		case ok:
			var err error
			if buf, err = l.send(c, out, buf, &w, now); err != nil {
				return err
			}
			if n++; n < turnPackets {
				continue
			}
			l.queue.signal()
		case busy && turn:
			l.queue.signal() // another may have room
		}
		n = 0
		if !l.queue.turns.wait(ctx, me, busy, w.slotTime()) {
			return nil
		}
		turn = !busy
	}
}

// send hands out over to QUIC, using buf.
func (l *link) send(c *conn, out outgoing, buf []byte, w *window, now time.Time) ([]byte, error) {
	b := out.raw
	if out.p != nil {
		buf = rtpq.AppendDatagram(buf[:0], out.flow, out.p.Data)
		b = buf
	}
	err := c.quic.SendDatagram(b)
	var large *quic.DatagramTooLargeError
	if errors.As(err, &large) && out.p != nil {
		l.oversize(out)
		return buf, nil
	}
	if err != nil {
		return buf, fmt.Errorf("send datagram: %w", err)
	}
	w.took(len(b)+datagramCost, now)
	if out.p != nil {
		l.sent(out, now)
	}
	return buf, nil
}

// sent counts a packet that QUIC took.
func (l *link) sent(out outgoing, now time.Time) {
	n := len(out.p.Data)
	l.rtpOut.Add(int64(n))
	l.m.packetsOut.Inc()
	l.m.bytesOut.Add(float64(n))
	switch {
	case out.copy:
		l.m.repeats.Inc()
	case out.served != nil:
		l.m.wait[out.served.class].Observe(now.Sub(out.p.At).Seconds())
	}
}

// oversize hands a packet that fits no datagram to the goroutine that sends streams.
func (l *link) oversize(out outgoing) {
	select {
	case l.large <- out:
		l.m.large.Inc()
	default:
		l.m.dropped(dropLarge, 1)
	}
}
