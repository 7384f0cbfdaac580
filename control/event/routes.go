package event

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/hook"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Routes are the operations on events.
type Routes struct {
	Store  *store.DB
	Mail   *mail.Queue
	Hasher *login.Hasher
	Board  *Board
	Hooks  *hook.Queue
	Random io.Reader // of names
	Now    func() time.Time
	Pages  string // base address of the pages, for links

	// Changed is told of each change of an event that guests may notice, in the transaction that makes it.
	Changed func(ctx context.Context, q store.Querier, was, is Event, now time.Time) error

	numbers, mails, mailsOf *limit.Limiter
}

// EventLine is what lists show of an event.
type EventLine struct {
	ID          uuid.UUID   `json:"id" format:"uuid"`
	Slug        string      `json:"slug" doc:"In its address; it stays when the title changes"`
	Number      string      `json:"number" doc:"Nine digits"`
	Link        string      `json:"link" format:"uri" doc:"For those who come"`
	Kind        Kind        `json:"kind" enum:"webcast,webinar,meeting,permanent"`
	Title       string      `json:"title"`
	Languages   []string    `json:"languages" nullable:"false" doc:"BCP 47"`
	StartsAt    time.Time   `json:"startsAt"`
	EndsAt      *time.Time  `json:"endsAt"`
	TimeZone    string      `json:"timeZone"`
	State       State       `json:"state" enum:"scheduled,preparation,live,ended,archived,cancelled"`
	Access      Rule        `json:"access" enum:"open,password,token,registration"`
	HeldAt      *time.Time  `json:"heldAt" doc:"When it first went live; null: never"`
	EndedAt     *time.Time  `json:"endedAt" doc:"When it last ended; null while it is live"`
	CancelledAt *time.Time  `json:"cancelledAt"`
	Role        permit.Role `json:"role" enum:"owner,organizer,collaborator,presenter" doc:"Of who asks"`
}

// EventDetails are all of an event but what is secret.
type EventDetails struct {
	EventLine
	Description string       `json:"description"`
	Agenda      []AgendaItem `json:"agenda" nullable:"false" doc:"By time"`
	Lobby       string       `json:"lobby"`
	MailHidden  []MailBlock  `json:"mailHidden" nullable:"false" enum:"logo,number,calendar,agenda,lobby,signature" doc:"What mails about the event do not show"`
	Password    bool         `json:"password" doc:"One was chosen"`
	Options     EventOptions `json:"options"`
	Form        []FormField  `json:"form" nullable:"false" doc:"What is asked of those who register, beside name and email"`
	Cap         *int64       `json:"cap" doc:"Guests that have a place; null: any number"`
	Approval    bool         `json:"approval" doc:"Whoever registers waits until an organizer agrees"`
	Embed       Embed        `json:"embed" doc:"On which sites the player may stand"`
	Filters     Filters      `json:"filters" doc:"Who may come, by where they come from"`
	CreatedAt   time.Time    `json:"createdAt"`
	May         login.Acts   `json:"may" nullable:"false" doc:"What the role allows in this event"`
	Steps       []Step       `json:"steps" nullable:"false" enum:"prepare,schedule,start,end,archive,cancel" doc:"That the state and the role allow now"`
	DirectLink  string       `json:"directLink,omitempty" format:"uri" doc:"Lets in whoever has it, whatever the access rule; absent where there is none, and for those who may not edit the event"`
	Deletable   bool         `json:"deletable" doc:"It is over and was never held, or is a permanent room at rest"`
}

type eventOut struct {
	ETag string `header:"ETag"`
	Body EventDetails
}

type createdOut struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     EventDetails
}

type eventIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type createEventIn struct {
	Body struct {
		Title string `json:"title" minLength:"1" maxLength:"200"`
		EventFields
		Options *EventOptions `json:"options,omitempty" doc:"What the order form grants; absent: everything"`
	}
}

type editEventIn struct {
	ID      uuid.UUID `path:"id" format:"uuid"`
	IfMatch []string  `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	Body    EventFields
}

type cloneEventIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body *struct {
		Title    *string    `json:"title,omitempty" minLength:"1" maxLength:"200"`
		StartsAt *time.Time `json:"startsAt,omitempty" doc:"Absent: the same time of day and weekday, in the weeks to come"`
	} `required:"false"`
}

type listEventsIn struct {
	Q      string    `query:"q" maxLength:"200" doc:"Words of the title, in any case, without accents"`
	State  State     `query:"state" enum:"scheduled,preparation,live,ended,archived,cancelled"`
	From   time.Time `query:"from" doc:"Of the start"`
	To     time.Time `query:"to" doc:"Of the start, without this moment itself"`
	Newest bool      `query:"newest" doc:"The latest start first"`
	Cursor string    `query:"cursor" maxLength:"100" doc:"Of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type listEventsOut struct {
	Body struct {
		Events []EventLine `json:"events" nullable:"false" doc:"By their start"`
		Next   string      `json:"next,omitempty" doc:"Cursor of the page behind this one; absent on the last"`
	}
}

