package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/access"
	"freshet/control/event"
	"freshet/proto/problem"
)

// Routes are the operations of a hub.
type Routes struct {
	Hub   *Hub
	Board *event.Board
}

type liveIn struct {
	Slug string `path:"slug" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$" patternDescription:"1 to 64 of a-z, 0-9 and -"`
	Last string `header:"Last-Event-ID" maxLength:"64" doc:"Id of the newest event that is known: it is not told again"`
}

const summary = "What becomes of an event, as server-sent events"

const description = `The answer does not end by itself. It begins with the time after which to come back, with jitter, as "retry". Then there are:

- "event" with an "id": data is what GET /public/events/by-slug/{slug} tells, at first and whenever that changes. With a Last-Event-ID that is still right nothing is told at first.
- "beat" with the data {} every two seconds, and at once: who hears nothing for five is cut off.
- "gone" with the data {}: there is no event to see any more. The answer ends, and there is no point in coming back.

Ids are the same on all control nodes. A node that stops ends the answer.`

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	op := access.Anyone(access.Op(http.MethodGet, "/events/{slug}/live", "follow-event", summary,
		http.StatusNotFound, http.StatusServiceUnavailable))
	op.Description = description
	op.Responses = map[string]*huma.Response{"200": {
		Description: "OK",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(api, op, r.live)
}

func (r *Routes) live(ctx context.Context, in *liveIn) (*huma.StreamResponse, error) {
	h, from := r.Hub, access.From(ctx).From
	t, first, err := h.follow(in.Slug, from)
	if err != nil {
		return nil, h.refused(err)
	}
	if first {
		h.first(ctx, t, r.Board)
	}
	if err := h.known(ctx, t); err != nil {
		h.leave(t, from)
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer h.leave(t, from)
		why := h.serve(c, t, in.Last)
		h.m.ends.WithLabelValues(string(why)).Inc()
	}}, nil
}

// known waits until t was read for the first time.
func (h *Hub) known(ctx context.Context, t *topic) error {
	for {
		now, changed := h.look(t)
		switch {
		case now.err != nil:
			return now.err
		case now.gone:
			return event.Unknown()
		case now.version > 0:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *Hub) refused(err error) error {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now", "This node follows no more events. Ask another one, or later.")
	p.RetryAfter = time.Second + rand.N(4*time.Second)
	switch {
	case errors.Is(err, errMany):
		h.m.ends.WithLabelValues(string(endMany)).Inc()
		p.Status, p.Type, p.Title = http.StatusTooManyRequests, "/problems/too-many", "Too many requests"
		p.Detail = "Too many pages of your network follow events at once."
	case errors.Is(err, errFull):
		h.m.ends.WithLabelValues(string(endFull)).Inc()
	}
	return p
}
