// Package mail writes mails and keeps each until a server has taken it.
package mail

import (
	"context"
	"embed"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements = store.Load(files)
	insertMail = statements.Get("insert_mail")
	dueMails   = statements.Get("due_mails")
	claimMail  = statements.Get("claim_mail")
	settleMail = statements.Get("settle_mail")

	newestMails = statements.Get("newest_mails")
	mailByID    = statements.Get("mail_by_id")
	mailsTo     = statements.Get("mails_to")
	envelope    = statements.Get("envelope")
	deleteMails = statements.Get("delete_mails_to")
)

// A Kind of mail: it names the texts.
type Kind string

// The kinds of mail.
const (
	SignUp      Kind = "sign-up"       // values: link, account
	SignUpKnown Kind = "sign-up-known" // of an address that is known; values: link
	LogIn       Kind = "log-in"        // values: link
	Reset       Kind = "reset"         // values: link
	Invite      Kind = "invite"        // to an account; values: link, account, role
	EventInvite Kind = "event-invite"  // to an event, of a new member of its account; values: link, account, event, role
	EventUser   Kind = "event-user"    // the same, of one who has joined already

	// Of quotes; values: link, number, event, start; of a refusal, reason.
	QuoteReceived     Kind = "quote-received"
	QuoteAsked        Kind = "quote-asked" // to whoever runs the installation
	QuoteAccepted     Kind = "quote-accepted"
	QuoteAcceptedJoin Kind = "quote-accepted-join" // to one who is to join an account by the link
	QuoteRefused      Kind = "quote-refused"
	HookOff           Kind = "hook-off" // a webhook was switched off; values: link, account, host, answer
)

// Those to guests of an event. Their values: link, account, event.
const (
	Invitation   Kind = "invitation"
	Confirmation Kind = "confirmation" // of a registration
	Waiting      Kind = "waiting"      // instead of it, where there is no place yet, or an organizer is to agree
	Accepted     Kind = "accepted"     // after that
	Change       Kind = "change"       // of the event
	ReminderDay  Kind = "reminder-day" // before it begins
	ReminderHour Kind = "reminder-hour"
	Cancelled    Kind = "cancelled"
)

var kinds = []Kind{
	QuoteReceived, QuoteAsked, QuoteAccepted, QuoteAcceptedJoin, QuoteRefused,
	SignUp, SignUpKnown, LogIn, Reset, Invite, EventInvite, EventUser, HookOff,
	Invitation, Confirmation, Waiting, Accepted, Change, ReminderDay, ReminderHour, Cancelled,
}

// A Topic is what its readers stop mails about; empty, of mails that readers have asked for.
type Topic string

// The topics.
const (
	Invitations Topic = "invitations"
	Changes     Topic = "changes"
	Reminders   Topic = "reminders"
)

// Topic returns what mails of kind are about.
func (kind Kind) Topic() Topic {
	switch kind {
	case Invitation:
		return Invitations
	case Change, Cancelled:
		return Changes
	case ReminderDay, ReminderHour:
		return Reminders
	}
	return ""
}

// A Message is what a mail says, and to whom.
type Message struct {
	ID       uuid.UUID // uuid.Nil: a new one
	Account  uuid.UUID // for which it is; uuid.Nil: for Freshet itself
	Event    uuid.UUID // that it is about; uuid.Nil: none
	Kind     Kind
	To, Name string
	Language string // en or fr
	Values   map[string]string
	Brand    *Brand // of who sends it; nil: Freshet's own
	About    About
	Calendar Calendar
	Stop     Stop
}

// About is what a mail shows of an event below its words. What is empty is left out.
type About struct {
	When, Number, Lobby string
	Agenda              []Item
	Signature           string
}

// An Item is one of an agenda.
type Item struct{ At, Title, Text string }

// A Calendar is an entry that comes with a mail (RFC 5546). The zero value is none.
type Calendar struct {
	Method string `json:"method"` // REQUEST or CANCEL
	Text   string `json:"text"`
}

// A Stop is how readers stop mails about a topic. The zero value is for mails that they have asked for.
type Stop struct {
	Page string // address of the page that asks whether that is meant
	Call string // address that does it when it is called (RFC 8058)
}

