package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/proto/rtpq"
)

const maxLarge = 64 // packets too large for a datagram, waiting for a stream each

// sendDatagrams empties the link's queue into its connection. SendDatagram blocks while QUIC's window is
// closed: then packets wait in their rings, not here.
func (l *link) sendDatagrams(ctx context.Context) error {
	buf := make([]byte, 0, 2048)
	for {
		now := time.Now()
		out, ok := l.queue.take(now)
		if !ok {
			select {
			case <-l.queue.wake:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		b := out.raw
		if out.p != nil {
			buf = rtpq.AppendDatagram(buf[:0], out.flow, out.p.Data)
			b = buf
		}
		err := l.conn.SendDatagram(b)
		var large *quic.DatagramTooLargeError
		if errors.As(err, &large) && out.p != nil {
			l.oversize(out)
			continue
		}
		if err != nil {
			return fmt.Errorf("send datagram: %w", err)
		}
		if out.p != nil {
			l.sent(out, now)
		}
	}
}

// sent counts a packet that QUIC took.
func (l *link) sent(out outgoing, now time.Time) {
	n := len(out.p.Data)
	l.rtpOut.Add(int64(n))
	l.m.packetsOut.Inc()
	l.m.bytesOut.Add(float64(n))
	if out.served != nil {
		l.m.wait.Observe(now.Sub(out.p.At).Seconds())
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
