package event_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/hook"
	"freshet/control/node"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

var t0 = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// founded returns an account and its owner.
func founded(t *testing.T, db *storetest.DB, email string) (account.Account, account.Person) {
	t.Helper()
	a, p, err := account.Create(t.Context(), db, "Nordlicht", account.Person{Email: &email, Name: "Ana", Language: "en", TimeZone: "UTC"}, t0)
	if err != nil {
		t.Fatal(err)
	}
	return a, p
}

// planned returns an event that starts at a time; edit may change it before it is kept.
func planned(t *testing.T, db *storetest.DB, of uuid.UUID, title string, at time.Time, edit ...func(*event.Event)) event.Event {
	t.Helper()
	e := event.Event{Account: of}
	e.Kind, e.Title, e.StartsAt, e.TimeZone, e.Access = event.Webcast, title, at, "UTC", event.Open
	e.Languages.V, e.Agenda.V = []string{"en"}, []event.AgendaItem{{At: 5, Title: "Welcome"}}
	for _, f := range edit {
		f(&e)
	}
	e, err := event.Create(t.Context(), db, nil, e, rand.Reader, t0)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// to takes an event to a state, whatever the steps.
func to(t *testing.T, db *storetest.DB, e event.Event, state event.State) event.Event {
	t.Helper()
	if e.State = state; state == event.Live {
		e.HeldAt = &e.StartsAt
	}
	e, err := event.SetState(t.Context(), db, e)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEvent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a, _ := founded(t, db, "ana@example.org")
		b, _ := founded(t, db, "eve@example.org")
		end := t0.Add(time.Hour)
		e := planned(t, db, a.ID, "Launch", t0, func(e *event.Event) { e.EndsAt, e.Options.V.Poll = &end, true })
		got, err := event.Get(t.Context(), db, a.ID, e.ID)
		if err != nil || got.Title != "Launch" || !got.StartsAt.Equal(t0) || !got.EndsAt.Equal(end) || !got.Options.V.Poll ||
			len(got.Agenda.V) != 1 || got.Languages.V[0] != "en" || got.State != event.Scheduled || got.Version != 1 {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := event.Get(t.Context(), db, b.ID, e.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("of another account: %v", err)
		}
		got.Title = "Relaunch"
		if got, err = event.Update(t.Context(), db, got); err != nil || got.Version != 2 {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := event.Update(t.Context(), db, e); !errors.Is(err, event.ErrChanged) {
			t.Errorf("an older version was kept: %v", err)
		}
		other := got
		other.Account = b.ID
		if _, err := event.SetState(t.Context(), db, other); !errors.Is(err, event.ErrChanged) {
			t.Errorf("by another account: %v", err)
		}
		for _, find := range []func() (event.Event, error){
			func() (event.Event, error) { return event.BySlug(t.Context(), db, e.Slug) },
			func() (event.Event, error) { return event.ByNumber(t.Context(), db, e.Number) },
		} {
			if found, err := find(); err != nil || found.ID != e.ID || found.Title != "Relaunch" {
				t.Errorf("%+v %v", found, err)
			}
		}
		to(t, db, got, event.Archived)
		if _, err := event.BySlug(t.Context(), db, e.Slug); !errors.Is(err, store.ErrNone) {
			t.Errorf("archived: %v", err)
		}
	})
}

// Names that somebody has are drawn again.
func TestTakenNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a, _ := founded(t, db, "ana@example.org")
		const draw = 6 + 1 + 8 // bytes for a slug and a number
		same := bytes.Repeat([]byte{7}, draw)
		e := planned(t, db, a.ID, "Launch", t0, func(*event.Event) {})
		first, err := event.Create(t.Context(), db, nil, e, bytes.NewReader(same), t0)
		if err != nil {
			t.Fatal(err)
		}
		fresh := bytes.Repeat([]byte{8}, draw)
		second, err := event.Create(t.Context(), db, nil, e, io.MultiReader(bytes.NewReader(same), bytes.NewReader(same), bytes.NewReader(fresh)), t0)
		if err != nil || second.Slug == first.Slug || second.Number == first.Number {
			t.Errorf("%q %q, %q %q: %v", first.Slug, first.Number, second.Slug, second.Number, err)
		}
		if _, err := event.Create(t.Context(), db, nil, e, bytes.NewReader(bytes.Repeat(same, 10)), t0); err == nil {
			t.Error("a name was given twice")
		}
		// Another title, so another slug, with a number that is taken.
		e.Title = "Other"
		third, err := event.Create(t.Context(), db, nil, e, io.MultiReader(bytes.NewReader(same), bytes.NewReader(bytes.Repeat([]byte{9}, draw))), t0)
		if err != nil || third.Number == first.Number {
			t.Errorf("%q %v", third.Number, err)
		}
	})
}

