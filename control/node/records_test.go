package node

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"freshet/cluster/agent"
	pb "freshet/proto"
)

// TestSince follows random changes by what Since says, from random versions, and must end where the
// records are.
func TestSince(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRecords(agent.Record("s0", "k"))
		held, version := map[string]*pb.StreamRecord{}, uint64(0)
		revoked, keys := map[string]bool{}, ""
		keyed := func(all []*pb.PublicKey) {
			if keys = ""; len(all) > 0 {
				keys = all[0].Id
			}
		}
		follow := func() {
			m, to := r.Since(version)
			if n := m.GetSnapshot(); n != nil {
				held = map[string]*pb.StreamRecord{}
				for _, s := range n.Streams {
					held[s.Id] = s
				}
				revoked = map[string]bool{}
				for _, id := range n.Revoked {
					revoked[id] = true
				}
				keyed(n.TokenKeys)
			}
			if d := m.GetDelta(); d != nil {
				if d.From != version || d.To != to {
					t.Fatalf("delta %d to %d, want %d to %d", d.From, d.To, version, to)
				}
				for _, s := range d.Streams {
					held[s.Id] = s
				}
				for _, id := range d.Gone {
					delete(held, id)
				}
				for _, id := range d.Revoked {
					revoked[id] = true
				}
				for _, id := range d.Over {
					delete(revoked, id)
				}
				if d.TokenKeys != nil {
					keyed(d.TokenKeys.Keys)
				}
			}
			version = to
		}
		last := ""
		for i := range rapid.IntRange(0, 3000).Draw(t, "changes") {
			id := fmt.Sprintf("s%d", rapid.IntRange(0, 5).Draw(t, "id"))
			switch rapid.IntRange(0, 12).Draw(t, "what") {
			case 0, 1, 2, 3:
				r.Remove(id)
			case 4:
				follow()
			case 5:
				r.Revoke(id, time.Unix(int64(i), 0))
			case 6:
				r.Forget(time.Unix(int64(i-20), 0))
			case 7:
				last = id
				r.SetKeys(&pb.PublicKey{Id: id})
			default:
				r.Set(agent.Record(id, "k"))
			}
		}
		follow()
		all := r.All()
		if len(all) != len(held) {
			t.Fatalf("%d held, %d there", len(held), len(all))
		}
		for _, s := range all {
			if held[s.Id] != s {
				t.Fatalf("%s is not the newest", s.Id)
			}
		}
		if keys != last {
			t.Fatalf("keys of %q held, want %q", keys, last)
		}
		for i := range 6 {
			if id := fmt.Sprintf("s%d", i); r.Revoked(id) != revoked[id] {
				t.Fatalf("%s revoked: %v held, %v there", id, revoked[id], r.Revoked(id))
			}
		}
		if m, _ := r.Since(version); m != nil {
			t.Fatalf("told %v to who knows all", m)
		}
	})
}

func TestFleet(t *testing.T) {
	f := NewFleet()
	t0 := time.Unix(1000, 0)
	hear := func(name string, at time.Time) { f.Hear(Node{Name: name, Role: "edge", Heard: at}) }
	names := func(now time.Time) string {
		s := ""
		for _, n := range f.Nodes("edge", now) {
			s += n.Name
		}
		return s
	}
	hear("b", t0)
	hear("a", t0)
	hear("c", t0.Add(-time.Minute))
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{0, "ab"},
		{Expiry, "ab"},
		{Expiry + time.Second, "ab"}, // all silent: those last heard stay, c, gone before, does not
		{memory + time.Second, ""},   // nobody waits for ever
	} {
		if got := names(t0.Add(c.after)); got != c.want {
			t.Errorf("after %s: got %q, want %q", c.after, got, c.want)
		}
	}
	hear("a", t0.Add(10*time.Second))
	if got := names(t0.Add(11 * time.Second)); got != "a" {
		t.Errorf("one is back: got %q, want a", got)
	}
	if got := f.Count("edge", t0.Add(11*time.Second)); got != 1 {
		t.Errorf("count is %d, want 1", got)
	}
	for i := range maxNodes + 10 {
		hear(fmt.Sprint(i), t0.Add(20*time.Second))
	}
	if f.Hear(Node{Name: "one more", Role: "edge", Heard: t0.Add(20 * time.Second)}) {
		t.Errorf("more than %d nodes", maxNodes)
	}
	if !f.Hear(Node{Name: "later", Role: "edge", Heard: t0.Add(time.Minute)}) {
		t.Error("the silent ones did not make room")
	}
}

// A snapshot of as much as there may be is one that nodes take.
func TestRevokedAreFew(t *testing.T) {
	r := NewRecords()
	now := time.Unix(1000, 0)
	for i := range maxRevoked {
		if !r.Revoke(fmt.Sprintf("0198c0de-0000-7000-8000-%012d", i), now) {
			t.Fatalf("%d were revoked, and no more", i)
		}
	}
	if r.Revoke("one more", now) || !r.Revoke("0198c0de-0000-7000-8000-000000000000", now.Add(time.Hour)) {
		t.Error("more than may be, or one of them is not revoked for longer")
	}
	m, _ := r.Since(0)
	if n := proto.Size(m); n > agent.MaxDown/2 {
		t.Errorf("a snapshot of %d bytes leaves no room for streams", n)
	}
	r.Forget(now.Add(time.Second))
	if !r.Revoke("one more", now) || !r.Revoked("0198c0de-0000-7000-8000-000000000000") || r.Revoked("0198c0de-0000-7000-8000-000000000001") {
		t.Error("not those whose time is over were forgotten")
	}
}
