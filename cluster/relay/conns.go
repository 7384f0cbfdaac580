package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/cluster/shim"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	narrowFor   = 5 * time.Second  // that long, and a connection is opened anew ...
	renewEvery  = 10 * time.Second // ... one of a link at a time
	narrowShort = time.Second      // both, where all windows together do not carry what should go
	freshWindow = 32 * 1200        // bytes; QUIC begins with no less
)

// A narrowing knows which connections have been too narrow, and since when. It is owned by the handler's
// serve loop.
type narrowing struct {
	since [rtpq.MaxConns]time.Time
	last  time.Time // when one was to be renewed
}

// keep has connection index there until ctx ends: it dials, and dials anew when the connection is gone or
// upstream asks for it.
func (l *link) keep(ctx context.Context, index int) {
	var b backoff
	for ctx.Err() == nil {
		c, err := l.dial(ctx, index)
		if err != nil {
			l.log.Debug("no further connection", "index", index, "err", err)
			b.pause(ctx, 0)
			continue
		}
		select {
		case l.joins <- c:
		case <-ctx.Done():
			closeConn(c.quic, l.m, nil, true)
			return
		}
		select {
		case <-c.quic.Context().Done():
			b.pause(ctx, time.Since(c.since))
		case <-l.renews[index]:
		case <-ctx.Done():
		}
	}
}

// renew has connection index dialled anew, as upstream asks. Connection 0 carries control and stays; who asks
// more often than it may is not heard.
func (l *link) renew(index int, now time.Time) {
	if index < 1 || index >= len(l.renews) || now.Sub(l.renewed) < narrowShort/2 {
		return
	}
	l.renewed = now
	select {
	case l.renews[index] <- struct{}{}:
	default:
	}
}

// place puts c where it belongs, and retires what was there.
func (l *link) place(c *conn) {
	l.mu.Lock()
	old := l.conns[c.index()]
	l.conns[c.index()] = c
	l.mu.Unlock()
	if old != nil {
		close(old.retired)
		l.m.renewed.Inc()
	}
}

// leave takes c out, if it is still in.
func (l *link) leave(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns[c.index()] == c {
		l.conns[c.index()] = nil
	}
}

// idle reads the control stream of a further connection: there is nothing to come.
func (c *conn) idle() error {
	_, err := c.in.Next()
	switch {
	case err == nil:
		return broke(rtpq.CodePacket, "control message on connection %d", c.index())
	case errors.Is(err, io.EOF):
		return broke(rtpq.CodeStream, "control stream of connection %d ended", c.index())
	}
	return fmt.Errorf("read control: %w", err)
}

// all returns the connections that there are, by index.
func (l *link) all() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*conn
	for _, c := range l.conns {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

// openStream opens a stream on the connection with the widest window.
func (l *link) openStream(ctx context.Context, urgency int8) (*quic.SendStream, error) {
	best, most := l.main, uint64(0)
	for _, c := range l.all() {
		if w := c.quic.ConnectionStats().CongestionWindow; w > most {
			best, most = c, w
		}
	}
	return best.openStream(ctx, urgency)
}

func (c *conn) openStream(ctx context.Context, urgency int8) (*quic.SendStream, error) {
	ctx, stop := context.WithTimeout(ctx, groupPatience)
	defer stop()
	s, err := c.quic.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	s.SetPriority(urgency, true)
	return s, nil
}

// path returns what the repair layer knows of the way to the peer; ok is false where it knows nothing.
func (l *link) path() (p shim.Path, ok bool) {
	if l.shim == nil {
		return shim.Path{}, false
	}
	return l.shim.Path(l.main.remote())
}

// signs returns how long ago anything came from the peer, and how long ago it last answered a PING; that is
// 0 where the peer has no repair layer.
func (l *link) signs(now time.Time) (heard, answered time.Duration) {
	p, ok := l.path()
	heard = now.Sub(later(p.Heard, l.began))
	if ok && !p.Plain {
		answered = now.Sub(later(p.Answered, l.began))
	}
	return heard, answered
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (l *link) setRepair(on bool) {
	if l.shim != nil {
		l.shim.SetRepair(l.main.remote(), on)
	}
}

// probe has padding sent; see shim.Conn.Probe.
func (l *link) probe(bytes int, over time.Duration) bool {
	return l.shim != nil && l.shim.Probe(l.main.remote(), bytes, over)
}

// sample refreshes the round trip that others read, and looks whether the link has the connections it
// should have. The handler's serve loop calls it.
func (l *link) sample(now time.Time) {
	rtt := l.main.quic.ConnectionStats().SmoothedRTT
	if p, ok := l.path(); ok && p.RTT > 0 {
		rtt = p.RTT // fresher, and without the time for which acknowledgements are held
	}
	l.rtt.Store(int64(rtt))
	l.m.rtt.Observe(rtt.Seconds())
	if l.version > rtpq.VersionOne && !l.dialled {
		l.widenWindows(now, rtt)
	}
}

// widenWindows asks the dialler to open a connection anew whose window has for long been too narrow for its
// share, while the path itself is not full: a fresh one begins wider.
func (l *link) widenWindows(now time.Time, rtt time.Duration) {
	var windows [rtpq.MaxConns]float64
	for _, c := range l.all() {
		windows[c.index()] = float64(c.quic.ConnectionStats().CongestionWindow)
	}
	if i := l.narrow.step(now, windows, float64(l.wanted.Load())*rtt.Seconds(), l.quiet.Load()); i > 0 {
		l.say(&pb.RelayMessage{Body: &pb.RelayMessage_Renew{Renew: &pb.Renew{Index: uint32(i)}}})
	}
}

// step returns the connection to renew, 0 for none. windows are by index, 0 where there is no connection; need
// is what should be in flight. Both are bytes. Connection 0 is never renewed: its window takes less of the
// rest by itself, and control fits into any.
func (n *narrowing) step(now time.Time, windows [rtpq.MaxConns]float64, need float64, quiet bool) int {
	conns, sum := 0, 0.0
	for _, w := range windows {
		if w > 0 {
			conns++
			sum += w
		}
	}
	bound, patience, every := min(need/float64(max(conns, 1))/2, freshWindow), narrowFor, renewEvery
	if sum < need {
		bound, patience, every = freshWindow, narrowShort, narrowShort
	}
	worst := 0
	for i := 1; i < len(windows); i++ {
		switch {
		case !quiet || windows[i] == 0 || windows[i] >= bound:
			n.since[i] = time.Time{}
		case n.since[i].IsZero():
			n.since[i] = now
		case now.Sub(n.since[i]) >= patience && (worst == 0 || windows[i] < windows[worst]):
			worst = i
		}
	}
	if worst == 0 || now.Sub(n.last) < every {
		return 0
	}
	n.since[worst], n.last = time.Time{}, now
	return worst
}
