// Package person is what Freshet keeps of one person: all of it to take away, and all of it gone.
//
// Erasing leaves the person's id and nothing beside it: the entries of audit logs, which name ids alone, stay as they
// were written, so that their chains hold, and what is counted stays as it was counted.
package person

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/contact"
	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/guest"
	"freshet/control/key"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/once"
	"freshet/control/order"
	"freshet/control/permit"
	"freshet/control/store"
)

// Export is all that is kept of a person, but for what would let its reader in: secrets, hashes, links that work.
type Export struct {
	At          time.Time            `json:"at"`
	Person      ExportedPerson       `json:"person"`
	Memberships []ExportedMembership `json:"memberships" nullable:"false"`
	Roles       []ExportedRole       `json:"roles" nullable:"false" doc:"Of the person in single events"`
	Stays       []ExportedStay       `json:"stays" nullable:"false" doc:"Of whoever gave the person's address at events"`
	LogIns      []ExportedLogIn      `json:"logIns" nullable:"false" doc:"Browsers in which the person is logged in"`
	SecondStep  *ExportedStep        `json:"secondStep" doc:"Null where there is none"`
	Passkeys    []ExportedPasskey    `json:"passkeys" nullable:"false"`
	Links       []ExportedLink       `json:"links" nullable:"false" doc:"Links that mails brought in the last days"`
	Keys        []ExportedKey        `json:"keys" nullable:"false" doc:"API keys that the person has made"`
	Audit       []ExportedEntry      `json:"audit" nullable:"false" doc:"What the person did, as audit logs have it"`
	Contacts    []ExportedContact    `json:"contacts" nullable:"false" doc:"The person in address books of accounts"`
	Visits      []ExportedVisit      `json:"visits" nullable:"false" doc:"Events that have the person's address on their lists of guests"`
	Stopped     []ExportedStop       `json:"stopped" nullable:"false" doc:"Mails that the person wants no more of"`
	Quotes      []ExportedQuote      `json:"quotes" nullable:"false" doc:"That were asked for with the person's address"`
	Mails       []ExportedMail       `json:"mails" nullable:"false" doc:"Mails to the person; what would let a reader in is left out of them"`
}

// ExportedPerson is what a person says of itself.
type ExportedPerson struct {
	ID        uuid.UUID  `json:"id" format:"uuid"`
	Email     string     `json:"email"`
	Name      string     `json:"name"`
	Language  string     `json:"language"`
	TimeZone  string     `json:"timeZone"`
	Country   string     `json:"country"`
	Signature string     `json:"signature"`
	Password  bool       `json:"password" doc:"One was chosen; a hash of it is kept"`
	OpsSince  *time.Time `json:"opsSince" doc:"Since when the person operates the installation; null: it does not"`
	CreatedAt time.Time  `json:"createdAt"`
}

// ExportedMembership is what the person is in an account.
type ExportedMembership struct {
	Account  uuid.UUID   `json:"account" format:"uuid"`
	Name     string      `json:"name" doc:"Of the account"`
	Role     permit.Role `json:"role"`
	AddedAt  time.Time   `json:"addedAt"`
	JoinedAt *time.Time  `json:"joinedAt" doc:"Null until the invitation is accepted"`
}

// ExportedRole is what the person is in one event.
type ExportedRole struct {
	Event   uuid.UUID   `json:"event" format:"uuid"`
	Title   string      `json:"title"`
	Role    permit.Role `json:"role"`
	AddedAt time.Time   `json:"addedAt"`
}

// ExportedStay is one at an event.
type ExportedStay struct {
	Event    uuid.UUID `json:"event" format:"uuid"`
	Name     string    `json:"name" doc:"As it was said"`
	Language string    `json:"language"`
	Way      door.Way  `json:"way" enum:"open,password,pass,direct"`
	Network  string    `json:"network"`
	BeganAt  time.Time `json:"beganAt"`
	SeenAt   time.Time `json:"seenAt"`
}