// A Brand is how mails of a customer look.
type Brand struct {
	Name             string // of the account
	Colour, OnColour string // #rrggbb, readable on each other and on white; empty: Freshet's own
	Logo             string // its absolute address; empty: none
	Width, Height    int    // of the logo, in pixels
}

// The most that a logo takes of a mail, in pixels.
const (
	logoWidth  = 240
	logoHeight = 64
)

// fitted returns b with the size at which its logo is shown.
func (b Brand) fitted() Brand {
	if b.Width > logoWidth {
		b.Width, b.Height = logoWidth, max(1, b.Height*logoWidth/b.Width)
	}
	if b.Height > logoHeight {
		b.Width, b.Height = max(1, b.Width*logoHeight/b.Height), logoHeight
	}
	return b
}

// Written is a mail as it is sent.
type Written struct {
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
	HTML     string    `json:"html"`
	Calendar *Calendar `json:"calendar,omitempty"`
	Stop     string    `json:"stop,omitempty"` // as in Stop.Call
}

// States of a mail.
const (
	waiting = "waiting" // for a server to take it
	sent    = "sent"    // a server has taken it
	failed  = "failed"  // given up
)

// A Queue keeps mails. Its methods may be called from any goroutine.
type Queue struct {
	wake chan struct{} // has an element while there may be something to send
}

// NewQueue returns a queue.
func NewQueue() *Queue { return &Queue{wake: make(chan struct{}, 1)} }

// Add writes m and keeps it in the transaction q: it is sent where that is kept, and not before.
func (u *Queue) Add(ctx context.Context, q store.Querier, m Message, now time.Time) error {
	d, err := Write(m)
	if err != nil {
		return err
	}
	return u.Keep(ctx, q, d, now)
}

// A Draft is a mail that is written and not kept yet.
type Draft struct {
	ID      uuid.UUID
	message Message
	written string // JSON of a Written
}

// Write writes m, so that the transaction in which it is kept does not have to.
func Write(m Message) (Draft, error) {
	w, err := write(m)
	if err != nil {
		return Draft{}, err
	}
	if m.ID == uuid.Nil {
		m.ID = store.NewID()
	}
	b, err := json.Marshal(w)
	return Draft{m.ID, m, string(b)}, err
}

// Keep keeps d in the transaction q, as Add does.
func (u *Queue) Keep(ctx context.Context, q store.Querier, d Draft, now time.Time) error {
	m, at := d.message, store.Moment(now)
	_, err := store.Exec(ctx, q, insertMail, store.Args{
		"id": d.ID, "account": optional(m.Account), "event": optional(m.Event), "kind": string(m.Kind), "to": m.To,
		"message": d.written, "state": waiting, "at": at,
	})
	store.After(ctx, u.signal)
	return err
}

func (u *Queue) signal() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// A Sent mail is one that was written, whether a server has taken it or not.
type Sent struct {
	ID      uuid.UUID           `db:"id"`
	Kind    Kind                `db:"kind"`
	To      string              `db:"recipient"`
	Message store.JSON[Written] `db:"message"`
	State   string              `db:"state"` // waiting, sent or failed
	At      time.Time           `db:"created_at"`
	SentAt  *time.Time          `db:"sent_at"`
}

// An Envelope is what stands on a mail that was written.
type Envelope struct {
	Account uuid.UUID `db:"account_id"`
	Kind    Kind      `db:"kind"`
	To      string    `db:"recipient"`
}

// EnvelopeOf returns what stands on a mail for an account.
func EnvelopeOf(ctx context.Context, q store.Querier, id uuid.UUID) (Envelope, error) {
	return store.One[Envelope](ctx, q, envelope, store.Args{"id": id})
}

// To returns the mails to an address, the oldest first.
func To(ctx context.Context, q store.Querier, address string) ([]Sent, error) {
	return store.All[Sent](ctx, q, mailsTo, store.Args{"to": address})
}

// Forget deletes the mails to an address; those that wait are not sent any more.
func Forget(ctx context.Context, q store.Querier, address string) error {
	_, err := store.Exec(ctx, q, deleteMails, store.Args{"to": address})
	return err
}
