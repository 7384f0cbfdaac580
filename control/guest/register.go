package guest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/hook"
	"freshet/control/mail"
	"freshet/control/roll"
	"freshet/control/store"
	"freshet/proto/problem"
)

type registerIn struct {
	Slug string `path:"slug" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$" patternDescription:"1 to 64 of a-z, 0-9 and -"`
	Body struct {
		Name     string            `json:"name" minLength:"1" maxLength:"80"`
		Email    string            `json:"email" maxLength:"254"`
		Language string            `json:"language,omitempty" maxLength:"35" doc:"BCP 47"`
		Answers  map[string]Answer `json:"answers,omitempty" maxProperties:"30" doc:"By the ids of the form's fields"`
	}
}

type registerOut struct {
	Body struct {
		Status string `json:"status" enum:"sent,waiting" doc:"Sent: a mail brings the link. Waiting: for a place, or for an organizer to agree; a mail says so. The same for an address that is known"`
	}
}

type passIn struct {
	Pass string `path:"pass" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"A-Z, a-z, 0-9, _ and -"`
}

// PublicPass is what whoever has a pass may know of it.
type PublicPass struct {
	Name     string      `json:"name"`
	Slug     string      `json:"slug"`
	Title    string      `json:"title"`
	StartsAt time.Time   `json:"startsAt"`
	TimeZone string      `json:"timeZone"`
	State    event.State `json:"state" enum:"scheduled,preparation,live,ended,cancelled" doc:"Of the event"`
}

type passOut struct{ Body PublicPass }

// How often somebody may register. An office's or a carrier's guests come from one address.
var (
	registerRate = limit.Rate{Name: "registrations", N: 10, Per: time.Second, Burst: 500}             // of a network
	addressRate  = limit.Rate{Name: "registrations", N: 20, Per: 10 * time.Minute, Burst: 20}         // of an address, to whatever events
	eventRate    = limit.Rate{Name: "registrations", N: 100_000, Per: 24 * time.Hour, Burst: 100_000} // of an event: what nobody could call a webcast
	againRate    = limit.Rate{Name: "mails", N: 5, Per: 10 * time.Minute, Burst: 5}                   // to an address that is known
	passRate     = limit.Rate{Name: "passes", N: 10, Per: time.Second, Burst: 500}                    // of a network
)

func (r *Routes) registerPublic(api huma.API) {
	r.registrations, r.addresses, r.events = limit.New(registerRate), limit.New(addressRate), limit.New(eventRate)
	r.again, r.passes, r.mailings = limit.New(againRate), limit.New(passRate), limit.New(mailingRate)
	register := access.Anyone(access.Op(http.MethodPost, "/events/{slug}/register", "register", "Register for an event; a mail brings the link", 403, 404, 409, 422, 429))
	register.DefaultStatus = http.StatusAccepted
	huma.Register(api, register, r.register)
	huma.Register(api, access.Anyone(access.Op(http.MethodGet, "/public/passes/{pass}", "get-pass", "What a guest's pass is for", 404, 429)), r.pass)
}

// register keeps who registers and the mail that tells so, both or none. What it answers depends on the event alone, so
// it does not tell who is registered already.
func (r *Routes) register(ctx context.Context, in *registerIn) (*registerOut, error) {
	now, from := r.Now(), access.From(ctx).From
	if v := r.registrations.Take(limit.Network(from), now); !v.OK && !from.IsLoopback() {
		return nil, v.Refused()
	}
	e, err := event.BySlug(ctx, r.Store, in.Slug)
	if isNone(err) {
		return nil, event.Unknown()
	}
	if err != nil {
		return nil, err
	}
	if !e.TakesGuests() {
		return nil, closed()
	}
	g, err := asked(e, in, now)
	if err != nil {
		return nil, err
	}
	if !r.Door.Admits(e.Door(), from, *g.Address) {
		return nil, event.NotHere()
	}
	if v := r.addresses.Take(*g.Address, now); !v.OK {
		return nil, v.Refused()
	}
	if v := r.events.Take(e.ID.String(), now); !v.OK { // last: who is refused otherwise takes no place of others
		return nil, v.Refused()
	}
	out := &registerOut{}
	if out.Body.Status, err = r.keep(ctx, e, g, now); err != nil {
		return nil, err
	}
	return out, nil
}

// told is what webhooks hear of a registration.
type told struct {
	Guest uuid.UUID `json:"guest"`
	State State     `json:"state"`
}

func closed() *problem.Problem {
	return problem.New(http.StatusConflict, "registration-closed", "Registration is closed", "Nobody can register for this event now.")
}

