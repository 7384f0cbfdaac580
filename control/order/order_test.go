package order_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/order"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

const eve = "eve@example.org"

var t0 = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

func desk(db *storetest.DB, now time.Time) *order.Desk {
	return &order.Desk{Store: db.DB, Mail: mail.NewQueue(), Random: rand.Reader, Now: func() time.Time { return now }}
}

// asked returns a quote of eve's, a week after t0; edit may change it before it is kept.
func asked(t *testing.T, db *storetest.DB, edit ...func(*order.Quote)) order.Quote {
	t.Helper()
	k := order.Quote{
		Organization: "Eve & Sons", Name: "Eve", Email: eve, Phone: "+1 514 555 0199", Language: "en", Pages: "https://webcasts.example",
		Title: "Launch", StartsAt: t0.Add(7 * 24 * time.Hour), TimeZone: "America/Toronto", Minutes: 90, Viewers: 5000, Remarks: "Two rooms.",
	}
	k.Languages.V, k.Options.V = []string{"fr"}, event.EventOptions{Registration: true, SMS: true}
	for _, f := range edit {
		f(&k)
	}
	k, err := order.Add(t.Context(), db, k, t0)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func founded(t *testing.T, db *storetest.DB, email string) (account.Account, account.Person) {
	t.Helper()
	a, p, err := account.Create(t.Context(), db, "Nordlicht", account.Person{Email: &email, Name: "Ana", Language: "en", TimeZone: "UTC"}, t0)
	if err != nil {
		t.Fatal(err)
	}
	return a, p
}

// mails returns the last part of the links in mails to eve, by their kinds.
func mails(t *testing.T, db *storetest.DB) map[mail.Kind]string {
	t.Helper()
	all, err := mail.To(t.Context(), db, eve)
	if err != nil {
		t.Fatal(err)
	}
	links := map[mail.Kind]string{}
	for _, m := range all {
		_, link, _ := strings.Cut(m.Message.V.Text, "https://webcasts.example")
		links[m.Kind], _, _ = strings.Cut(link, "\n")
	}
	if len(links) != len(all) {
		t.Errorf("a mail came twice: %d, %v", len(all), links)
	}
	return links
}

// A stranger's quote makes an account that waits for its owner, and in it the event with what was ordered.
func TestAcceptOfStranger(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := asked(t, db)
		got, err := desk(db, t0).Accept(t.Context(), k.ID, uuid.Nil)
		if err != nil || got.State != order.Accepted || got.Account == nil || got.Event == nil || !got.DecidedAt.Equal(t0) {
			t.Fatalf("%+v %v", got, err)
		}
		e, err := event.Get(t.Context(), db, *got.Account, *got.Event)
		if err != nil || e.Title != "Launch" || e.Kind != event.Webcast || e.State != event.Scheduled || e.Options.V != k.Options.V ||
			!e.StartsAt.Equal(k.StartsAt) || !e.EndsAt.Equal(k.StartsAt.Add(90*time.Minute)) || e.TimeZone != k.TimeZone || e.Languages.V[0] != "fr" {
			t.Errorf("%+v %v", e, err)
		}
		all, err := account.Members(t.Context(), db, *got.Account)
		if err != nil || len(all) != 1 || *all[0].Email != eve || all[0].Role != permit.Owner || all[0].JoinedAt != nil {
			t.Errorf("%+v %v", all, err)
		}
		if of, err := account.Get(t.Context(), db, *got.Account); err != nil || of.Name != "Eve & Sons" {
			t.Errorf("%+v %v", of, err)
		}
		form, err := order.OfEvent(t.Context(), db, e.ID)
		if err != nil || form.ID != k.ID || form.Viewers != 5000 || form.Remarks != "Two rooms." {
			t.Errorf("%+v %v", form, err)
		}
		again, err := desk(db, t0.Add(time.Hour)).Accept(t.Context(), k.ID, uuid.Nil)
		if err != nil || *again.Event != e.ID || !again.DecidedAt.Equal(t0) {
			t.Errorf("%+v %v", again, err)
		}
		if m := mails(t, db); len(m) != 1 || !strings.HasPrefix(m[mail.QuoteAcceptedJoin], "/invite/") {
			t.Errorf("%v", m)
		}
		if _, err := desk(db, t0).Refuse(t.Context(), k.ID, "No."); !errors.Is(err, order.ErrAccepted) {
			t.Errorf("%v", err)
		}
	})
}

// In an account that is named, who asked has the event and nothing else.
func TestAcceptIntoAnAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a, _ := founded(t, db, "ana@example.org")
		k := asked(t, db)
		if _, err := desk(db, t0).Accept(t.Context(), k.ID, uuid.New()); !errors.Is(err, store.ErrNone) {
			t.Errorf("into no account: %v", err)
		}
		got, err := desk(db, t0).Accept(t.Context(), k.ID, a.ID)
		if err != nil || *got.Account != a.ID {
			t.Fatalf("%+v %v", got, err)
		}
		users, err := event.Users(t.Context(), db, a.ID, *got.Event)
		if err != nil || len(users) != 1 || *users[0].Email != eve || users[0].Role != permit.Organizer {
			t.Errorf("%+v %v", users, err)
		}
		if m, err := account.MemberOf(t.Context(), db, a.ID, users[0].Person); err != nil || m.Role != permit.Collaborator {
			t.Errorf("%+v %v", m, err)
		}
	})
}

