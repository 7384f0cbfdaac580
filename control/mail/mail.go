// Package mail writes mails and keeps each until a server has taken it.
package mail

import (
	"context"
	"embed"
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
)

var kinds = []Kind{SignUp, SignUpKnown, LogIn, Reset, Invite, EventInvite, EventUser}

// A Message is what a mail says, and to whom.
type Message struct {
	Account  uuid.UUID // for which it is; uuid.Nil: for Freshet itself
	Event    uuid.UUID // that it is about; uuid.Nil: none
	Kind     Kind
	To, Name string
	Language string // en or fr
	Values   map[string]string
	Brand    *Brand // of who sends it; nil: Freshet's own
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
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
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
	w, err := write(m)
	if err != nil {
		return err
	}
	at := store.Moment(now)
	_, err = store.Exec(ctx, q, insertMail, store.Args{
		"id": store.NewID(), "account": optional(m.Account), "event": optional(m.Event), "kind": string(m.Kind), "to": m.To,
		"message": store.JSON[Written]{V: w}, "state": waiting, "at": at,
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

// To returns the mails to an address, the oldest first.
func To(ctx context.Context, q store.Querier, address string) ([]Sent, error) {
	return store.All[Sent](ctx, q, mailsTo, store.Args{"to": address})
}

// Forget deletes the mails to an address; those that wait are not sent any more.
func Forget(ctx context.Context, q store.Querier, address string) error {
	_, err := store.Exec(ctx, q, deleteMails, store.Args{"to": address})
	return err
}
