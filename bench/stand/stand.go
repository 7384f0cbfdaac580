package stand

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
)

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