// ExportedLogIn is a browser in which the person is logged in.
type ExportedLogIn struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	BeganAt   time.Time `json:"beganAt"`
	SeenAt    time.Time `json:"seenAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Address   string    `json:"address"`
	Agent     string    `json:"agent" doc:"User-Agent"`
}

// ExportedStep is what the person is asked for after the password or the link. The app's secret is kept sealed, recovery
// codes as hashes.
type ExportedStep struct {
	Since time.Time `json:"since"`
	Codes int64     `json:"codes" doc:"Recovery codes that were not used"`
}

// ExportedPasskey is one that logs the person in.
type ExportedPasskey struct {
	ID     uuid.UUID  `json:"id" format:"uuid"`
	Name   string     `json:"name"`
	MadeAt time.Time  `json:"madeAt"`
	UsedAt *time.Time `json:"usedAt" doc:"Last; null: never"`
}

// ExportedLink is one that a mail has brought.
type ExportedLink struct {
	Kind      login.Kind `json:"kind" enum:"sign-up,log-in,reset,invite"`
	ExpiresAt time.Time  `json:"expiresAt"`
}

// ExportedKey is an API key that the person has made.
type ExportedKey struct {
	ID      uuid.UUID `json:"id" format:"uuid"`
	Account uuid.UUID `json:"account" format:"uuid"`
	Name    string    `json:"name"`
	MadeAt  time.Time `json:"madeAt"`
}

// ExportedEntry is a row of an audit log.
type ExportedEntry struct {
	Account uuid.UUID `json:"account" format:"uuid"`
	Number  int64     `json:"number"`
	At      time.Time `json:"at"`
	Network string    `json:"network"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail"`
}

