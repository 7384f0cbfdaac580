package door

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/keys"
	"freshet/control/login"
	"freshet/control/node"
	"freshet/control/store"
	"freshet/control/store/storetest"
	"freshet/proto/problem"
)

var t0 = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// list is a guest list that is away where its database is.
type list struct {
	db   *store.DB
	ids  map[string]uuid.UUID
	of   uuid.UUID
	seen int
}

func (l *list) ByPass(ctx context.Context, pass string) (Guest, error) {
	id, ok := l.ids[pass]
	if !ok {
		return Guest{}, store.ErrNone
	}
	if _, err := store.One[int64](ctx, l.db, eventThere, store.Args{"event": l.of}); err != nil {
		return Guest{ID: id}, err
	}
	return Guest{ID: id, Event: l.of, Name: "Gil", Email: "gil@example.org", Language: "fr"}, nil
}

func (l *list) Seen(context.Context, store.Querier, uuid.UUID, time.Time) error { l.seen++; return nil }

// A hall is a live event and its door.
type hall struct {
	*Door
	t       testing.TB
	db      *store.DB
	records *node.Records
	guests  *list
	event   event.Event
	now     time.Time
}

func newHall(t testing.TB, db *store.DB, rule event.Rule) *hall {
	t.Helper()
	h := &hall{t: t, db: db, records: node.NewRecords(), now: t0}
	hasher := login.NewHasher(login.Cost{Passes: 1, Memory: 64, Lanes: 1})
	kept, err := hasher.HashAny(t.Context(), "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	email := "ana@example.org"
	err = db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
		a, _, err := account.Create(ctx, q, "A", account.Person{Email: &email, Name: "Ana", Language: "en", TimeZone: "UTC"}, t0)
		if err != nil {
			return err
		}
		e := event.Event{Account: a.ID, Password: &kept}
		e.Kind, e.Title, e.StartsAt, e.TimeZone, e.Access = event.Webcast, "Launch", t0, "UTC", rule
		e.Languages.V, e.Agenda.V = []string{}, []event.AgendaItem{}
		if e, err = event.Create(ctx, q, nil, e, rand.Reader, t0); err != nil {
			return err
		}
		if _, err := event.AddStream(ctx, q, event.Stream{Account: a.ID, Event: e.ID, Name: "Floor"}, []byte{1}, rand.Reader, t0); err != nil {
			return err
		}
		e.State, e.HeldAt = event.Live, &t0
		h.event, err = event.SetState(ctx, q, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.guests = &list{db: db, of: h.event.ID, ids: map[string]uuid.UUID{"gil": uuid.New(), "ina": uuid.New()}}
	log := slog.New(slog.DiscardHandler)
	board := event.NewBoard(log, db, h.records)
	h.Door = New(Deps{
		Log: log, Metrics: prometheus.NewRegistry(), Store: db, Board: board, Revoked: h.records, Hasher: hasher, Keys: keys.Make(),
		Guests: h.guests, Now: func() time.Time { return h.now },
	})
	if !board.Refresh(t.Context()) || !h.refresh(t.Context()) {
		t.Fatal("not read")
	}
	return h
}

func (h *hall) comes(c Comer, want string) Ticket {
	h.t.Helper()
	got, err := h.Enter(h.t.Context(), h.event.Slug, c)
	kind := ""
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		kind = strings.TrimPrefix(p.Type, "/problems/")
	} else if err != nil {
		kind = err.Error()
	}
	if kind != want {
		h.t.Errorf("%+v: %q, want %q", c, kind, want)
	}
	return got
}

// door is what the board knows.
func (h *hall) door() event.Door { on, _ := h.d.Board.On(h.event.Slug); return on.Door }

func (h *hall) entry(db *store.DB, id uuid.UUID) (Entry, error) {
	return store.One[Entry](h.t.Context(), db, entryByID, store.Args{"id": id})
}

// While the database is away people come into what is live, by password and by pass, and stay. What came is written when
// it is back, once.
func TestDatabaseAway(t *testing.T) {
	cfg := store.Config{Dir: t.TempDir()}
	opened, err := store.Open(t.Context(), cfg, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	h := newHall(t, opened, event.Password)
	from := netip.MustParseAddr("203.0.113.7")
	named := Comer{Name: "Zoé", Email: "Zoe@example.org", Language: "fr-CA", Password: "open sesame", From: from}
	before := h.comes(Comer{Pass: "gil"}, "")
	if err := h.db.Close(); err != nil {
		t.Fatal(err)
	}
	in := h.comes(named, "")
	h.comes(Comer{Name: "Zoé", Email: "zoe@example.org", Password: "hunter2"}, "password-wrong")
	h.comes(Comer{Pass: "hunter2"}, "pass-wrong")
	h.comes(Comer{Pass: "gil"}, "pass-in-use") // this node knows
	here := h.comes(Comer{Pass: "gil", Here: true}, "")
	ina := h.comes(Comer{Pass: "ina"}, "")
	h.comes(Comer{Pass: "ina"}, "pass-in-use")
	if !h.records.Revoked(before.Session.String()) || h.records.Revoked(here.Session.String()) {
		t.Error("not the place before is refused")
	}
	h.ledger.write(t.Context())
	if !h.ledger.isAway() {
		t.Error("the database is not known to be away")
	}
	h.now = t0.Add(5 * time.Minute)
	renewed, err := h.Join(h.door(), in.Token, from)
	if err != nil || renewed.Session != in.Session || renewed.Token == in.Token {
		t.Errorf("%+v %v", renewed, err)
	}
	if again := h.comes(Comer{Bearer: in.Token}, ""); again.Session != in.Session || again.Way != ByPassword {
		t.Errorf("%+v", again)
	}
	if _, err := h.Enter(t.Context(), "another-event", named); !errors.Is(err, store.ErrAway) {
		t.Errorf("an event that is not live: %v", err)
	}

	db, err := store.Open(t.Context(), cfg, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h.ledger.db, h.d.Store = db, db
	h.ledger.write(t.Context())
	for _, one := range []struct {
		session uuid.UUID
		want    Entry
	}{
		{in.Session, Entry{Name: "Zoé", Email: "zoe@example.org", Language: "fr-CA", Way: ByPassword, Network: "203.0.113.0/24", SeenAt: h.now}},
		{here.Session, Entry{Guest: new(h.guests.ids["gil"]), Way: ByPass, SeenAt: t0}},
		{ina.Session, Entry{Guest: new(h.guests.ids["ina"]), Way: ByPass, SeenAt: t0}},
		{before.Session, Entry{Guest: new(h.guests.ids["gil"]), Name: "Gil", Email: "gil@example.org", Language: "fr", Way: ByPass, SeenAt: t0}},
	} {
		got, err := h.entry(db, one.session)
		one.want.ID, one.want.Account, one.want.Event, one.want.BeganAt = one.session, h.event.Account, h.event.ID, t0
		if (got.Guest == nil) != (one.want.Guest == nil) || got.Guest != nil && *got.Guest != *one.want.Guest {
			t.Errorf("%+v is another's", got)
		}
		got.Guest = one.want.Guest
		if err != nil || got != one.want {
			t.Errorf("%+v %v, want %+v", got, err, one.want)
		}
	}
	if h.ledger.isAway() || len(h.ledger.entries)+len(h.ledger.seen)+len(h.ledger.revoked) > 0 {
		t.Errorf("left to write: %+v", h.ledger)
	}
	// And what was revoked meanwhile is known to others.
	other := node.NewRecords()
	h.d.Revoked = other
	if !h.refresh(t.Context()) || !other.Revoked(before.Session.String()) || other.Revoked(here.Session.String()) {
		t.Error("another node takes the place before, or not the one that is")
	}
}

// What can never be written holds up nothing, and is counted where it was to be.
func TestLedger(t *testing.T) {
	h := newHall(t, storetest.New(t).DB, event.Open)
	gone := Entry{ID: store.NewID(), Account: h.event.Account, Event: uuid.New(), Way: ByNothing, BeganAt: t0, SeenAt: t0}
	h.ledger.add(gone)
	var all []Ticket
	for range atOnce + 10 {
		joined, err := h.Join(h.door(), "", netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, joined)
	}
	h.ledger.add(h.ledger.entries[1]) // twice
	h.ledger.write(t.Context())
	for _, one := range all {
		if e, err := h.entry(h.db, one.Session); err != nil || e.Way != ByNothing {
			t.Fatalf("%+v %v", e, err)
		}
	}
	if _, err := h.entry(h.db, gone.ID); !errors.Is(err, store.ErrNone) {
		t.Errorf("of an event that is gone: %v", err)
	}
	for range waitingMost + 3 {
		h.ledger.add(gone)
	}
	if got := testutil.ToFloat64(h.m.dropped.WithLabelValues(string(droppedEntry))); got != 3 {
		t.Errorf("%v were counted as lost", got)
	}
}

// A guest whose pass is worthless comes in no more by any token, at no node, until these have run out.
func TestRevoke(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		h := newHall(t, db.DB, event.Token)
		in, other := h.comes(Comer{Pass: "gil"}, ""), h.comes(Comer{Pass: "ina"}, "")
		h.now = t0.Add(29 * time.Minute) // not in use any more, and good for another 90 s
		err := h.db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
			if err := h.Revoke(ctx, q, h.guests.ids["gil"]); err != nil {
				return err
			}
			if h.records.Revoked(in.Session.String()) {
				t.Error("before that is kept")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Join(h.door(), in.Token, netip.Addr{}); err == nil {
			t.Error("joins again")
		}
		if _, err := h.Join(h.door(), other.Token, netip.Addr{}); err != nil {
			t.Errorf("another guest: %v", err)
		}
		elsewhere := node.NewRecords()
		h.d.Revoked = elsewhere
		if !h.refresh(t.Context()) || !elsewhere.Revoked(in.Session.String()) {
			t.Error("joins again at another node")
		}
		h.comes(Comer{Pass: "gil"}, "") // by a newer pass
		h.now = h.now.Add(lives + time.Second)
		if !h.refresh(t.Context()) || elsewhere.Revoked(in.Session.String()) {
			t.Error("revoked for ever")
		}
		if err := Sweep(t.Context(), h.db, h.now); err != nil {
			t.Fatal(err)
		}
		if all, err := store.All[revokedRow](t.Context(), h.db, revokedSessions, store.Args{"now": t0, "n": 10}); err != nil || len(all) != 0 {
			t.Errorf("%v %v", all, err)
		}
	})
}

// 1,000 who come with one password cost one hash.
func TestPasswordIsHashedOnce(t *testing.T) {
	h := newHall(t, storetest.New(t).DB, event.Password)
	h.passwords.hasher = login.NewHasher(login.Recommended)
	kept, err := h.passwords.hasher.HashAny(t.Context(), "open sesame")
	if err != nil {
		t.Fatal(err)
	}
	at := h.door()
	at.Password = &kept
	c := Comer{Password: "open sesame", From: netip.MustParseAddr("203.0.113.7")}
	for range 1000 { // more than the rate allows to be hashed
		if err := h.passwords.check(t.Context(), at, c, t0); err != nil {
			t.Fatal(err)
		}
	}
	c.Password = "open sesamE"
	if err := h.passwords.check(t.Context(), at, c, t0); err == nil {
		t.Error("takes another one")
	}
	other, err := h.passwords.hasher.HashAny(t.Context(), "another one")
	if err != nil {
		t.Fatal(err)
	}
	at.Password, c.Password = &other, "open sesame"
	if err := h.passwords.check(t.Context(), at, c, t0); err == nil {
		t.Error("takes the one before")
	}
}

// A pass is of use in one place: whoever was silent until it was not in use any more is out once another has it.
func TestSilentPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		h := newHall(t, db.DB, event.Token)
		silent := h.comes(Comer{Pass: "gil"}, "")
		h.now = t0.Add(inUse)
		next := h.comes(Comer{Pass: "gil"}, "")
		if _, err := h.Join(h.door(), silent.Token, netip.Addr{}); err == nil {
			t.Error("both places go on")
		}
		if _, err := h.Join(h.door(), next.Token, netip.Addr{}); err != nil {
			t.Error(err)
		}
	})
}

