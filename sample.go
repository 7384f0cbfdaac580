package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"freshet/bench/load"
	"freshet/cluster/stream"
)

const (
	// A publisher that comes while the sample is on the air is its warm backup at first. By the end of
	// yieldAfter its ICE and DTLS are done, so that it is on the air as soon as the sample leaves.
	yieldAfter = time.Second
	// One that could not be its backup (other codecs or layers) waits for it to leave, this long at most.
	yieldWithin = 3 * time.Second

	maxOffer = 64 << 10 // bytes of an offer kept to be sent again; the origin refuses longer ones

	quietFor    = 3 * time.Second // without media before the sample comes (back)
	sampleRetry = 10 * time.Second
)

// A sampler publishes the sample while nobody else publishes to its stream.
type sampler struct {
	id     string
	url    string // WHIP endpoint
	key    string
	table  *stream.Table // of the origin
	log    *slog.Logger
	others chan time.Duration // someone else is here: after how long to leave

	mu  sync.Mutex
	off chan struct{} // closed when the sample on the air has left; nil while it is not there
}

func newSampler(id, key string, log *slog.Logger) *sampler {
	return &sampler{id: id, key: key, log: log, others: make(chan time.Duration, 1)}
}

const sampleMark = "from=sample"

// watch tells the sampler of other publishers: it looks at what passes to the origin's handler next.
func (s *sampler) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.RawQuery == sampleMark || strings.TrimPrefix(r.URL.Path, "/whip/") != s.id {
			next.ServeHTTP(w, r)
			return
		}
		offer, err := io.ReadAll(io.LimitReader(r.Body, maxOffer+1))
		rest := r.Body
		body := func() io.ReadCloser {
			if err != nil {
				return rest // it says again what went wrong
			}
			return io.NopCloser(io.MultiReader(bytes.NewReader(offer), rest))
		}
		r.Body = body()
		a := newAnswer()
		next.ServeHTTP(a, r)
		if a.status == http.StatusConflict && s.leave(r.Context()) {
			r.Body = body()
			a = newAnswer()
			next.ServeHTTP(a, r)
		}
		if a.status == http.StatusCreated {
			s.tell(yieldAfter)
		}
		a.copyTo(w)
	})
}

// tell has the sample leave after a while.
func (s *sampler) tell(after time.Duration) {
	select {
	case s.others <- after:
	default: // the sampler knows already
	}
}

// leave has the sample leave at once, and says whether it was there and has left.
func (s *sampler) leave(ctx context.Context) bool {
	s.mu.Lock()
	off := s.off
	s.mu.Unlock()
	if off == nil {
		return false
	}
	s.tell(0)
	ctx, stop := context.WithTimeout(ctx, yieldWithin)
	defer stop()
	select {
	case <-off:
		return true
	case <-ctx.Done():
		return false
	}
}

// onAir notes that the sample is there. What it returns notes that it has left.
func (s *sampler) onAir() (left func()) {
	off := make(chan struct{})
	s.mu.Lock()
	s.off = off
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.off = nil
		s.mu.Unlock()
		close(off)
	}
}

// An answer is kept until it is known that it is the one to send.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}, status: http.StatusOK} }

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *answer) copyTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // a peer that is gone is reaped as unfinished
}

// Run publishes until ctx ends, starting again with a growing pause when it is cut off.
func (s *sampler) Run(ctx context.Context) error {
	pause := 100 * time.Millisecond
	for first := true; ; first = false {
		if !first && !s.quiet(ctx) {
			return nil
		}
		begun := time.Now()
		err := s.publish(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.log.Warn("sample cut off", "err", err)
		}
		if time.Since(begun) > sampleRetry {
			pause = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, sampleRetry)
	}
}

// publish sends the sample until it is cut off, which is an error, or has made way for someone, which is none.
func (s *sampler) publish(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	select {
	case <-s.others: // told of before the sample began; quiet has seen them leave
	default:
	}
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		var after time.Duration
		select {
		case <-ctx.Done():
			return
		case after = <-s.others:
		}
		s.log.Info("sample makes way for another publisher", "stream", s.id)
		select {
		case <-ctx.Done():
		case <-time.After(after):
			stop()
		}
	}()
	defer s.onAir()()
	err := load.Publish(ctx, load.PublishConfig{URL: s.url + "?" + sampleMark, Key: s.key}, s.log)
	stop()
	<-watch
	return err
}

// quiet waits until the stream had no media for quietFor. It returns false where ctx ended first.
func (s *sampler) quiet(ctx context.Context) bool {
	tick := time.NewTicker(quietFor / 10)
	defer tick.Stop()
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			return false
		case now := <-tick.C:
			if st := s.table.Get(s.id); st != nil && st.Err() == nil && st.Live(now) {
				since = now
			}
			if now.Sub(since) >= quietFor {
				return true
			}
		}
	}
}
