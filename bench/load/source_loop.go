package load

import (
	"errors"
	"io"
	"time"

	"freshet/cluster/stream"
)

// loop plays what open returns again and again. A round lasts as long as its picture, or its sound where
// there is no picture; where sound runs over the end of a round, the next one's begins a little late.
type loop struct {
	open   func() (source, error)
	now    source
	offset time.Duration // of this round
	played bool          // this round gave a frame
	heads  []head        // of each track
}

// A head is how far a track has been played, in the time of the loop.
type head struct {
	seen        bool
	first, last time.Duration // its first and its newest frame
	step        time.Duration // between its two newest
}

func newLoop(open func() (source, error)) (*loop, error) {
	s, err := open()
	if err != nil {
		return nil, err
	}
	return &loop{open: open, now: s, heads: make([]head, len(s.tracks()))}, nil
}

func (l *loop) tracks() []track { return l.now.tracks() }

func (l *loop) close() error { return l.now.close() }

func (l *loop) next() (frame, error) {
	for {
		f, err := l.now.next()
		if errors.Is(err, io.EOF) {
			err = l.restart()
			if err == nil {
				continue
			}
		}
		if err != nil {
			return frame{}, err
		}
		l.played = true
		f.at += l.offset
		h := &l.heads[f.track]
		switch {
		case !h.seen:
			h.seen, h.first = true, f.at
		case l.offset > 0 && f.at < h.last+h.step/2:
			continue // what the round before has said already
		default:
			h.step = f.at - h.last
		}
		h.last = f.at
		return f, nil
	}
}

func (l *loop) restart() error {
	lead := 0
	for i, t := range l.tracks() {
		if t.kind == stream.Video {
			lead = i
		}
	}
	h := l.heads[lead]
	if !l.played || !h.seen || h.step <= 0 {
		return errors.New("nothing to loop: the input has fewer than two frames")
	}
	if err := l.now.close(); err != nil {
		return err
	}
	s, err := l.open()
	if err != nil {
		return err
	}
	l.now, l.played = s, false
	l.offset = h.last + h.step - h.first
	if len(s.tracks()) != len(l.heads) {
		return errors.New("the input changed while it was played")
	}
	return nil
}
