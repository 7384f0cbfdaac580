package agent

import (
	"errors"
	"testing"
	"time"

	pb "freshet/proto"
	"freshet/proto/problem"
)

func TestCheckKey(t *testing.T) {
	closed := Record("closed", "right")
	closed.State = pb.StreamState_STREAM_STATE_CLOSED
	state := NewState(Record("open", "right"), closed)
	for _, c := range []struct {
		name   string
		state  *State
		stream string
		bearer string
		status int // 0 lets in
	}{
		{"right key", state, "open", "right", 0},
		{"no key", state, "open", "", 401},
		{"wrong key", state, "open", "wrong", 401},
		{"longer key", state, "open", "right ", 401},
		{"key of a closed stream", state, "closed", "right", 403},
		{"wrong key of a closed stream", state, "closed", "wrong", 401},
		{"unknown stream", state, "other", "right", 404},
		{"no key, unknown stream", state, "other", "", 401},
		{"nothing heard yet", NewState(), "open", "right", 503},
	} {
		t.Run(c.name, func(t *testing.T) { wantStatus(t, c.state.CheckKey(c.stream, c.bearer), c.status) })
	}
}

func TestCheckViewer(t *testing.T) {
	guarded := Record("guarded", "key")
	guarded.Open = false
	state := NewState(Record("open", "key"), guarded)
	for _, c := range []struct {
		name   string
		state  *State
		stream string
		bearer string
		status int
	}{
		{"open, no token", state, "open", "", 0},
		{"open, any token", state, "open", "whatever", 0},
		{"guarded, no token", state, "guarded", "", 401},
		{"guarded, a token no key has signed", state, "guarded", "eyJhbGciOiJub25lIn0.e30.", 401},
		{"guarded, the stream key", state, "guarded", "key", 401},
		{"unknown", state, "other", "", 404},
		{"nothing heard yet", NewState(), "open", "", 503},
	} {
		t.Run(c.name, func(t *testing.T) { wantStatus(t, c.state.CheckViewer(c.stream, c.bearer), c.status) })
	}
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var p *problem.Problem
	switch {
	case status == 0 && err != nil:
		t.Fatalf("got %v, want to be let in", err)
	case status == 0:
	case !errors.As(err, &p) || p.Status != status:
		t.Fatalf("got %v, want a problem with status %d", err, status)
	case status == 503 && p.RetryAfter != time.Second:
		t.Fatalf("got Retry-After %s, want 1s", p.RetryAfter)
	}
}

func TestDeltas(t *testing.T) {
	s := NewState()
	s.replace(&pb.Snapshot{Version: 5, Streams: []*pb.StreamRecord{Record("a", "1"), Record("b", "1")}})
	for _, d := range []*pb.Delta{
		{From: 4, To: 6, Gone: []string{"a"}}, // of the past
		{From: 6, To: 7, Gone: []string{"a"}}, // one is missing between
		{From: 5, To: 5, Gone: []string{"a"}}, // leads nowhere
	} {
		if err := s.change(d); !errors.Is(err, errGap) {
			t.Errorf("delta %d to %d: got %v, want errGap", d.From, d.To, err)
		}
	}
	if _, ok := s.Stream("a"); !ok || s.Version() != 5 {
		t.Fatal("a refused delta changed the state")
	}
	if err := s.change(&pb.Delta{From: 5, To: 8, Streams: []*pb.StreamRecord{Record("b", "2"), Record("c", "1")}, Gone: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Stream("a"); ok || s.Version() != 8 {
		t.Errorf("a is still there, or version %d is not 8", s.Version())
	}
	wantStatus(t, s.CheckKey("b", "1"), 401)
	wantStatus(t, s.CheckKey("b", "2"), 0)
	wantStatus(t, s.CheckKey("c", "1"), 0)
	// Forgetting the version keeps what is in use.
	s.forget()
	wantStatus(t, s.CheckKey("c", "1"), 0)
}
