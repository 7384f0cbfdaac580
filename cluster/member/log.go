package member

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	lineRate = 10 // lines a second of one message
	maxLines = 64 // different messages that are told apart; further ones share one allowance
)

// A scribe is where memberlist logs to. It passes lines on to slog, each kind at most lineRate times a second, and reads in
// them what memberlist tells nowhere else: why it refused a packet, and whom it suspects.
type scribe struct {
	log     *slog.Logger
	m       *metrics
	suspect func(member string)
	now     func() time.Time

	mu    sync.Mutex
	since time.Time
	lines map[string]int // in the second that began at since
}

// Write takes one line of memberlist's.
func (s *scribe) Write(b []byte) (int, error) {
	level, text := slog.LevelInfo, strings.TrimSpace(string(b))
	for prefix, l := range map[string]slog.Level{"[DEBUG]": slog.LevelDebug, "[INFO]": slog.LevelInfo, "[WARN]": slog.LevelWarn, "[ERR]": slog.LevelWarn} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			level, text = l, strings.TrimPrefix(strings.TrimSpace(rest), "memberlist: ")
		}
	}
	s.read(text)
	if !s.log.Enabled(context.Background(), level) {
		return len(b), nil
	}
	if !s.may(kind(text)) {
		s.m.unlogged.Inc()
		return len(b), nil
	}
	s.log.Log(context.Background(), level, "gossip", "err", text)
	return len(b), nil
}

// read counts what a line says. Tests hold each of these texts to the version of memberlist in use.
func (s *scribe) read(text string) {
	if rest, ok := strings.CutPrefix(text, "Suspect "); ok {
		name, _, _ := strings.Cut(rest, " ")
		s.suspect(name)
		return
	}
	for _, one := range []struct {
		text string
		why  refusal
	}{
		{"no installed keys could decrypt", wrongKey},
		{"unsupported encryption version", clearText},
		{"payload is too small to decrypt", clearText},
		{"remote state is not encrypted", clearText},
		{"handler queue full", queueFull},
		{"ailed to decode", badFormat},
		{"not supported", badFormat},
		{"Got invalid checksum", badFormat},
		{"missing message type", badFormat},
		{"Failed to read remote state", badFormat},
		{"Failed to receive user message", badFormat},
		{"Received invalid msgType", badFormat},
		{"failed to receive: ", badFormat},
	} {
		if strings.Contains(text, one.text) {
			s.m.refuse(one.why)
			return
		}
	}
}

// may tells whether one more line of its kind is written in this second.
func (s *scribe) may(kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); now.Sub(s.since) >= time.Second || now.Before(s.since) {
		s.since, s.lines = now, map[string]int{}
	}
	if _, ok := s.lines[kind]; !ok && len(s.lines) >= maxLines {
		kind = ""
	}
	s.lines[kind]++
	return s.lines[kind] <= lineRate
}

// kind is the beginning of a message, without the names and numbers in it.
func kind(text string) string {
	words := strings.Fields(text)
	kept := make([]string, 0, 3)
	for _, w := range words {
		if len(kept) == 3 {
			break
		}
		if !strings.ContainsAny(w, "0123456789/'") {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}
