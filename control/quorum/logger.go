package quorum

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	linesPerSecond = 10  // of one message; the rest is counted
	maxMessages    = 512 // that are told apart; Raft's are constants, some 150
)

// newLogger returns a logger for Raft that writes to log.
func newLogger(log *slog.Logger, m *metrics, now func() time.Time) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(&sink{log: log, m: m, now: now, said: map[string]*lines{}})
	return l
}

// A sink takes what Raft logs, from any goroutine.
type sink struct {
	log  *slog.Logger
	m    *metrics
	now  func() time.Time
	mu   sync.Mutex
	said map[string]*lines
}

// lines are those of one message in one second.
type lines struct {
	second int64
	n      int
}

// Accept implements hclog.SinkAdapter.
func (s *sink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	to := slogLevel(level)
	if !s.log.Enabled(context.Background(), to) {
		return
	}
	if !s.may(msg) {
		s.m.unsaid.Inc()
		return
	}
	for i, a := range args {
		if f, ok := a.(hclog.Format); ok && len(f) > 0 {
			args[i] = f[0] // a text for Printf
		}
	}
	s.log.Log(context.Background(), to, "raft: "+msg, args...)
}

// may counts a line of msg, and says whether it is one of the first of its second.
func (s *sink) may(msg string) bool {
	second := s.now().Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.said[msg]
	if l == nil {
		if len(s.said) >= maxMessages {
			clear(s.said)
		}
		l = &lines{}
		s.said[msg] = l
	}
	if l.second != second {
		*l = lines{second: second}
	}
	l.n++
	return l.n <= linesPerSecond
}

// slogLevel makes Raft's words ours: what it calls an error is a peer that does not answer, and was handled.
func slogLevel(l hclog.Level) slog.Level {
	switch l {
	case hclog.Error, hclog.Warn:
		return slog.LevelWarn
	case hclog.Info:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}
