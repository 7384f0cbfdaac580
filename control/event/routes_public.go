package event

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/brand"
	"freshet/control/store"
)

// PublicEvent is what anybody may know of an event.
type PublicEvent struct {
	Slug        string       `json:"slug"`
	Number      string       `json:"number" doc:"Nine digits"`
	Link        string       `json:"link" format:"uri"`
	Kind        Kind         `json:"kind" enum:"webcast,webinar,meeting,permanent"`
	Title       string       `json:"title"`
	Description string       `json:"description"`
	Languages   []string     `json:"languages" nullable:"false" doc:"BCP 47"`
	StartsAt    time.Time    `json:"startsAt"`
	EndsAt      *time.Time   `json:"endsAt"`
	TimeZone    string       `json:"timeZone"`
	State       State        `json:"state" enum:"scheduled,preparation,live,ended,cancelled"`
	Access      Rule         `json:"access" enum:"open,password,token,registration"`
	Agenda      []AgendaItem `json:"agenda" nullable:"false" doc:"By time"`
	Lobby       string       `json:"lobby" doc:"Message to those who wait"`
	Brand       brand.Brand  `json:"brand" doc:"How its pages look"`
	Embed       Where        `json:"embed" enum:"anywhere,listed,nowhere" doc:"On which sites the player may stand"`

	Registration Registering `json:"registration" enum:"closed,open,waiting-list" doc:"Waiting-list: every place is taken"`
	Approval     bool        `json:"approval" doc:"Whoever registers waits until an organizer agrees"`
	Form         []FormField `json:"form" nullable:"false" doc:"What is asked beside name and email"`
}

type publicOut struct{ Body PublicEvent }

type numberIn struct {
	Number string `path:"number" pattern:"^[0-9]{9}$" patternDescription:"nine digits"`
}

type slugIn struct {
	Slug string `path:"slug" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$" patternDescription:"1 to 64 of a-z, 0-9 and -"`
}

type calendarOut struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

// Who tries numbers finds an event of a thousand after a day at this rate.
var numberRate = limit.Rate{Name: "numbers", N: 10, Per: time.Second, Burst: 50}

func (r *Routes) registerPublic(api huma.API) {
	r.numbers = limit.New(numberRate)
	huma.Register(api, access.Anyone(access.Op(http.MethodGet, "/public/events/by-number/{number}", "event-by-number", "The event with a number", 404, 429)), r.byNumber)
	huma.Register(api, access.Anyone(access.Op(http.MethodGet, "/public/events/by-slug/{slug}", "event-by-slug", "The event at an address", 404)), r.bySlug)
	calendar := access.Anyone(access.Op(http.MethodGet, "/public/events/by-slug/{slug}/calendar", "event-calendar", "The event as a calendar file (RFC 5545)", 404))
	calendar.Responses = map[string]*huma.Response{"200": {
		Description: "OK",
		Content:     map[string]*huma.MediaType{"text/calendar": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(api, calendar, r.calendar)
}

func (r *Routes) public(e Event, err error) (*publicOut, error) {
	if err != nil {
		return nil, none(err)
	}
	return &publicOut{Shown(e, r.Pages)}, nil
}

// Shown is what anybody may know of e, with pages the base address of the pages.
func Shown(e Event, pages string) PublicEvent {
	return PublicEvent{
		Slug: e.Slug, Number: e.Number, Link: pages + "/e/" + e.Slug, Kind: e.Kind, Title: e.Title, Description: e.Description,
		Languages: e.Languages.V, StartsAt: e.StartsAt, EndsAt: e.EndsAt, TimeZone: e.TimeZone, State: e.State,
		Access: e.Access, Agenda: e.Agenda.V, Lobby: e.Lobby, Brand: e.Brand(), Embed: e.Embed.V.Where,
		Registration: e.Registers(), Approval: e.Approval, Form: e.Form.V,
	}
}

func (r *Routes) byNumber(ctx context.Context, in *numberIn) (*publicOut, error) {
	from := access.From(ctx).From
	if v := r.numbers.Take(limit.Network(from), r.Now()); !v.OK && !from.IsLoopback() {
		return nil, v.Refused()
	}
	return r.public(ByNumber(ctx, r.Store, in.Number))
}

func (r *Routes) bySlug(ctx context.Context, in *slugIn) (*publicOut, error) {
	return r.public(BySlug(ctx, r.Store, in.Slug))
}

func (r *Routes) calendar(ctx context.Context, in *slugIn) (*calendarOut, error) {
	e, err := BySlug(ctx, r.Store, in.Slug)
	if err == nil && e.Kind == Permanent { // it has no date
		err = store.ErrNone
	}
	if err != nil {
		return nil, none(err)
	}
	return &calendarOut{
		"text/calendar; charset=utf-8; method=PUBLISH", `attachment; filename="` + e.Slug + `.ics"`,
		[]byte(Calendar(e, r.Pages, r.Now())),
	}, nil
}