// summaries of the steps, for the document.
var summaries = map[Step]string{
	Prepare:  "Let presenters send, and nobody watch yet",
	Schedule: "Go back from preparation",
	Start:    "Go live",
	End:      "End the event",
	Archive:  "Hide an event that has ended from visitors",
	Cancel:   "Cancel an event that is not live yet",
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	huma.Register(api, access.Allow(access.Op(http.MethodGet, "/events", "list-events", "Events that one has a role in, by their start", 422), permit.SeeEvent), r.list)
	create := access.Allow(access.Op(http.MethodPost, "/events", "create-event", "Create an event", 422), permit.CreateEvents)
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Keyed(create), r.create)
	huma.Register(api, access.AllowIn(access.Op(http.MethodGet, "/events/{id}", "get-event", "One event"), permit.SeeEvent), r.get)
	huma.Register(api, access.AllowIn(access.Op(http.MethodPatch, "/events/{id}", "edit-event", "Change an event", 409, 412, 422, 428), permit.EditEvent), r.edit)
	huma.Register(api, access.AllowIn(access.Op(http.MethodDelete, "/events/{id}", "delete-event", "Delete an event that was never held, or a permanent room", 409), permit.EditEvent), r.delete)
	for _, m := range Moves {
		op := access.Op(http.MethodPost, "/events/{id}/"+string(m.Step), string(m.Step)+"-event", summaries[m.Step], 409)
		huma.Register(api, access.AllowIn(op, m.Act), func(ctx context.Context, in *eventIn) (*eventOut, error) { return r.take(ctx, in.ID, m) })
	}
	clone := access.AllowIn(access.Op(http.MethodPost, "/events/{id}/clone", "clone-event", "Create an event like this one, with its streams and without its users", 422), permit.CreateEvents)
	clone.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Keyed(clone), r.clone)
	r.registerDirect(api)
	r.registerStreams(api)
	r.registerUsers(api)
	r.registerPublic(api)
}

// Unknown is the error of an event that is none, or nothing to who asks.
func Unknown() *problem.Problem {
	return problem.New(http.StatusNotFound, "event-unknown", "Event unknown", "There is no such event.")
}

// NotHere is the error of who may not come for where they come from. It does not say which list has that done. Lists of
// email domains hold for whoever says an address at the door or to register, not for guests whom somebody has let in.
func NotHere() *problem.Problem {
	return problem.New(http.StatusForbidden, "not-here", "Not open to you", "This event is not open to you here. Ask its organizer.")
}

func none(err error) error {
	switch {
	case errors.Is(err, store.ErrNone):
		return Unknown()
	case errors.Is(err, ErrChanged):
		return access.Changed()
	case errors.Is(err, ErrStep):
		return problem.New(http.StatusConflict, "state", "Not in this state", "The event's state does not allow this. Nothing was changed.")
	case errors.Is(err, ErrTooLate):
		return problem.New(http.StatusConflict, "too-late", "Too late", "The event ended more than a day ago. Clone it to hold it again.")
	}
	return err
}

func (r *Routes) line(e Line, role permit.Role) EventLine {
	return EventLine{
		ID: e.ID, Slug: e.Slug, Number: e.Number, Link: r.Pages + "/e/" + e.Slug, Kind: e.Kind, Title: e.Title,
		Languages: e.Languages.V, StartsAt: e.StartsAt, EndsAt: e.EndsAt, TimeZone: e.TimeZone, State: e.State,
		Access: e.Access, HeldAt: e.HeldAt, EndedAt: e.EndedAt, CancelledAt: e.CancelledAt, Role: role,
	}
}

// show returns e as a, who has role in it, sees it.
func (r *Routes) show(e Event, role permit.Role) EventDetails {
	now := r.Now()
	v := EventDetails{
		EventLine: r.line(e.Line, role), Description: e.Description, Agenda: e.Agenda.V, Lobby: e.Lobby,
		Password: e.Password != nil, Options: e.Options.V, Embed: e.Embed.V, MailHidden: e.MailHidden.V, Filters: filtersOf(e.Filter.V), Form: e.Form.V, Cap: e.Cap, Approval: e.Approval, CreatedAt: e.CreatedAt, May: login.Acts{}, Steps: []Step{},
		Deletable: e.Deletable(now) && role.May(permit.EditEvent),
	}
	for _, act := range permit.Acts() {
		if role.May(act) && permit.OfEvent(act) {
			v.May = append(v.May, act)
		}
	}
	for _, m := range Moves {
		then := e
		if changed, err := then.Take(m, now); changed && err == nil && role.May(m.Act) {
			v.Steps = append(v.Steps, m.Step)
		}
	}
	return v
}

func (r *Routes) shown(ctx context.Context, e Event) *eventOut {
	a := access.From(ctx)
	out := &eventOut{access.ETag(e.Version), r.show(e, a.In)}
	if e.Direct != nil && a.MayIn(permit.EditEvent) {
		out.Body.DirectLink = r.Pages + "/e/" + e.Slug + "?direct=" + *e.Direct
	}
	return out
}

func subject(e Event) string { return "event/" + e.ID.String() }

func (r *Routes) get(ctx context.Context, in *eventIn) (*eventOut, error) {
	e, err := Get(ctx, r.Store, access.From(ctx).Account, in.ID)
	if err != nil {
		return nil, none(err)
	}
	return r.shown(ctx, e), nil
}