// keep keeps g, or sends its mail again where it is known, and returns the status that is answered.
func (r *Routes) keep(ctx context.Context, e event.Event, g Guest, now time.Time) (status string, err error) {
	s, err := sheetOf(ctx, r.Store, e)
	if err != nil {
		return "", err
	}
	first, err := r.welcome(s, g, now) // before the transaction, for which others wait
	if err != nil {
		return "", err
	}
	again := r.again.Take(*g.Address, now).OK
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		s, draft := s, first
		// Meanwhile somebody may have taken the last place, or an organizer have changed who comes in.
		if s.event, err = event.Get(ctx, q, e.Account, e.ID); err != nil {
			return err
		}
		if !s.event.TakesGuests() {
			return closed()
		}
		if status = "sent"; stateIn(s.event) == Waiting {
			status = "waiting"
		}
		g := g
		if g.State = stateIn(s.event); g.State != stateIn(e) {
			if draft, err = r.welcome(s, g, now); err != nil {
				return err
			}
		}
		fresh, err := add(ctx, q, g, draft.ID)
		if err != nil || fresh {
			if err == nil {
				err = r.Letters.Mail.Keep(ctx, q, draft, now)
			}
			if err == nil {
				err = hook.Tell(ctx, q, hook.News{Account: g.Account, Kind: hook.GuestRegistered, Event: g.Event, Data: told{g.ID, g.State}}, now)
			}
			return err
		}
		if !again {
			return nil
		}
		return r.resend(ctx, q, s, g, now)
	})
	return status, err
}

// resend sends the mail of g's address once more; where it was refused there is none.
func (r *Routes) resend(ctx context.Context, q store.Querier, s sheet, g Guest, now time.Time) error {
	known, err := store.One[Guest](ctx, q, guestByAddress, store.Args{"address": g.Address, "event": s.event.ID})
	if err != nil || known.State != In && known.State != Waiting {
		return err
	}
	draft, err := r.welcome(s, known, now)
	if err != nil {
		return err
	}
	if err := r.Letters.Mail.Keep(ctx, q, draft, now); err != nil {
		return err
	}
	return mailed(ctx, q, known, draft.ID, nil)
}

// stateIn is that of whoever registers for e now.
func stateIn(e event.Event) State {
	if e.Approval || e.Full() {
		return Waiting
	}
	return In
}

// welcome writes the mail to somebody who has registered.
func (r *Routes) welcome(s sheet, g Guest, now time.Time) (mail.Draft, error) {
	kind := mail.Confirmation
	if g.State == Waiting {
		kind = mail.Waiting
	}
	return mail.Write(r.Letters.to(s, g, kind, now))
}

// asked returns who wants to register for e. It returns a problem that names all that is not valid.
func asked(e event.Event, in *registerIn, now time.Time) (Guest, error) {
	var wrong problem.Faults
	g := Guest{
		ID: store.NewID(), Account: e.Account, Event: e.ID, Name: account.Text(in.Body.Name), Email: strings.TrimSpace(in.Body.Email),
		Language: roll.Tag(in.Body.Language, languageOf(e)), Source: Registered, State: stateIn(e), CreatedAt: store.Moment(now),
	}
	if g.Name == "" {
		wrong.Add("/name", account.Unseen)
	}
	address, err := account.Address(g.Email)
	if err != nil {
		wrong.Add("/email", "This is not an email address.")
	}
	g.Address = &address
	g.Answers.V = answers(e.Form.V, in.Body.Answers, &wrong)
	return g, wrong.Err()
}

// answers returns those that are given to form as they are kept.
func answers(form []event.FormField, given map[string]Answer, wrong *problem.Faults) map[string]Answer {
	kept := map[string]Answer{}
	for id := range given {
		if !slices.ContainsFunc(form, func(f event.FormField) bool { return f.ID == id }) {
			wrong.Add("/answers", "The form has no such field. It may have been changed: load it again.")
			break
		}
	}
	for _, f := range form {
		a, ok := answer(f, given[f.ID].V)
		switch {
		case !ok:
			wrong.Add("/answers/"+f.ID, "This is no answer to the field.")
		case f.Required && (a == nil || a == false || a == ""):
			wrong.Add("/answers/"+f.ID, "An answer to this field is asked for.")
		case a != nil:
			kept[f.ID] = Answer{a}
		}
	}
	return kept
}

// answer returns v as it is kept for f, nil for none, and whether it is one.
func answer(f event.FormField, v any) (any, bool) {
	text, isText := v.(string)
	_, isYes := v.(bool)
	switch text = strings.TrimSpace(account.Lines(text)); {
	case v == nil || isText && text == "" && f.Kind != event.CheckboxField && f.Kind != event.ConsentField:
		return nil, true
	case f.Kind == event.TextField:
		return text, isText && len([]rune(text)) <= answerMost
	case f.Kind == event.ChoiceField:
		return text, isText && slices.Contains(f.Options, text)
	}
	return v, isYes
}

// pass tells what the page behind a guest's link shows. It counts as nothing: the door does.
func (r *Routes) pass(ctx context.Context, in *passIn) (*passOut, error) {
	from := access.From(ctx).From
	if v := r.passes.Take(limit.Network(from), r.Now()); !v.OK && !from.IsLoopback() {
		return nil, v.Refused()
	}
	unknown := problem.New(http.StatusNotFound, "pass-unknown", "Pass unknown", "This link does not work, or not any more. Ask whoever has invited you.")
	g, err := r.Desk.ByPass(ctx, in.Pass)
	if isNone(err) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	e, err := event.Get(ctx, r.Store, g.Account, g.Event)
	switch {
	case isNone(err) || err == nil && !e.Public():
		return nil, unknown
	case err != nil:
		return nil, err
	}
	return &passOut{PublicPass{g.Name, e.Slug, e.Title, e.StartsAt, e.TimeZone, e.State}}, nil
}
