package roster

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/identity"
	"freshet/control/enrol"
	"freshet/control/keys"
	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// A book is a ledger of one goroutine, without the others that would have to agree.
type book struct {
	t     *testing.T
	l     *ledger.Ledger
	now   time.Time
	index uint64
}

func (b *book) Apply(_ context.Context, e *pb.Entry) (quorum.Result, error) {
	b.index++
	e = proto.CloneOf(e)
	e.Version, e.AtUnixMs = ledger.Version, b.now.UnixMilli()
	e.Request = append(make([]byte, 8), byte(b.index>>56), byte(b.index>>48), byte(b.index>>40), byte(b.index>>32), byte(b.index>>24), byte(b.index>>16), byte(b.index>>8), byte(b.index))
	raw, err := proto.Marshal(e)
	if err != nil {
		b.t.Fatal(err)
	}
	o, err := b.l.Apply(b.index, raw)
	if err != nil {
		b.t.Fatal(err)
	}
	return quorum.Result{Verdict: o.Verdict, Number: o.Number, Index: b.index}, nil
}

func (b *book) Read(context.Context) (*ledger.State, error) { return b.l.View(), nil }
func (b *book) State() *ledger.State                        { return b.l.View() }
func (b *book) Changed() <-chan struct{}                    { return nil }

func newBook(t *testing.T) (*book, *Roster) {
	b := &book{t: t, l: ledger.New(), now: time.UnixMilli(1_800_000_000_000)}
	return b, New(b, func() time.Time { return b.now })
}

func key(n byte) ed25519.PublicKey { return bytes.Repeat([]byte{n}, ed25519.PublicKeySize) }

