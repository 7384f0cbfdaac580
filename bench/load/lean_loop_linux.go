package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/stun"
	"golang.org/x/sys/unix"
)

const (
	leanTick   = 10 * time.Millisecond // how late a check, a report or a NACK is at most
	leanEvents = 256                   // sockets one wait returns
	leanCalls  = 1024                  // calls that wait for a loop
)

// A leanLoop owns its viewers, their sockets and all that is reused from one packet to the next. Others reach
// it by do.
type leanLoop struct {
	filtered bool
	mischief Mischief
	epoll    int
	wake     int // an eventfd
	calls    chan func(now time.Time)

	viewers []*leanViewer
	byFD    map[int32]*leanViewer
	leaving bool      // records are as they will be: what still comes is not looked at
	steady  bool      // the steady window is open
	delays  histogram // of its packets, since it was cut last
	past    histogram // of those before

	reader *leanReader
	events [leanEvents]unix.EpollEvent
	plain  []byte // an opened packet
	header rtp.Header
	in     stun.Message
	out    stun.Message

	setters [8]stun.Setter
	holes   [mostNACK]uint16
}

func newLeanLoop(cfg SwarmConfig) (*leanLoop, error) {
	l := &leanLoop{
		filtered: cfg.mode() == ModeFiltered, mischief: cfg.Misbehave, calls: make(chan func(time.Time), leanCalls), byFD: map[int32]*leanViewer{},
		reader: newLeanReader(), plain: make([]byte, 0, leanRead),
	}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err == nil {
		err = l.listen(l.wake)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(l.epoll))
	}
	return l, nil
}

func (l *leanLoop) listen(fd int) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (l *leanLoop) close() error { return errors.Join(unix.Close(l.wake), unix.Close(l.epoll)) }

// do has f done by the loop, in the order of calls. It may be called while run runs, from anywhere but the loop.
func (l *leanLoop) do(f func(now time.Time)) {
	l.calls <- f
	l.poke()
}

func (l *leanLoop) poke() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(l.wake, one[:]) // full: it is awake already
}

// run serves until ctx ends.
func (l *leanLoop) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.poke)
	defer stop()
	defer func() { l.clear(time.Now()) }()
	next := time.Now().Add(leanTick)
	for ctx.Err() == nil {
		wait := -1
		if !l.leaving {
			wait = max(0, int(time.Until(next)/time.Millisecond)+1)
		}
		n, err := unix.EpollWait(l.epoll, l.events[:], wait)
		if err != nil && !errors.Is(err, unix.EINTR) {
			err = fmt.Errorf("epoll: %w", err)
			l.broken(ctx, err)
			return err
		}
		now := time.Now()
		for _, e := range l.events[:max(0, n)] {
			if v := l.byFD[e.Fd]; v != nil {
				l.read(v, now)
			}
		}
		l.called()
		if now = time.Now(); !now.Before(next) && !l.leaving {
			for i := len(l.viewers) - 1; i >= 0; i-- { // backwards: one that ends gives its place to the last
				l.tick(l.viewers[i], now)
			}
			next = now.Add(leanTick)
		}
	}
	return nil
}

// called does what others asked for.
func (l *leanLoop) called() {
	var count [8]byte
	_, _ = unix.Read(l.wake, count[:]) // nothing there: nobody asked
	for {
		select {
		case f := <-l.calls:
			f(time.Now())
		default:
			return
		}
	}
}

// broken goes on answering calls without sockets, so that nobody waits for ever.
func (l *leanLoop) broken(ctx context.Context, err error) {
	for len(l.viewers) > 0 {
		l.end(l.viewers[0], EndSelf, err.Error())
	}
	for {
		select {
		case f := <-l.calls:
			f(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

// add takes v in: from here on its packets are read, and its checks sent.
func (l *leanLoop) add(v *leanViewer, x *exchange, now time.Time) {
	v.http = x
	v.place = len(l.viewers)
	l.viewers = append(l.viewers, v)
	l.byFD[int32(v.fd)] = v
	v.heard, v.checkAt = now, now
	if err := l.listen(v.fd); err != nil {
		l.end(v, EndSelf, err.Error())
		return
	}
	l.tick(v, now)
}

// end takes v out; its record is whole then.
func (l *leanLoop) end(v *leanViewer, why End, detail string) {
	if v.place < 0 {
		return
	}
	if l.steady {
		v.endSteady()
	}
	v.finish(why, detail)
	last := l.viewers[len(l.viewers)-1]
	l.viewers[v.place], last.place = last, v.place
	l.viewers[len(l.viewers)-1] = nil
	l.viewers = l.viewers[:len(l.viewers)-1]
	v.place = -1
	delete(l.byFD, int32(v.fd))
	v.conn.detach() // before the number of its socket may become another's
	_ = unix.Close(v.fd)
	if why.failed() && v.seat.record.FirstPicture > 0 {
		v.seat.counts.ended.Add(1)
	}
	close(v.ended)
}

// fail ends v, which did not come to a picture for err, or because ctx has ended.
func (l *leanLoop) fail(ctx context.Context, v *leanViewer, err error) {
	if v.place < 0 || v.seat.record.FirstPicture > 0 {
		return // it has ended by itself, or the picture came just now
	}
	v.http = nil // who joins says goodbye
	v.seat.record.fail(ctx, err)
	l.end(v, v.seat.record.End, v.seat.record.Detail)
}

// part stops looking at what comes and returns the sessions that the server still has.
func (l *leanLoop) part(time.Time) []*exchange {
	l.leaving = true
	var all []*exchange
	for _, v := range l.viewers {
		if v.http != nil {
			all = append(all, v.http)
		}
	}
	return all
}

// clear ends all viewers.
func (l *leanLoop) clear(time.Time) {
	for len(l.viewers) > 0 {
		l.end(l.viewers[len(l.viewers)-1], EndStopped, "")
	}
}

// begin opens the steady window.
func (l *leanLoop) begin(time.Time) {
	l.steady = true
	l.delays, l.past = histogram{}, histogram{}
	for _, v := range l.viewers {
		v.beginSteady()
	}
}

// cut returns the delays since it was opened or cut last.
func (l *leanLoop) cut() histogram {
	piece := l.delays
	l.past.merge(&piece)
	l.delays = histogram{}
	return piece
}

// finish closes it.
func (l *leanLoop) finish(time.Time) {
	l.steady = false
	for _, v := range l.viewers {
		v.endSteady()
	}
}
