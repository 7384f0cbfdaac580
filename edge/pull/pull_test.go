package pull

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/cluster/stream"
)

// source is a Puller with one stream, and a Listener that remembers.
type source struct {
	mu       sync.Mutex
	now      *stream.Stream
	changed  chan struct{}
	err      error
	pulls    int
	releases int
	next     []uint64
	ended    []error
}

func (s *source) Pull(ctx context.Context, _ string) (Lease, error) {
	s.mu.Lock()
	s.pulls++
	now, err := s.now, s.err
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if now == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s, nil
}

func (s *source) Stream() *stream.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *source) Route() []stream.Hop { return []stream.Hop{{Node: "edge-1", Upstream: "origin-1"}} }

func (s *source) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releases++
}

func (s *source) replace(next *stream.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = next
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *source) check(t *testing.T, pulls, releases int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pulls != pulls || s.releases != releases {
		t.Errorf("pulls %d, releases %d, want %d and %d", s.pulls, s.releases, pulls, releases)
	}
}

// Changed and Ended make a Listener of heard.
type heard struct{ *source }

func (h heard) Changed(_ context.Context, _ string, next *stream.Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = append(h.next, next.Epoch)
}

func (h heard) Ended(_ context.Context, _ string, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, why)
}

func epoch(n uint64) *stream.Stream { return stream.New("s", n, nil, nil, func(*stream.Flow) {}) }

// story runs f with a pool over src in a bubble where time is ours. src begins with epoch first, or
// without a stream where that is 0.
func story(t *testing.T, src *source, first uint64, f func(p *Pool)) {
	synctest.Test(t, func(t *testing.T) {
		src.changed = make(chan struct{})
		if first != 0 {
			src.now = epoch(first)
		}
		p := New(src, heard{src}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		synctest.Wait()
		f(p)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := p.Get(context.Background(), "s"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("get after the end: got %v, want %v", err, net.ErrClosed)
		}
	})
}

func get(t *testing.T, p *Pool) *Hold {
	t.Helper()
	h, err := p.Get(context.Background(), "s")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOneLeaseForAll(t *testing.T) {
	src := &source{}
	story(t, src, 1, func(p *Pool) {
		a, b := get(t, p), get(t, p)
		a.Release()
		a.Release() // counts once
		synctest.Wait()
		src.check(t, 1, 0)
		b.Release()
		synctest.Wait()
		src.check(t, 1, 1)
		get(t, p).Release()
		synctest.Wait()
		src.check(t, 2, 2)
	})
}

func TestErrorsReachEveryoneAndAreNotKept(t *testing.T) {
	src := &source{err: ErrUnknownStream}
	story(t, src, 0, func(p *Pool) {
		if _, err := p.Get(context.Background(), "s"); !errors.Is(err, ErrUnknownStream) {
			t.Errorf("got %v, want %v", err, ErrUnknownStream)
		}
		src.mu.Lock()
		src.err, src.now = nil, epoch(1)
		src.mu.Unlock()
		get(t, p).Release()
	})
}

func TestPullEndsWithThoseWhoWait(t *testing.T) {
	src := &source{}
	story(t, src, 0, func(p *Pool) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := p.Get(ctx, "s"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a time-out", err)
		}
		synctest.Wait()
		p.mu.Lock()
		if len(p.entries) != 0 {
			t.Error("an entry is left")
		}
		p.mu.Unlock()
	})
}

func TestEpochsAndEnds(t *testing.T) {
	src := &source{}
	story(t, src, 1, func(p *Pool) {
		h := get(t, p)
		first, second := h.Stream(), epoch(2)
		src.replace(second)
		first.End(stream.ErrNewEpoch)
		synctest.Wait()
		if h.Stream() != second || len(src.next) != 1 || src.next[0] != 2 {
			t.Errorf("epochs told: %v, want [2]", src.next)
		}
		// Lost, and back within its time.
		second.End(stream.ErrLost)
		time.Sleep(lostFor / 2)
		third := epoch(3)
		src.replace(third)
		synctest.Wait()
		if h.Stream() != third || len(src.ended) != 0 {
			t.Errorf("after the return: epoch %d, ended %v", h.Stream().Epoch, src.ended)
		}
		// Lost for good.
		third.End(stream.ErrLost)
		time.Sleep(lostFor + time.Millisecond)
		synctest.Wait()
		if len(src.ended) != 1 || !errors.Is(src.ended[0], stream.ErrLost) {
			t.Errorf("ended: %v, want %v", src.ended, stream.ErrLost)
		}
		h.Release()
	})
	src.check(t, 1, 1)
}

func TestEndIsToldAtOnce(t *testing.T) {
	src := &source{}
	story(t, src, 1, func(p *Pool) {
		h := get(t, p)
		h.Stream().End(stream.ErrEnded)
		synctest.Wait()
		if len(src.ended) != 1 {
			t.Errorf("ended: %v, want one", src.ended)
		}
		h.Release()
	})
}

// A listener who asks for the stream while it hears of the end.
type asking struct {
	heard
	pool *Pool
	over bool
}

func (a *asking) Ended(ctx context.Context, id string, why error) {
	a.heard.Ended(ctx, id, why)
	h, err := a.pool.Get(ctx, id)
	if err != nil {
		return
	}
	a.over = h.Over()
	h.Release()
}

// Nobody gets a new lease of a stream before the end of the old one is told: that goes by the stream's id
// and would send the newcomer away.
func TestEndIsToldBeforeAnyoneStartsAnew(t *testing.T) {
	src := &source{}
	story(t, src, 1, func(p *Pool) {
		a := &asking{heard: heard{src}, pool: p}
		p.listener = a
		h := get(t, p)
		if h.Over() {
			t.Error("over before the end")
		}
		h.Stream().End(stream.ErrEnded)
		synctest.Wait()
		src.check(t, 1, 1)
		if !a.over || !h.Over() {
			t.Error("the end is told, and who holds the stream cannot see it")
		}
		h.Release()
	})
}