func TestList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a, ana := founded(t, db, "ana@example.org")
		b, _ := founded(t, db, "eve@example.org")
		bob := member(t, db, a.ID, "bob@example.org")
		var all []event.Event
		for i := range 7 {
			// Two start at the same moment, so that the id decides.
			all = append(all, planned(t, db, a.ID, fmt.Sprintf("Été %d", i), t0.Add(time.Duration(i/2)*time.Hour)))
		}
		to(t, db, all[6], event.Live)
		planned(t, db, b.ID, "Ete", t0)
		if _, err := event.AddUser(t.Context(), db, a.ID, all[3].ID, bob, permit.Collaborator, t0); err != nil {
			t.Fatal(err)
		}
		titles := func(s event.Search) string {
			t.Helper()
			s.Account = a.ID
			var got []string
			for {
				page, err := event.List(t.Context(), db, s)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page {
					got = append(got, strings.TrimPrefix(e.Title, "Été ")+string(e.Role))
				}
				if len(page) < s.N {
					return strings.Join(got, " ")
				}
				s.After = event.Place{At: page[len(page)-1].StartsAt, ID: page[len(page)-1].ID}
			}
		}
		for _, c := range []struct {
			name string
			s    event.Search
			want string
		}{
			{"all", event.Search{Person: ana.ID, All: true, N: 100}, "0 1 2 3 4 5 6"},
			{"by pages", event.Search{Person: ana.ID, All: true, N: 2}, "0 1 2 3 4 5 6"},
			{"newest first, by pages", event.Search{Person: ana.ID, All: true, N: 3, Newest: true}, "6 5 4 3 2 1 0"},
			{"by words", event.Search{Person: ana.ID, All: true, N: 100, Words: "  ÉTÉ 4"}, "4"},
			{"by a part", event.Search{Person: ana.ID, All: true, N: 100, Words: "te"}, "0 1 2 3 4 5 6"},
			{"by a wildcard", event.Search{Person: ana.ID, All: true, N: 100, Words: "_te"}, "0 1 2 3 4 5 6"},
			{"by other words", event.Search{Person: ana.ID, All: true, N: 100, Words: "winter"}, ""},
			{"by state", event.Search{Person: ana.ID, All: true, N: 100, State: event.Live}, "6"},
			{"by time", event.Search{Person: ana.ID, All: true, N: 100, From: t0.Add(time.Hour), To: t0.Add(2 * time.Hour)}, "2 3"},
			{"one's own", event.Search{Person: bob, N: 100}, "3collaborator"},
			{"one's own, newest first", event.Search{Person: bob, N: 100, Newest: true}, "3collaborator"},
			{"nobody's", event.Search{Person: uuid.New(), N: 100}, ""},
		} {
			if got := titles(c.s); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	})
}