// A list that is emptied is empty for those, too, whose entries wait to be written.
func TestRevokeAllThatWaits(t *testing.T) {
	h := newHall(t, storetest.New(t).DB, event.Token)
	gil, session := h.guests.ids["gil"], store.NewID()
	h.swap(Entry{ID: session, Event: h.event.ID, Guest: &gil, BeganAt: t0}, true)
	err := h.db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error { return h.RevokeAll(ctx, q, h.event.ID) })
	if err != nil {
		t.Fatal(err)
	}
	if !h.records.Revoked(session.String()) {
		t.Error("goes on")
	}
}

// What forgets stays remembers those who are there.
func TestStaysAreForgotten(t *testing.T) {
	h := newHall(t, storetest.New(t).DB, event.Token)
	h.comes(Comer{Pass: "gil"}, "")
	h.now = t0.Add(6 * time.Minute)
	h.comes(Comer{Pass: "ina"}, "")
	h.forgetStays(t0.Add(inUse))
	if len(h.stays) != 1 {
		t.Errorf("%d stays", len(h.stays))
	}
	h.forgetStays(t0.Add(time.Hour))
	if len(h.stays) != 0 {
		t.Errorf("%d stays", len(h.stays))
	}
}

func BenchmarkJoin(b *testing.B) {
	h := newHall(b, storetest.New(b).DB, event.Token)
	in := h.comes(Comer{Pass: "gil"}, "")
	at := h.door()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Join(at, in.Token, netip.Addr{}); err != nil {
			b.Fatal(err)
		}
	}
}
