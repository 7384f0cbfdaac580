package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"freshet/bench/load"
	"freshet/cluster/stream"
)

const (
	// A publisher that comes while the sample is on the air is its warm backup at first. By the end of
	// yieldAfter its ICE and DTLS are done, so that it is on the air as soon as the sample leaves.
	yieldAfter = time.Second

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
	others chan struct{} // someone else has opened a session
}

const sampleMark = "from=sample"

// watch tells the sampler of other publishers: it looks at what passes to the origin's handler next.
func (s *sampler) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.RawQuery == sampleMark || strings.TrimPrefix(r.URL.Path, "/whip/") != s.id {
			next.ServeHTTP(w, r)
			return
		}
		seen := &statusSeen{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		if seen.status == http.StatusCreated {
			select {
			case s.others <- struct{}{}:
			default: // the sampler knows already
			}
		}
	})
}

type statusSeen struct {
	http.ResponseWriter
	status int
}

func (s *statusSeen) WriteHeader(status int) {
	if s.status == 0 || s.status < 200 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *statusSeen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

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
		select {
		case <-ctx.Done():
			return
		case <-s.others:
		}
		s.log.Info("sample makes way for another publisher", "stream", s.id)
		select {
		case <-ctx.Done():
		case <-time.After(yieldAfter):
			stop()
		}
	}()
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