// A token lets one machine in. Who has lost the answer gets the same one, by whatever name it asks.
func TestTokens(t *testing.T) {
	b, r := newBook(t)
	ctx, hash := t.Context(), sha256.Sum256([]byte("secret"))
	use := func(name, role string, k byte) (enrol.Grant, error) {
		return r.UseToken(ctx, enrol.Use{Hash: hash, Node: name, Role: role, Region: "par", Key: key(k)})
	}
	if _, err := use("edge-a", "edge", 1); !errors.Is(err, enrol.ErrTokenUnknown) {
		t.Errorf("before there is one: %v", err)
	}
	if err := r.AddToken(ctx, enrol.Token{Hash: hash, Role: "edge", Region: "yul", Expires: b.now.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if _, err := use("origin-a", "origin", 1); !errors.Is(err, enrol.ErrWrongRole) {
		t.Errorf("for another role: %v", err)
	}
	if g, err := use("edge-a", "edge", 1); err != nil || g != (enrol.Grant{Node: "edge-a", Region: "yul"}) {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err := use("edge-b", "edge", 1); err != nil || g.Node != "edge-a" {
		t.Errorf("the answer was lost: %+v, %v; want edge-a again", g, err)
	}
	if _, err := use("edge-b", "edge", 2); !errors.Is(err, enrol.ErrTokenUsed) {
		t.Errorf("another machine: %v", err)
	}
	b.now = b.now.Add(time.Hour)
	if _, err := use("edge-a", "edge", 1); !errors.Is(err, enrol.ErrTokenExpired) {
		t.Errorf("an hour later: %v", err)
	}
}

func TestRemoval(t *testing.T) {
	_, r := newBook(t)
	ctx := t.Context()
	edge := identity.Subject{Node: "edge-1", Role: "edge", Key: key(1)}
	if err := r.Admit(ctx, edge, "yul"); err != nil {
		t.Fatal(err)
	}
	if err := r.Renew(ctx, edge); err != nil {
		t.Errorf("renew: %v", err)
	}
	if err := r.Renew(ctx, identity.Subject{Node: "edge-1", Role: "origin", Key: key(1)}); !errors.Is(err, enrol.ErrUnregistered) {
		t.Errorf("in another role: %v", err)
	}
	if err := r.SetState(ctx, "edge-2", pb.AdminState_ADMIN_STATE_DRAINING); !errors.Is(err, enrol.ErrUnregistered) {
		t.Errorf("drain nobody: %v", err)
	}
	if err := r.Remove(ctx, "edge-1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Renew(ctx, edge); !errors.Is(err, enrol.ErrRemoved) {
		t.Errorf("removed: %v", err)
	}
	if err := r.Remove(ctx, "edge-1"); !errors.Is(err, enrol.ErrUnregistered) {
		t.Errorf("removed twice: %v", err)
	}
	if all := Removed(r.ledger.State()); len(all) != 1 || all[0].Node != "edge-1" || !all[0].Key.Equal(key(1)) {
		t.Errorf("%+v", all)
	}
}

// A gossip key is used when all have it, and goes when all use the next; who does not say so is not waited for for ever.
func TestGossipTurns(t *testing.T) {
	for _, held := range []bool{true, false} {
		b, r := newBook(t)
		ctx, box := t.Context(), keys.Make().Box("ledger")
		old, next := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
		want := func(what string, all ...[]byte) {
			t.Helper()
			got, err := Gossip(b.State(), box)
			if err != nil || len(got) != len(all) {
				t.Fatalf("%s: %d keys, %v", what, len(got), err)
			}
			for i := range all {
				if !bytes.Equal(got[i], all[i]) {
					t.Errorf("%s: key %d is another", what, i)
				}
			}
		}
		turn := func(after time.Duration) {
			t.Helper()
			b.now = b.now.Add(after)
			if err := r.Turn(ctx, held); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.AddGossip(ctx, box, old); err != nil {
			t.Fatal(err)
		}
		b.now = b.now.Add(time.Hour)
		if err := r.Rotate(ctx, box, next); err != nil {
			t.Fatal(err)
		}
		if err := r.Rotate(ctx, box, next); !errors.Is(err, ErrRotating) {
			t.Errorf("two at once: %v", err)
		}
		want("added", old, next)
		if !held {
			turn(patience - time.Second)
			want("not all have it", old, next)
			turn(2 * time.Second)
			want("long enough", next, old)
			turn(patience - 10*time.Second)
			want("not all use it", next, old)
			turn(20 * time.Second)
		} else {
			turn(0)
			want("all have it", next, old)
			turn(0)
		}
		want("turned", next)
		if _, err := Gossip(b.State(), keys.Make().Box("ledger")); !errors.Is(err, keys.ErrBox) {
			t.Errorf("another cluster's control opens it: %v", err)
		}
	}
}

// The key of viewer tokens changes by itself every month: told ahead, and counting for as long as its tokens may.
func TestSigningTurns(t *testing.T) {
	b, r := newBook(t)
	k := keys.Make()
	ctx, box := t.Context(), k.Box("ledger")
	if err := r.AddSigning(ctx, box, k.First()); err != nil {
		t.Fatal(err)
	}
	at := func(after time.Duration) (use string, others int) {
		t.Helper()
		b.now = b.now.Add(after)
		if err := r.TurnSigning(ctx, box); err != nil {
			t.Fatal(err)
		}
		u, o, ok, err := Signing(b.State(), box)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return u.ID, len(o)
	}
	first := k.First().ID
	for _, step := range []struct {
		after  time.Duration
		first  bool
		others int
	}{
		{0, true, 0},
		{signingLife, true, 0},
		{time.Second, true, 1},
		{signingAhead, true, 1},
		{time.Second, false, 1},
		{signingAfter - 2*time.Second, false, 1},
		{2 * time.Second, false, 0},
		{time.Hour, false, 0},
	} {
		if use, others := at(step.after); (use == first) != step.first || others != step.others {
			t.Errorf("after %s: the first signs: %v, with %d others; want %v, %d", step.after, use == first, others, step.first, step.others)
		}
	}
}