// A member's quote makes the event in the account, whoever's address it names, and nobody a member.
func TestAcceptOfMember(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a, _ := founded(t, db, "ana@example.org")
		k := asked(t, db, func(k *order.Quote) { k.Account = &a.ID })
		got, err := desk(db, t0).Accept(t.Context(), k.ID, uuid.Nil)
		if err != nil || *got.Account != a.ID {
			t.Fatalf("%+v %v", got, err)
		}
		if all, err := account.Members(t.Context(), db, a.ID); err != nil || len(all) != 1 {
			t.Errorf("%+v %v", all, err)
		}
		if m := mails(t, db); len(m) != 1 || m[mail.QuoteAccepted] != "/events/"+got.Event.String() {
			t.Errorf("%v", m)
		}
	})
}

// Somebody who has an account already gets another by the same link, and keeps the password.
func TestAcceptOfSomebodyKnown(t *testing.T) {
	db := storetest.New(t)
	_, p := founded(t, db, eve)
	got, err := desk(db, t0).Accept(t.Context(), asked(t, db).ID, uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := account.MemberOf(t.Context(), db, *got.Account, p.ID); err != nil || m.Role != permit.Owner || m.JoinedAt != nil || m.Name != "Ana" {
		t.Errorf("%+v %v", m, err)
	}
}

// Of many who accept at once, one makes the event.
func TestAcceptAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := asked(t, db)
		made := make([]uuid.UUID, 8)
		g, ctx := errgroup.WithContext(t.Context())
		for i := range made {
			g.Go(func() error {
				got, err := desk(db, t0).Accept(ctx, k.ID, uuid.Nil)
				if err == nil {
					made[i] = *got.Event
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, id := range made {
			if id != made[0] {
				t.Errorf("%v", made)
			}
		}
		mails(t, db)
	})
}

func TestRefuse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := asked(t, db)
		for _, reason := range []string{"", " \u202e ", strings.Repeat("x", 1001)} {
			if _, err := desk(db, t0).Refuse(t.Context(), k.ID, reason); !errors.Is(err, order.ErrReason) {
				t.Errorf("%q: %v", reason, err)
			}
		}
		got, err := desk(db, t0).Refuse(t.Context(), k.ID, "The hall is full.")
		if err != nil || got.State != order.Refused || got.Reason != "The hall is full." {
			t.Errorf("%+v %v", got, err)
		}
		if got, err = desk(db, t0).Refuse(t.Context(), k.ID, "Another reason."); err != nil || got.Reason != "The hall is full." {
			t.Errorf("%+v %v", got, err)
		}
		if m := mails(t, db); len(m) != 1 || m[mail.QuoteRefused] != "/orders/new" {
			t.Errorf("%v", m)
		}
		if _, err := desk(db, t0).Accept(t.Context(), k.ID, uuid.Nil); !errors.Is(err, order.ErrRefused) {
			t.Errorf("%v", err)
		}
		if _, err := desk(db, t0).Accept(t.Context(), uuid.New(), uuid.Nil); !errors.Is(err, store.ErrNone) {
			t.Errorf("%v", err)
		}
		if _, err := desk(db, t0.Add(8*24*time.Hour)).Accept(t.Context(), asked(t, db).ID, uuid.Nil); !errors.Is(err, order.ErrPast) {
			t.Errorf("%v", err)
		}
	})
}

// What made no event goes with its person, or with time; an order stays with its account, and names nobody.
func TestForgetAndSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		kept, err := desk(db, t0).Accept(t.Context(), asked(t, db).ID, uuid.Nil)
		if err != nil {
			t.Fatal(err)
		}
		asked(t, db)
		if all, err := order.Of(t.Context(), db, eve); err != nil || len(all) != 2 {
			t.Fatalf("%d %v", len(all), err)
		}
		err = db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error { return order.Forget(ctx, q, eve) })
		if err != nil {
			t.Fatal(err)
		}
		all, err := order.Newest(t.Context(), db, 10)
		if err != nil || len(all) != 1 || all[0].ID != kept.ID || all[0].Name+all[0].Email+all[0].Phone+all[0].Remarks != "" || all[0].Title != "Launch" {
			t.Errorf("%+v %v", all, err)
		}
		late := asked(t, db)
		for _, row := range []struct {
			now  time.Time
			want int
		}{{late.StartsAt.Add(90 * 24 * time.Hour), 2}, {late.StartsAt.Add(90*24*time.Hour + time.Second), 1}} {
			if err := order.Sweep(t.Context(), db.DB, row.now); err != nil {
				t.Fatal(err)
			}
			if all, err := order.Newest(t.Context(), db, 10); err != nil || len(all) != row.want {
				t.Errorf("%v: %d %v", row.now, len(all), err)
			}
		}
		// The order goes with its event.
		if err := event.Delete(t.Context(), db, *kept.Account, *kept.Event); err != nil {
			t.Fatal(err)
		}
		if _, err := order.Get(t.Context(), db, kept.ID); !errors.Is(err, store.ErrNone) {
			t.Errorf("%v", err)
		}
	})
}
