package order

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/member"
	"freshet/control/permit"
	"freshet/control/store"
)

// Errors that callers tell apart.
var (
	ErrRefused   = errors.New("the quote was refused")
	ErrAccepted  = errors.New("the quote was accepted")
	ErrPast      = errors.New("the start that the quote names has passed")
	ErrReason    = errors.New("a refusal says why, in at most 1,000 characters")
	errMeanwhile = errors.New("somebody else has decided meanwhile")
)

const reasonMost = 1000 // characters: a mail brings it

// A Desk decides on quotes, for whoever runs the installation. Its methods may be called from any goroutine.
type Desk struct {
	Store  *store.DB
	Mail   *mail.Queue
	Random io.Reader // of names
	Now    func() time.Time
}

// Accept makes the event that a quote asks for, and tells who asked. The event is in the account of the member who
// asked; in the account to, where one is given, with who asked as its organizer; else in a new account, whose owner who
// asked is invited to be. A quote that was accepted before stays as it is. It returns store.ErrNone, ErrRefused and ErrPast.
func (d *Desk) Accept(ctx context.Context, id, to uuid.UUID) (k Quote, err error) {
	now := d.Now()
	err = d.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if k, err = Get(ctx, q, id); err != nil {
			return err
		}
		switch {
		case k.State == Accepted: // somebody was first, or the answer was lost
			return nil
		case k.State == Refused:
			return ErrRefused
		case k.StartsAt.Before(now):
			return ErrPast
		}
		return d.accept(ctx, q, &k, to, now)
	})
	return k, err
}

func (d *Desk) accept(ctx context.Context, q store.Querier, k *Quote, to uuid.UUID, now time.Time) error {
	asker, in, err := home(ctx, q, k, to, now)
	if err != nil {
		return err
	}
	e, err := event.Create(ctx, q, nil, k.event(in), d.Random, now)
	if err != nil {
		return err
	}
	if asker != nil && !asker.Role.Whole() {
		if _, err := event.AddUser(ctx, q, in, e.ID, asker.Person, permit.Organizer, now); err != nil {
			return err
		}
	}
	k.Account, k.Event = &in, &e.ID
	if err := decide(ctx, q, k, Accepted, now); err != nil {
		return err
	}
	if err := d.tell(ctx, q, k, asker, now); err != nil {
		return err
	}
	return audit.Add(ctx, q, in, now, audit.Act{
		Actor: audit.System, Action: "accept-quote", Subject: "event/" + e.ID.String(), Detail: "quote/" + k.ID.String(),
	})
}

// home returns the account in which k's event comes to be, which it makes where k is of none, and what who asked is there;
// nil where a member of it has asked.
func home(ctx context.Context, q store.Querier, k *Quote, to uuid.UUID, now time.Time) (asker *account.Member, in uuid.UUID, err error) {
	role := permit.Collaborator
	switch {
	case k.Account != nil && (to == uuid.Nil || to == *k.Account):
		return nil, *k.Account, nil
	case to != uuid.Nil:
		if _, err := account.Get(ctx, q, to); err != nil {
			return nil, to, err
		}
	default:
		made, err := account.Add(ctx, q, k.Organization, now)
		if err != nil {
			return nil, to, err
		}
		to, role = made.ID, permit.Owner
	}
	m, _, err := member.Ensure(ctx, q, account.Member{Account: to, Email: &k.Email, Name: k.Name, Role: role}, k.Language, now)
	return &m, to, err
}

// event is what k asks for.
func (k *Quote) event(in uuid.UUID) event.Event {
	ends := k.StartsAt.Add(time.Duration(k.Minutes) * time.Minute)
	e := event.New(in)
	e.Options, e.Title, e.Languages = k.Options, k.Title, k.Languages
	e.StartsAt, e.EndsAt, e.TimeZone = k.StartsAt, &ends, k.TimeZone
	return e
}

// tell brings who asked the way to the event; asker, where not nil, may have to join the account first.
func (d *Desk) tell(ctx context.Context, q store.Querier, k *Quote, asker *account.Member, now time.Time) error {
	m := k.mail(mail.QuoteAccepted)
	m.Account, m.Event = *k.Account, *k.Event
	m.Values["link"] = k.Pages + "/events/" + k.Event.String()
	if asker != nil && asker.JoinedAt == nil {
		link, err := login.InviteLink(ctx, q, k.Pages, asker.Person, *k.Account, now)
		if err != nil {
			return err
		}
		m.Kind, m.Values["link"] = mail.QuoteAcceptedJoin, link
	}
	return d.Mail.Add(ctx, q, m, now)
}

// Refuse tells who asked that there will be no event, and why. A quote that was refused before stays as it is. It returns
// store.ErrNone, ErrAccepted and ErrReason.
func (d *Desk) Refuse(ctx context.Context, id uuid.UUID, reason string) (k Quote, err error) {
	reason = strings.TrimSpace(account.Lines(reason))
	if n := utf8.RuneCountInString(reason); n == 0 || n > reasonMost {
		return k, ErrReason
	}
	now := d.Now()
	err = d.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if k, err = Get(ctx, q, id); err != nil {
			return err
		}
		switch k.State {
		case Refused:
			return nil
		case Accepted:
			return ErrAccepted
		}
		k.Reason = reason
		if err := decide(ctx, q, &k, Refused, now); err != nil {
			return err
		}
		m := k.mail(mail.QuoteRefused)
		m.Values["reason"], m.Values["link"] = reason, k.Pages+form
		if err := d.Mail.Add(ctx, q, m, now); err != nil || k.Account == nil {
			return err
		}
		return audit.Add(ctx, q, *k.Account, now, audit.Act{Actor: audit.System, Action: "refuse-quote", Subject: "quote/" + k.ID.String()})
	})
	return k, err
}

// decide keeps what becomes of k.
func decide(ctx context.Context, q store.Querier, k *Quote, state State, now time.Time) error {
	at := store.Moment(now)
	n, err := store.Exec(ctx, q, decideQuote, store.Args{
		"id": k.ID, "state": string(state), "reason": k.Reason, "account": k.Account, "event": k.Event, "at": at,
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("quote %s: %w", k.ID, errMeanwhile)
	}
	k.State, k.DecidedAt = state, &at
	return err
}

// mail is one to who asked for k.
func (k *Quote) mail(kind mail.Kind) mail.Message {
	m := mail.Message{
		Kind: kind, To: k.Email, Name: k.Name, Language: k.Language,
		Values: map[string]string{"number": k.ID.String(), "event": k.Title, "start": k.start()},
	}
	if k.Account != nil {
		m.Account = *k.Account
	}
	return m
}

// start is when k's event begins, as mails say it: in its zone, which is named.
func (k *Quote) start() string {
	zone, err := time.LoadLocation(k.TimeZone)
	if err != nil { // it was one when it was asked
		zone = time.UTC
	}
	return fmt.Sprintf("%s (%s)", k.StartsAt.In(zone).Format("2006-01-02 15:04"), zone)
}