// member adds a person to an account, with a role that is nothing in its events.
func member(t *testing.T, db *storetest.DB, of uuid.UUID, email string) uuid.UUID {
	t.Helper()
	p, err := account.AddPerson(t.Context(), db, account.Person{Email: &email, Language: "en", TimeZone: "UTC"}, t0)
	if err == nil {
		err = account.AddMember(t.Context(), db, account.Member{Account: of, Person: p.ID, Role: permit.Collaborator}, t0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// A role in an event ends with the event, and with the membership in the account.
func TestUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := t.Context()
		a, _ := founded(t, db, "ana@example.org")
		bob := member(t, db, a.ID, "bob@example.org")
		e := planned(t, db, a.ID, "Launch", t0)
		role := func() permit.Role {
			t.Helper()
			r, err := event.RoleIn(ctx, db, a.ID, e.ID, bob)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := role(); r != "" {
			t.Errorf("%q", r)
		}
		for i, want := range []bool{true, false} {
			if added, err := event.AddUser(ctx, db, a.ID, e.ID, bob, permit.Presenter, t0); err != nil || added != want {
				t.Errorf("time %d: %v %v", i, added, err)
			}
		}
		if err := event.SetUserRole(ctx, db, a.ID, e.ID, bob, permit.Organizer); err != nil || role() != permit.Organizer {
			t.Errorf("%v", err)
		}
		if err := event.SetUserRole(ctx, db, uuid.New(), e.ID, bob, permit.Presenter); !errors.Is(err, store.ErrNone) {
			t.Errorf("of another account: %v", err)
		}
		if _, err := event.RoleIn(ctx, db, uuid.New(), e.ID, bob); !errors.Is(err, store.ErrNone) {
			t.Errorf("of another account: %v", err)
		}
		if err := account.Remove(ctx, db, a.ID, bob); err != nil || role() != "" {
			t.Errorf("%q is left of a member that was removed: %v", role(), err)
		}
		if err := event.RemoveUser(ctx, db, a.ID, e.ID, bob); !errors.Is(err, store.ErrNone) {
			t.Errorf("%v", err)
		}
	})
}

func TestStreams(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := t.Context()
		a, _ := founded(t, db, "ana@example.org")
		e := planned(t, db, a.ID, "Launch", t0)
		add := func(i int) (event.Stream, error) {
			return event.AddStream(ctx, db, event.Stream{Account: a.ID, Event: e.ID, Name: "Floor"}, nil, rand.Reader, t0.Add(time.Duration(i)*time.Second))
		}
		var last event.Stream
		for i := range 16 {
			s, err := add(i)
			if err != nil || s.ID == last.ID || !strings.HasPrefix(s.ID, "floor-") {
				t.Fatalf("%+v %v", s, err)
			}
			last = s
		}
		if _, err := add(16); !errors.Is(err, event.ErrFull) {
			t.Errorf("a 17th: %v", err)
		}
		if err := event.CloseStream(ctx, db, a.ID, e.ID, last.ID, t0); err != nil {
			t.Error(err)
		}
		for name, err := range map[string]error{
			"closed again": event.CloseStream(ctx, db, a.ID, e.ID, last.ID, t0),
			"keyed":        event.KeyStream(ctx, db, last, []byte{1}, t0),
			"changed":      event.UpdateStream(ctx, db, last),
		} {
			if !errors.Is(err, store.ErrNone) {
				t.Errorf("a closed stream was %s: %v", name, err)
			}
		}
		if s, err := add(17); err != nil || s.ID == last.ID {
			t.Errorf("%+v %v", s, err)
		}
		if all, err := event.Streams(ctx, db, a.ID, e.ID); err != nil || len(all) != 16 {
			t.Errorf("%d %v", len(all), err)
		}
		if all, err := event.Streams(ctx, db, uuid.New(), e.ID); err != nil || len(all) != 0 {
			t.Errorf("of another account: %d %v", len(all), err)
		}
		if err := event.Delete(ctx, db, a.ID, e.ID); err != nil {
			t.Fatal(err)
		}
		if all, err := event.Streams(ctx, db, a.ID, e.ID); err != nil || len(all) != 0 {
			t.Errorf("left of a deleted event: %d %v", len(all), err)
		}
	})
}

// What was never held leaves nothing but a line in the log; what was stays.
func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := t.Context()
		a, _ := founded(t, db, "ana@example.org")
		never := planned(t, db, a.ID, "Never", t0)
		if _, err := event.AddStream(ctx, db, event.Stream{Account: a.ID, Event: never.ID, Name: "Floor"}, nil, rand.Reader, t0); err != nil {
			t.Fatal(err)
		}
		to(t, db, planned(t, db, a.ID, "Cancelled", t0), event.Cancelled)
		to(t, db, to(t, db, planned(t, db, a.ID, "Held", t0), event.Live), event.Ended)
		planned(t, db, a.ID, "Room", t0, func(e *event.Event) { e.Kind = event.Permanent })
		planned(t, db, a.ID, "To come", t0.Add(100*time.Hour))
		h, err := hook.Add(ctx, db, a.ID, "https://1.1.1.1/", []hook.Kind{hook.EventDeleted}, t0)
		if err != nil {
			t.Fatal(err)
		}
		left := func(now time.Time) string {
			t.Helper()
			if err := event.Sweep(ctx, db.DB, now); err != nil {
				t.Fatal(err)
			}
			all, err := event.List(ctx, db, event.Search{Account: a.ID, All: true, N: 100})
			if err != nil {
				t.Fatal(err)
			}
			var titles []string
			for _, e := range all {
				titles = append(titles, e.Title)
			}
			return strings.Join(titles, ", ")
		}
		if got := left(t0.Add(48 * time.Hour)); got != "Never, Cancelled, Held, Room, To come" {
			t.Errorf("a day after: %s", got)
		}
		for range 2 {
			if got := left(t0.Add(48*time.Hour + time.Second)); got != "Held, Room, To come" {
				t.Errorf("later: %s", got)
			}
		}
		log, err := audit.Page(ctx, db, a.ID, 0, 10)
		if err != nil || len(log) != 2 || log[0].Action != "sweep-event" || log[0].Actor != audit.System {
			t.Errorf("%+v %v", log, err)
		}
		if told, err := hook.Deliveries(ctx, db, h.ID, uuid.Max, 10); err != nil || len(told) != 2 || told[0].Kind != hook.EventDeleted {
			t.Errorf("%+v %v", told, err)
		}
	})
}

