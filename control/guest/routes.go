package guest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/roll"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Routes are the operations on guests, and what guests ask themselves.
type Routes struct {
	Store   *store.DB
	Letters *Letters
	Mailer  *Mailer
	Desk    *Desk
	Door    *door.Door
	Now     func() time.Time

	registrations, addresses, events, again, passes, mailings *limit.Limiter
}

// EventGuest is a guest as the API shows it.
type EventGuest struct {
	ID        uuid.UUID         `json:"id" format:"uuid"`
	Name      string            `json:"name"`
	Email     string            `json:"email"`
	Language  string            `json:"language" doc:"BCP 47"`
	Source    Source            `json:"source" enum:"added,imported,registered"`
	State     State             `json:"state" enum:"in,waiting,refused,erased" doc:"Erased: has asked for it, nothing is left but that there was somebody"`
	Answers   map[string]Answer `json:"answers" nullable:"false" doc:"By the ids of the form's fields"`
	CreatedAt time.Time         `json:"createdAt"`
	InvitedAt *time.Time        `json:"invitedAt" doc:"Last; null: never"`
	SeenAt    *time.Time        `json:"seenAt" doc:"Last at the door; null: never"`
	Mail      *LastMail         `json:"mail" doc:"The last one to the guest; null: none"`
}

// LastMail is what became of a mail.
type LastMail struct {
	State  string `json:"state" enum:"waiting,sent,failed"`
	Answer string `json:"answer" doc:"Of the mail server, where it did not take it"`
}

type guestsIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Search string    `query:"search" maxLength:"200" doc:"Words of name and address, in any case, without accents"`
	Source Source    `query:"source" enum:"added,imported,registered"`
	State  State     `query:"state" enum:"in,waiting,refused,erased"`
	Cursor string    `query:"cursor" maxLength:"100" doc:"Of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type guestsOut struct {
	Body struct {
		Guests  []EventGuest `json:"guests" nullable:"false" doc:"The newest first"`
		Total   int64        `json:"total" doc:"Of all pages"`
		Waiting int64        `json:"waiting" doc:"Of all guests, those who wait"`
		Next    string       `json:"next,omitempty" doc:"Cursor of the page behind this one; absent on the last"`
	}
}

type guestIn struct {
	ID    uuid.UUID `path:"id" format:"uuid"`
	Guest uuid.UUID `path:"guest" format:"uuid"`
}

type guestOut struct{ Body EventGuest }

type addGuestsIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Guests []roll.NewPerson `json:"guests" minItems:"1" maxItems:"1000" nullable:"false"`
		Invite bool             `json:"invite,omitempty" doc:"Those who are new on the list"`
	}
}

type reportOut struct{ Body roll.AddReport }

type emptyIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Count int64 `json:"count" minimum:"0" doc:"Of all guests of the event, as whoever asks has read it"`
	}
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	const all, one = "/events/{id}/guests", "/events/{id}/guests/{guest}"
	see := func(op huma.Operation) huma.Operation { return access.AllowIn(op, permit.SeeGuests) }
	edit := func(op huma.Operation) huma.Operation { return access.AllowIn(op, permit.EditGuests) }
	huma.Register(api, see(access.Op(http.MethodGet, all, "list-guests", "Guests of an event, the newest first", 422)), r.list)
	huma.Register(api, once.Keyed(edit(access.Op(http.MethodPost, all, "add-guests", "Put guests on the list", 409, 422))), r.add)
	huma.Register(api, edit(access.Op(http.MethodDelete, all, "remove-guests", "Empty the list; their passes let nobody in any more", 409, 422)), r.empty)
	huma.Register(api, edit(access.Op(http.MethodDelete, one, "remove-guest", "Take a guest off the list; its pass lets nobody in any more")), r.remove)
	huma.Register(api, edit(access.Op(http.MethodPost, one+"/accept", "accept-guest", "Give a guest who waits a place, and send the link", 409)), r.accept)
	huma.Register(api, edit(access.Op(http.MethodPost, one+"/refuse", "refuse-guest", "Refuse a guest; its pass lets nobody in any more")), r.refuse)
	huma.Register(api, once.Keyed(edit(access.Op(http.MethodPost, "/events/{id}/invitations", "invite-guests", "Send mails to guests", 409, 422, 429))), r.invite)
	huma.Register(api, edit(access.Op(http.MethodGet, "/events/{id}/invitations", "count-mails", "How many mails guests would be sent")), r.mailCount)
	huma.Register(api, see(access.Op(http.MethodGet, all+"/log", "guest-log", "Who did what to the list of guests, the newest first", 422)), r.log)
	file := see(access.Op(http.MethodGet, "/events/{id}/guests.xlsx", "guests-file", "All guests with their answers, as a workbook for spreadsheets", 422))
	file.Responses = map[string]*huma.Response{"200": {
		Description: "OK",
		Content:     map[string]*huma.MediaType{excelType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	huma.Register(api, file, r.excel)
	r.registerImport(api)
	r.registerContacts(api)
	r.registerStop(api)
	r.registerPublic(api)
}

func none(err error) error {
	if isNone(err) {
		return problem.New(http.StatusNotFound, "not-found", "Not found", "The event has no such guest.")
	}
	return err
}

func (g Guest) shown() EventGuest {
	v := EventGuest{
		ID: g.ID, Name: g.Name, Email: g.Email, Language: g.Language, Source: g.Source, State: g.State, Answers: g.Answers.V,
		CreatedAt: g.CreatedAt, InvitedAt: g.InvitedAt, SeenAt: g.SeenAt,
	}
	if v.Answers == nil {
		v.Answers = map[string]Answer{}
	}
	return v
}

func (g listed) shown() EventGuest {
	v := g.Guest.shown()
	if g.MailState != nil {
		v.Mail = &LastMail{State: *g.MailState, Answer: *g.MailAnswer}
	}
	return v
}

func (r *Routes) list(ctx context.Context, in *guestsIn) (*guestsOut, error) {
	before := uuid.Max
	if in.Cursor != "" {
		var err error
		if before, err = uuid.Parse(in.Cursor); err != nil {
			return nil, problem.Invalid("/query/cursor", "This is no cursor of this list.")
		}
	}
	f := filter{access.From(ctx).Account, in.ID, in.Source, in.State, in.Search}
	all, err := list(ctx, r.Store, f, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &guestsOut{}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		out.Body.Next = all[in.Limit-1].ID.String()
	}
	out.Body.Guests = []EventGuest{}
	for _, g := range all {
		out.Body.Guests = append(out.Body.Guests, g.shown())
	}
	if out.Body.Total, err = count(ctx, r.Store, f); err != nil {
		return nil, err
	}
	out.Body.Waiting, err = count(ctx, r.Store, filter{account: f.account, event: f.event, state: Waiting})
	return out, err
}

// change runs do on an event of who asks, once.
func change[O any](ctx context.Context, r *Routes, id uuid.UUID, do func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*O, error)) (*O, error) {
	a := access.From(ctx)
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*O, error) {
		e, err := event.Get(ctx, q, a.Account, id)
		if isNone(err) {
			return nil, event.Unknown()
		}
		if err != nil {
			return nil, err
		}
		return do(ctx, q, a, e)
	})
}

func subject(e uuid.UUID) string { return "event/" + e.String() }

func (r *Routes) add(ctx context.Context, in *addGuestsIn) (*reportOut, error) {
	return change(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*reportOut, error) {
		rows, bad := roll.CheckAll(in.Body.Guests)
		report, err := r.put(ctx, q, a, e, "add-guests", Added, rows, in.Body.Invite)
		if err != nil {
			return nil, err
		}
		report.Bad = bad
		return &reportOut{report}, nil
	})
}

// put keeps rows, once each, notes that, and has them invited where that is wanted.
func (r *Routes) put(ctx context.Context, q store.Querier, a access.Actor, e event.Event, action string, s Source, rows []roll.Entry, invite bool) (roll.AddReport, error) {
	now := r.Now()
	n, err := count(ctx, q, filter{account: e.Account, event: e.ID})
	if err != nil {
		return roll.AddReport{}, err
	}
	if n+int64(len(rows)) > most {
		return roll.AddReport{}, problem.New(http.StatusConflict, "full", "No more guests", "An event has at most 100,000 guests.")
	}
	fresh := roll.Once(rows)
	for i := range fresh {
		if fresh[i].Language == "" {
			fresh[i].Language = languageOf(e)
		}
	}
	added, err := addAll(ctx, q, e, fresh, s, a.ID, now)
	if err != nil {
		return roll.AddReport{}, err
	}
	report := roll.AddReport{Added: added, Double: len(rows) - added, Bad: []roll.BadLine{}}
	if err := audit.Add(ctx, q, a.Account, now, a.Act(action, subject(e.ID), fmt.Sprintf("%d added", added))); err != nil {
		return roll.AddReport{}, err
	}
	if !invite || added == 0 {
		return report, nil
	}
	ids := make([]uuid.UUID, len(fresh)) // of those who were on the list already nobody has such an id
	for i, one := range fresh {
		ids[i] = one.ID
	}
	_, err = r.Mailer.begin(ctx, q, mailing{
		Account: e.Account, Event: e.ID, Kind: mail.Invitation, Guests: store.JSON[[]uuid.UUID]{V: ids},
	}, now)
	return report, err
}

func (r *Routes) empty(ctx context.Context, in *emptyIn) (*struct{}, error) {
	return change(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*struct{}, error) {
		n, err := count(ctx, q, filter{account: a.Account, event: e.ID})
		if err != nil {
			return nil, err
		}
		if n != in.Body.Count {
			return nil, problem.New(http.StatusConflict, "count", "Another number", "The list has another number of guests than you were shown. Nobody was removed: look again.")
		}
		if err := r.Door.RevokeAll(ctx, q, e.ID); err != nil {
			return nil, err
		}
		if _, err := store.Exec(ctx, q, deleteGuests, store.Args{"account": a.Account, "event": e.ID}); err != nil {
			return nil, err
		}
		return nil, audit.Add(ctx, q, a.Account, r.Now(), a.Act("remove-guests", subject(e.ID), fmt.Sprintf("%d removed", n)))
	})
}

// one runs do on a guest of an event of who asks, and notes it.
func one[O any](ctx context.Context, r *Routes, in *guestIn, action string, do func(ctx context.Context, q store.Querier, e event.Event, g Guest) (*O, error)) (*O, error) {
	return change(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*O, error) {
		g, err := get(ctx, q, e, in.Guest)
		if err != nil {
			return nil, none(err)
		}
		out, err := do(ctx, q, e, g)
		if err != nil {
			return nil, err
		}
		return out, audit.Add(ctx, q, a.Account, r.Now(), a.Act(action, subject(e.ID), "guest/"+g.ID.String()))
	})
}

func (r *Routes) remove(ctx context.Context, in *guestIn) (*struct{}, error) {
	return one(ctx, r, in, "remove-guest", func(ctx context.Context, q store.Querier, e event.Event, g Guest) (*struct{}, error) {
		if err := r.Door.Revoke(ctx, q, g.ID); err != nil {
			return nil, err
		}
		if _, err := store.Exec(ctx, q, deleteGuest, store.Args{"account": e.Account, "event": e.ID, "id": g.ID}); err != nil {
			return nil, err
		}
		return nil, r.Mailer.moveUp(ctx, q, e, r.Now())
	})
}

func (r *Routes) accept(ctx context.Context, in *guestIn) (*guestOut, error) {
	return one(ctx, r, in, "accept-guest", func(ctx context.Context, q store.Querier, e event.Event, g Guest) (*guestOut, error) {
		switch {
		case g.State == In: // somebody was first, or the answer was lost
			return &guestOut{g.shown()}, nil
		case g.State == Erased:
			return nil, none(store.ErrNone)
		case e.Full():
			return nil, problem.New(http.StatusConflict, "full", "No place is free", "Every place of the event is taken. Raise their number, or remove a guest first.")
		}
		g, err := setState(ctx, q, g, In)
		if err != nil {
			return nil, err
		}
		if err := r.Mailer.write(ctx, q, mailing{Kind: mail.Accepted}, e, []Guest{g}, r.Now()); err != nil {
			return nil, err
		}
		return &guestOut{g.shown()}, nil
	})
}

func (r *Routes) refuse(ctx context.Context, in *guestIn) (*guestOut, error) {
	return one(ctx, r, in, "refuse-guest", func(ctx context.Context, q store.Querier, e event.Event, g Guest) (*guestOut, error) {
		switch {
		case g.State == Refused:
			return &guestOut{g.shown()}, nil
		case g.State == Erased:
			return nil, none(store.ErrNone)
		}
		if err := r.Door.Revoke(ctx, q, g.ID); err != nil {
			return nil, err
		}
		g, err := setState(ctx, q, g, Refused)
		if err != nil {
			return nil, err
		}
		return &guestOut{g.shown()}, r.Mailer.moveUp(ctx, q, e, r.Now())
	})
}
