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

	datagramCost = 40 // bytes of QUIC around a datagram, the acknowledgements it brings included
)

// sendDatagrams takes from the link's queue into connection c. SendDatagram blocks while QUIC's window is
// closed and 32 datagrams wait: so a connection whose window is taken carries audio and what is urgent alone,
// and the rest waits in its rings, for another connection or for room.
func (l *link) sendDatagrams(ctx context.Context, c *conn) error {
	me, q := newSender(), l.queue
	defer q.turns.leave(me)
	w := window{}
	buf := make([]byte, 0, 2048)
	for busy := false; q.turns.wait(ctx, me, busy, w.slotTime()); {
		for {
			select {
			case <-c.retired:
				return nil
			default:
			}
			now := time.Now()
			w.look(c.quic, now)
			busy = w.room(now) <= 0
			if me.n >= turnPackets || !q.turns.mine(me) || busy && q.turns.roomier() {
				q.turns.pass()
				break
			}
			out, ok := q.take(now, busy)
			if !ok {
				if busy {
					q.turns.pass() // another may have room
				}
				break
			}
			var err error
			me.sending.Store(now.UnixNano())
			buf, err = l.send(c, out, buf, &w, now)
			me.sending.Store(0)
			me.n++
			if err != nil {
				return err
			}
		}
	}
	return nil
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