// The board of each of several nodes shows what is on, and its records follow: publishers from preparation on, viewers
// while an open event is live, an old key not after the next reading.
func TestBoard(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := t.Context()
		a, _ := founded(t, db, "ana@example.org")
		records := node.NewRecords()
		here := event.NewBoard(slog.New(slog.DiscardHandler), db.DB, records)
		e := planned(t, db, a.ID, "Launch", t0)
		key := sha256.Sum256([]byte("first"))
		s, err := event.AddStream(ctx, db, event.Stream{Account: a.ID, Event: e.ID, Name: "Floor", Language: "fr"}, key[:], rand.Reader, t0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := event.AddStream(ctx, db, event.Stream{Account: a.ID, Event: e.ID, Name: "No key"}, nil, rand.Reader, t0); err != nil {
			t.Fatal(err)
		}
		seen := func() string {
			t.Helper()
			if !here.Refresh(ctx) {
				t.Fatal("not read")
			}
			on, ok := here.On(e.Slug)
			r, there := records.Get(s.ID)
			if ok != there {
				t.Fatalf("on the board: %v, in the records: %v", ok, there)
			}
			if !ok {
				return "nothing"
			}
			if len(on.Streams) != 1 || on.Streams[0] != (event.OnStream{ID: s.ID, Language: "fr"}) || r.Event != e.Slug {
				t.Fatalf("%+v %v", on, r)
			}
			return fmt.Sprint(on.State, " ", on.Access, " open:", r.Open, " first key:", bytes.Equal(r.KeySha256, key[:]))
		}
		check := func(want string) {
			t.Helper()
			if got := seen(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		check("nothing")
		e = to(t, db, e, event.Preparation)
		check("preparation open open:false first key:true")
		e = to(t, db, e, event.Live)
		check("live open open:true first key:true")
		changed := records.Changed()
		check("live open open:true first key:true")
		select {
		case <-changed:
			t.Error("nothing has changed, and nodes are told")
		default:
		}
		other := sha256.Sum256([]byte("second"))
		if err := event.KeyStream(ctx, db, s, other[:], t0); err != nil {
			t.Fatal(err)
		}
		check("live open open:true first key:false")
		e.Access = event.Token
		if e, err = event.Update(ctx, db, e); err != nil {
			t.Fatal(err)
		}
		check("live token open:false first key:false")
		e = to(t, db, e, event.Ended)
		check("nothing")
		to(t, db, e, event.Live)
		check("live token open:false first key:false")
		if err := event.CloseStream(ctx, db, a.ID, e.ID, s.ID, t0); err != nil {
			t.Fatal(err)
		}
		check("nothing")
	})
}

func TestCalendar(t *testing.T) {
	end := t0.Add(90 * time.Minute)
	e := event.Event{Description: "First line,\nsecond; line\r\nATTENDEE:x " + strings.Repeat("é", 80)}
	e.ID, e.Slug, e.Title, e.StartsAt, e.EndsAt, e.Version = uuid.New(), "launch-abc", "Launch\r\nX-EVIL:1; a, b", t0, &end, 3
	got := event.Calendar(e, "https://webcasts.example", t0.Add(-time.Hour))
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\n", "VERSION:2.0\r\n", "METHOD:PUBLISH\r\n", "UID:" + e.ID.String() + "@webcasts.example\r\n",
		"DTSTAMP:20261127T080000Z\r\n", "DTSTART:20261127T090000Z\r\n", "DTEND:20261127T103000Z\r\n", "SEQUENCE:3\r\n",
		`SUMMARY:LaunchX-EVIL:1\; a\, b` + "\r\n", "STATUS:CONFIRMED\r\n", "URL:https://webcasts.example/e/launch-abc\r\n",
		"END:VEVENT\r\nEND:VCALENDAR\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for line := range strings.SplitSeq(got, "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || strings.HasPrefix(line, "ATTENDEE") {
			t.Errorf("line %q", line)
		}
	}
	e.State, e.EndsAt = event.Cancelled, nil
	if got := event.Calendar(e, "", t0); !strings.Contains(got, "STATUS:CANCELLED") || strings.Contains(got, "DTEND") {
		t.Errorf("%s", got)
	}
}

// While the database is away, what is on stays on.
func TestBoardAlone(t *testing.T) {
	var log bytes.Buffer
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	records := node.NewRecords()
	board := event.NewBoard(slog.New(slog.NewTextHandler(&log, nil)), db, records)
	of := &storetest.DB{DB: db}
	a, _ := founded(t, of, "ana@example.org")
	e := to(t, of, planned(t, of, a.ID, "Launch", t0), event.Live)
	s, err := event.AddStream(t.Context(), db, event.Stream{Account: a.ID, Event: e.ID, Name: "Floor"}, []byte{1}, rand.Reader, t0)
	if err != nil || !board.Refresh(t.Context()) {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if board.Refresh(t.Context()) {
			t.Error("read from a database that is closed")
		}
	}
	_, on := board.On(e.Slug)
	if _, there := records.Get(s.ID); !on || !there {
		t.Errorf("on the board: %v, in the records: %v", on, there)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, &log)
	}
}
