package relay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/bench/testmesh"
)

// T is what a row runs for: a stand, or a test.
type T interface {
	testmesh.T
	Failed() bool
}

// A bench is a row that runs: its T, and what it was asked for.
type bench struct {
	T
	cfg Config
	id  string
}

func newBench(t T, cfg Config, id string) *bench { return &bench{t, cfg, id} }

// length returns how long to measure.
func (b *bench) length(own time.Duration) time.Duration {
	if b.cfg.For > 0 {
		return b.cfg.For
	}
	return own
}

// times returns how many faults to cause.
func (b *bench) times() int {
	if b.cfg.Times > 0 {
		return b.cfg.Times
	}
	return 30
}

// tell says how far the row is.
func (b *bench) tell(format string, args ...any) {
	if b.cfg.Stderr != nil {
		note(b.cfg.Stderr, "  "+format, args...)
	}
}

// tellEvery is how often a wait says how far it is.
const tellEvery = 10 * time.Second

// during passes d, saying now and then how far it is; where the run is told to stop, the row ends.
func (b *bench) during(d time.Duration, what string) {
	b.Helper()
	begun := time.Now()
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-end.C:
			return
		case <-tick.C:
			b.tell("%s: %v of %v", what, time.Since(begun).Round(time.Second), d)
		case <-b.Context().Done():
			b.Fatalf("%s: told to stop", what)
		}
	}
}

// until waits for ok, for as long as patience lets it; then the row has failed.
func (b *bench) until(what string, patience time.Duration, ok func() bool) {
	b.Helper()
	testmesh.Until(b, what, patience, ok)
}

// A stand is the T of a row that no test runs.
type stand struct {
	ctx  context.Context
	stop context.CancelFunc
	log  *tail

	mu       sync.Mutex
	cleanups []func()
	failures []string
}

// logKept is how much of a row's log is shown where the row fails.
const logKept = 16 << 10

func newStand(ctx context.Context) *stand {
	s := &stand{log: &tail{max: logKept}}
	s.ctx, s.stop = context.WithCancel(ctx)
	return s
}

// run runs f and then what it left to clean up, last first, and returns when all has ended.
func (s *stand) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.guarded(f)
		s.stop()
		for {
			s.mu.Lock()
			n := len(s.cleanups) - 1
			if n < 0 {
				s.mu.Unlock()
				return
			}
			clean := s.cleanups[n]
			s.cleanups = s.cleanups[:n]
			s.mu.Unlock()
			s.guarded(clean)
		}
	}()
	<-done
}

// guarded runs f to its end or its Fatal; a panic becomes a failure.
func (s *stand) guarded(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				s.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		f()
	}()
	<-done
}

// failure returns what went wrong, empty where nothing did.
func (s *stand) failure() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.failures, "; ")
}

func (s *stand) Helper()                  {}
func (s *stand) Context() context.Context { return s.ctx }
func (s *stand) Output() io.Writer        { return s.log }
func (s *stand) Failed() bool             { return s.failure() != "" }

func (s *stand) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

func (s *stand) TempDir() string {
	dir, err := os.MkdirTemp("", "freshet-bench-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			s.Errorf("clean up: %v", err)
		}
	})
	return dir
}

func (s *stand) Logf(format string, args ...any) { note(s.log, format, args...) }

func (s *stand) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, fmt.Sprintf(format, args...))
}

func (s *stand) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

func (s *stand) Fatal(args ...any) { s.Fatalf("%s", strings.TrimSuffix(fmt.Sprintln(args...), "\n")) }

// A tail keeps the newest bytes written to it, from the beginning of a line on.
type tail struct {
	max int
	mu  sync.Mutex
	b   []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*t.max { // seldom, so that it costs little
		t.b = slices.Clone(newest(t.b, t.max))
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(newest(t.b, t.max))
}

// newest returns the last lines of b that fit into n bytes.
func newest(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	b = b[len(b)-n:]
	return b[bytes.IndexByte(b, '\n')+1:]
}
