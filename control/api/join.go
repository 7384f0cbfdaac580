package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/access"
	"freshet/control/door"
	"freshet/control/event"
	pb "freshet/proto"
	"freshet/proto/problem"
)

// Join tells a viewer which way to go.
type Join struct {
	Session string       `json:"session" format:"uuid" doc:"The viewer's stay at the event, whatever edges it uses"`
	Token   string       `json:"token" doc:"Bearer for the edges, and for joining again"`
	Expires time.Time    `json:"expires" doc:"When the token runs out; joining again, every 5 minutes, gives another one"`
	Streams []JoinStream `json:"streams" nullable:"false"`
	Edges   []JoinEdge   `json:"edges" nullable:"false" doc:"At most three, best first"`
	Probes  []JoinProbe  `json:"probes,omitempty" nullable:"false" doc:"At most eight edges that control cannot tell apart by distance: joining again with round trips to them may give better ones"`
}

// JoinStream is one stream of the event.
type JoinStream struct {
	ID       string `json:"id"`
	Language string `json:"language" doc:"BCP 47 tag, empty where it is not known"`
}

// JoinEdge is one edge that serves the event.
type JoinEdge struct {
	Node   string `json:"node"`
	Region string `json:"region"`
	WHEP   string `json:"whep" format:"uri" doc:"Base address; the WHEP endpoint is this, a slash and the stream's id"`
}

type joinIn struct {
	Slug          string `path:"slug" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$" patternDescription:"1 to 64 of a-z, 0-9 and -"`
	Authorization string `header:"Authorization" doc:"Bearer and the token that entering, or joining before, gave; an open event needs none"`

	Origin string `header:"Origin" doc:"Of the page that asks, as browsers tell it; of another site, the event must allow it"`

	host string // that was asked

	Body *joinHint `required:"false"`
}

// Resolve implements huma.Resolver.
func (in *joinIn) Resolve(c huma.Context) []error {
	in.host = c.Host()
	return nil
}

// foreign says whether a page of another site asks, as far as browsers tell.
func (a *API) foreign(in *joinIn) bool {
	return !slices.Contains([]string{"", a.pages, "http://" + in.host, "https://" + in.host}, in.Origin)
}

type joinOut struct{ Body Join }

func (a *API) routeJoin() {
	op := access.Anyone(access.Op(http.MethodPost, "/events/{slug}/join", "join-event", "Join an event: the nearest edges and a token for them",
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable))
	huma.Register(a.doc, op, func(ctx context.Context, in *joinIn) (*joinOut, error) {
		at, streams := a.joined(in.Slug)
		if len(streams) == 0 {
			a.m.joins.WithLabelValues(string(joinUnknown)).Inc()
			return nil, event.Unknown()
		}
		if a.foreign(in) && !at.Embed.V.Allows(in.Origin) {
			a.m.joins.WithLabelValues(string(joinElsewhere)).Inc()
			return nil, problem.New(http.StatusForbidden, "embed-refused", "Not on this site",
				"The organizer of this event does not let this site show it. It can be watched on its own page.")
		}
		from := access.From(ctx).From
		ticket, err := a.d.Door.Join(at, door.Bearer(in.Authorization), from)
		if err != nil {
			a.m.joins.WithLabelValues(string(joinRefused)).Inc()
			return nil, err
		}
		out := Join{Session: ticket.Session.String(), Token: ticket.Token, Expires: ticket.Expires, Streams: streams}
		var told joinHint
		if in.Body != nil {
			told = *in.Body
		}
		out.Edges, out.Probes = a.nearest(at.Slug, ticket.Session, from, told)
		if len(out.Edges) == 0 {
			a.m.joins.WithLabelValues(string(joinNoEdge)).Inc()
			return nil, unavailable("No edge is there to serve this event yet.")
		}
		a.m.joins.WithLabelValues(string(joinDone)).Inc()
		return &joinOut{out}, nil
	})
}

// joined returns the event at an address and its streams, none where there is nothing to join.
func (a *API) joined(slug string) (at event.Door, streams []JoinStream) {
	on, ok := a.d.Board.On(slug)
	switch {
	case ok && on.State == event.Live:
		for _, s := range on.Streams {
			streams = append(streams, JoinStream{s.ID, s.Language})
		}
	case !ok:
		for _, r := range a.d.Records.All() { // those that no event has
			if r.Event == slug && r.Open && r.State != pb.StreamState_STREAM_STATE_CLOSED {
				streams = append(streams, JoinStream{ID: r.Id})
			}
		}
		on.Door = event.Door{Slug: slug, Access: event.Open}
	}
	return on.Door, streams
}

func unavailable(detail string) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now", detail)
	p.RetryAfter = 2 * time.Second
	return p
}