// ExportedContact is the person in the address book of an account.
type ExportedContact struct {
	Account   uuid.UUID `json:"account" format:"uuid"`
	Of        string    `json:"of" doc:"Name of the account"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Language  string    `json:"language"`
	CreatedAt time.Time `json:"createdAt"`
}

// ExportedVisit is the person as a guest of one event.
type ExportedVisit struct {
	Event     uuid.UUID               `json:"event" format:"uuid"`
	Title     string                  `json:"title"`
	Name      string                  `json:"name"`
	Email     string                  `json:"email"`
	Language  string                  `json:"language"`
	Source    guest.Source            `json:"source" enum:"added,imported,registered"`
	State     guest.State             `json:"state" enum:"in,waiting,refused"`
	Answers   map[string]guest.Answer `json:"answers" nullable:"false"`
	CreatedAt time.Time               `json:"createdAt"`
	InvitedAt *time.Time              `json:"invitedAt"`
	SeenAt    *time.Time              `json:"seenAt" doc:"Last at the door"`
}

// ExportedStop is what the person wants no more mails about.
type ExportedStop struct {
	Account uuid.UUID  `json:"account" format:"uuid"`
	Topic   mail.Topic `json:"topic" enum:"invitations,changes,reminders"`
	At      time.Time  `json:"at"`
}

// ExportedQuote is one that was asked for.
type ExportedQuote struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	order.Wish
	AskedAt   time.Time   `json:"askedAt"`
	State     order.State `json:"state" enum:"asked,accepted,refused"`
	Reason    string      `json:"reason" doc:"For which it was refused"`
	Event     *uuid.UUID  `json:"event" doc:"That came of it"`
	DecidedAt *time.Time  `json:"decidedAt"`
}

// ExportedMail is one to the person.
type ExportedMail struct {
	At      time.Time  `json:"at"`
	Kind    mail.Kind  `json:"kind"`
	Subject string     `json:"subject"`
	Text    string     `json:"text"`
	State   string     `json:"state" enum:"waiting,sent,failed"`
	SentAt  *time.Time `json:"sentAt" doc:"When a server has taken it; null where none has"`
}

// address of p, empty for one who was erased.
func address(p account.Person) string {
	if p.Email == nil {
		return ""
	}
	return *p.Email
}

// Of returns all that is kept of p.
func Of(ctx context.Context, q store.Querier, p account.Person, now time.Time) (*Export, error) {
	x := &Export{At: store.Moment(now), Person: ExportedPerson{
		ID: p.ID, Email: address(p), Name: p.Name, Language: p.Language, TimeZone: p.TimeZone, Country: p.Country,
		Signature: p.Signature, Password: p.Password != nil, CreatedAt: p.CreatedAt, OpsSince: p.OpsSince,
	}}
	for _, add := range []func(context.Context, store.Querier, *Export) error{memberships, roles, stays, logIns, secondStep, passkeys, links, keys, entries, contacts, visits, stopped, quotes, mails} {
		if err := add(ctx, q, x); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func memberships(ctx context.Context, q store.Querier, x *Export) error {
	all, err := account.AccountsOf(ctx, q, x.Person.ID)
	x.Memberships = make([]ExportedMembership, len(all))
	for i, a := range all {
		m, err := account.MemberOf(ctx, q, a.ID, x.Person.ID)
		if err != nil {
			return err
		}
		x.Memberships[i] = ExportedMembership{a.ID, a.Name, m.Role, m.AddedAt, m.JoinedAt}
	}
	return err
}

func roles(ctx context.Context, q store.Querier, x *Export) error {
	all, err := event.RolesOf(ctx, q, x.Person.ID)
	x.Roles = make([]ExportedRole, len(all))
	for i, h := range all {
		x.Roles[i] = ExportedRole{h.Event, h.Title, h.Role, h.AddedAt}
	}
	return err
}

func stays(ctx context.Context, q store.Querier, x *Export) error {
	x.Stays = []ExportedStay{}
	if x.Person.Email == "" {
		return nil
	}
	all, err := door.Of(ctx, q, x.Person.Email)
	for _, e := range all {
		x.Stays = append(x.Stays, ExportedStay{e.Event, e.Name, e.Language, e.Way, e.Network, e.BeganAt, e.SeenAt})
	}
	return err
}

func logIns(ctx context.Context, q store.Querier, x *Export) error {
	all, err := login.Of(ctx, q, x.Person.ID, x.At)
	x.LogIns = make([]ExportedLogIn, len(all))
	for i, l := range all {
		x.LogIns[i] = ExportedLogIn{l.ID, l.BeganAt, l.SeenAt, l.ExpiresAt, l.Address, l.Agent}
	}
	return err
}

func secondStep(ctx context.Context, q store.Querier, x *Export) error {
	s, err := login.SecondStepOf(ctx, q, x.Person.ID)
	if s.Since != nil {
		x.SecondStep = &ExportedStep{*s.Since, s.Codes}
	}
	return err
}

func passkeys(ctx context.Context, q store.Querier, x *Export) error {
	all, err := login.Passkeys(ctx, q, x.Person.ID)
	x.Passkeys = make([]ExportedPasskey, len(all))
	for i, k := range all {
		x.Passkeys[i] = ExportedPasskey{k.ID, k.Name, k.MadeAt, k.UsedAt}
	}
	return err
}

func links(ctx context.Context, q store.Querier, x *Export) error {
	all, err := login.LinksOf(ctx, q, x.Person.ID, x.Person.Email)
	x.Links = make([]ExportedLink, len(all))
	for i, l := range all {
		x.Links[i] = ExportedLink{l.Kind, l.ExpiresAt}
	}
	return err
}

func keys(ctx context.Context, q store.Querier, x *Export) error {
	all, err := key.MadeBy(ctx, q, x.Person.ID)
	x.Keys = make([]ExportedKey, len(all))
	for i, k := range all {
		x.Keys[i] = ExportedKey{k.ID, k.Account, k.Name, k.MadeAt}
	}
	return err
}

func entries(ctx context.Context, q store.Querier, x *Export) error {
	all, err := audit.ByPerson(ctx, q, x.Person.ID)
	x.Audit = make([]ExportedEntry, len(all))
	for i, e := range all {
		x.Audit[i] = ExportedEntry{e.Account, e.Number, e.At, e.Network, e.Action, e.Subject, e.Detail}
	}
	return err
}

func contacts(ctx context.Context, q store.Querier, x *Export) error {
	all, err := contact.ByAddress(ctx, q, x.Person.Email)
	x.Contacts = make([]ExportedContact, len(all))
	for i, c := range all {
		x.Contacts[i] = ExportedContact{c.Account, c.Of, c.Name, c.Email, c.Language, c.CreatedAt}
	}
	return err
}

func visits(ctx context.Context, q store.Querier, x *Export) error {
	all, err := guest.ByAddress(ctx, q, x.Person.Email)
	x.Visits = make([]ExportedVisit, len(all))
	for i, v := range all {
		x.Visits[i] = ExportedVisit{v.Event, v.Title, v.Name, v.Email, v.Language, v.Source, v.State, v.Answers.V, v.CreatedAt, v.InvitedAt, v.SeenAt}
	}
	return err
}

func stopped(ctx context.Context, q store.Querier, x *Export) error {
	all, err := guest.StoppedBy(ctx, q, x.Person.Email)
	x.Stopped = make([]ExportedStop, len(all))
	for i, s := range all {
		x.Stopped[i] = ExportedStop{s.Account, s.Topic, s.At}
	}
	return err
}

func quotes(ctx context.Context, q store.Querier, x *Export) error {
	all, err := order.Of(ctx, q, x.Person.Email)
	x.Quotes = make([]ExportedQuote, len(all))
	for i, k := range all {
		x.Quotes[i] = ExportedQuote{k.ID, k.Wish(), k.AskedAt, k.State, k.Reason, k.Event, k.DecidedAt}
	}
	return err
}

// token is what the links of mails end in: whoever has it gets in.
var token = regexp.MustCompile(`[A-Za-z0-9_-]{43,}`)

func mails(ctx context.Context, q store.Querier, x *Export) error {
	all, err := mail.To(ctx, q, x.Person.Email)
	x.Mails = make([]ExportedMail, len(all))
	for i, m := range all {
		w := m.Message.V
		x.Mails[i] = ExportedMail{m.At, m.Kind, w.Subject, token.ReplaceAllLiteralString(w.Text, "…"), m.State, m.SentAt}
	}
	return err
}

// A LastOwner error says why a person is not erased. It is an account.ErrLastOwner.
type LastOwner struct{ Account string } // its name

func (l *LastOwner) Error() string {
	return fmt.Sprintf("%s has no other owner: make somebody else owner first", l.Account)
}

func (*LastOwner) Unwrap() error { return account.ErrLastOwner }

// Erase forgets p in the transaction q: who it is, its memberships and log-ins, links and mails to it, and who
// it was as a guest. Each account that it was a member of notes what act did. It returns a *LastOwner where an account would
// have no owner then.
func Erase(ctx context.Context, q store.Querier, p account.Person, act audit.Act, now time.Time) error {
	return erase(ctx, q, p, act, now, func(last *LastOwner) error { return last })
}

// erase asks lone what becomes of a person without whom an account has no owner.
func erase(ctx context.Context, q store.Querier, p account.Person, act audit.Act, now time.Time, lone func(*LastOwner) error) error {
	all, err := account.AccountsOf(ctx, q, p.ID)
	if err != nil {
		return err
	}
	act.Subject = "person/" + p.ID.String()
	for _, a := range all {
		err := account.Remove(ctx, q, a.ID, p.ID)
		if errors.Is(err, account.ErrLastOwner) {
			err = lone(&LastOwner{a.Name})
		}
		if err != nil {
			return err
		}
		if err := audit.Add(ctx, q, a.ID, now, act); err != nil {
			return err
		}
	}
	email := address(p)
	if err := login.Forget(ctx, q, p.ID, email); err != nil {
		return err
	}
	if email != "" {
		if err := mail.Forget(ctx, q, email); err != nil {
			return err
		}
		if err := order.Forget(ctx, q, email); err != nil {
			return err
		}
		if err := once.Forget(ctx, q, email); err != nil {
			return err
		}
		if err := door.Forget(ctx, q, email); err != nil {
			return err
		}
		if err := contact.Forget(ctx, q, email); err != nil {
			return err
		}
		if err := guest.Forget(ctx, q, email, now); err != nil {
			return err
		}
	}
	return account.Erase(ctx, q, p.ID, now)
}
