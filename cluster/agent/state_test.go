package agent

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	pb "freshet/proto"
	"freshet/proto/problem"
	"freshet/proto/token"
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
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	mint := func(c token.Claims, at time.Time) string {
		text, _, err := token.NewMinter("k1", key).Mint(c, at)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	guarded := Record("guarded", "key")
	guarded.Event, guarded.Open, guarded.ViewerEpoch = "launch", false, 2
	hidden := Record("hidden", "key")
	hidden.Event, hidden.Hidden = "launch", true
	good := mint(token.Claims{Session: "s1", Event: "launch", Epoch: 2}, now)
	state := NewState()
	state.replace(&pb.Snapshot{
		Version: 1, Streams: []*pb.StreamRecord{Record("open", "key"), guarded, hidden}, Revoked: []string{"s2"},
		TokenKeys: []*pb.PublicKey{{Id: "k0", Ed25519: []byte("short")}, {Id: "k1", Ed25519: key.Public().(ed25519.PublicKey)}},
	})
	for _, c := range []struct {
		name    string
		state   *State
		stream  string
		bearer  string
		status  int
		session string
	}{
		{"open, no token", state, "open", "", 0, ""},
		{"open, any token", state, "open", "whatever", 0, ""},
		{"no token", state, "guarded", "", 401, ""},
		{"a good token", state, "guarded", good, 0, "s1"},
		{"of a newer epoch", state, "guarded", mint(token.Claims{Session: "s1", Event: "launch", Epoch: 3}, now), 0, "s1"},
		{"of an older epoch", state, "guarded", mint(token.Claims{Session: "s1", Event: "launch", Epoch: 1}, now), 401, ""},
		{"of another event", state, "guarded", mint(token.Claims{Session: "s1", Event: "party", Epoch: 2}, now), 404, ""},
		{"revoked", state, "guarded", mint(token.Claims{Session: "s2", Event: "launch", Epoch: 2}, now), 401, ""},
		{"expired", state, "guarded", mint(token.Claims{Session: "s1", Event: "launch", Epoch: 2}, now.Add(-time.Hour)), 401, ""},
		{"without a signature", state, "guarded", "eyJhbGciOiJub25lIn0.e30.", 401, ""},
		{"the stream key", state, "guarded", "key", 401, ""},
		{"8 KiB", state, "guarded", strings.Repeat("a", 8<<10), 401, ""},
		{"not there yet", state, "hidden", good, 404, ""},
		{"unknown", state, "other", "", 404, ""},
		{"nothing heard yet", NewState(), "open", "", 503, ""},
		{"no key heard", NewState(guarded), "guarded", good, 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			session, err := c.state.CheckViewer(c.stream, c.bearer, now)
			wantStatus(t, err, c.status)
			if session != c.session {
				t.Errorf("session %q, want %q", session, c.session)
			}
		})
	}
}

// Keys and revoked sessions change by deltas, and are on disk with the rest.
func TestTokens(t *testing.T) {
	s := NewState()
	s.replace(&pb.Snapshot{Version: 5, Revoked: []string{"s1"}})
	check := func(what string, s *State, keys int, revoked ...string) {
		t.Helper()
		for _, id := range []string{"s1", "s2"} {
			if got := s.isRevoked(token.Claims{Session: id}); got != slices.Contains(revoked, id) {
				t.Errorf("%s: %s revoked: %v", what, id, got)
			}
		}
		if len(s.keys) != keys {
			t.Errorf("%s: %d keys, want %d", what, len(s.keys), keys)
		}
	}
	check("snapshot", s, 0, "s1")
	one := &pb.PublicKey{Id: "k1", Ed25519: make([]byte, ed25519.PublicKeySize)}
	for i, d := range []*pb.Delta{
		{TokenKeys: &pb.TokenKeys{Keys: []*pb.PublicKey{one}}, Revoked: []string{"s2"}},
		{Over: []string{"s1"}},
	} {
		d.From, d.To = uint64(5+i), uint64(6+i)
		if err := s.change(d); err != nil {
			t.Fatal(err)
		}
	}
	check("deltas", s, 1, "s2")
	again := NewState()
	again.replace(s.snapshot())
	check("from disk", again, 1, "s2")
	if err := s.change(&pb.Delta{From: 7, To: 8, TokenKeys: &pb.TokenKeys{}}); err != nil {
		t.Fatal(err)
	}
	check("no key counts", s, 0, "s2")
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

func BenchmarkCheckViewer(b *testing.B) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	now := time.Now()
	text, _, err := token.NewMinter("k1", key).Mint(token.Claims{Session: "s1", Event: "launch"}, now)
	if err != nil {
		b.Fatal(err)
	}
	r := Record("guarded", "key")
	r.Event, r.Open = "launch", false
	s := NewState()
	s.replace(&pb.Snapshot{Streams: []*pb.StreamRecord{r}, TokenKeys: []*pb.PublicKey{{Id: "k1", Ed25519: key.Public().(ed25519.PublicKey)}}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.CheckViewer("guarded", text, now); err != nil {
			b.Fatal(err)
		}
	}
}
