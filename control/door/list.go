package door

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

var (
	countPresent  = statements.Get("count_present")
	presentBefore = statements.Get("present_before")
)

// Present is somebody who is at an event now.
type Present struct {
	Session  uuid.UUID  `json:"session" format:"uuid" db:"id"`
	Guest    *uuid.UUID `json:"guest" format:"uuid" db:"guest_id" doc:"Null: none of the event's list"`
	Name     string     `json:"name" db:"name" doc:"As it was said at the door; may be empty"`
	Email    string     `json:"email" db:"email" doc:"The same"`
	Language string     `json:"language" db:"language" doc:"BCP 47, empty where it was not said"`
	Way      Way        `json:"way" db:"way" enum:"open,password,pass,direct"`
	BeganAt  time.Time  `json:"beganAt" db:"began_at"`
	SeenAt   time.Time  `json:"seenAt" db:"seen_at" doc:"When its page last renewed its token, which pages do each 5 minutes"`
}

type presentIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Cursor string    `query:"cursor" maxLength:"100" doc:"Of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type presentOut struct {
	Body struct {
		Present []Present `json:"present" nullable:"false" doc:"Who came last is first"`
		Total   int64     `json:"total" doc:"Of all pages"`
		Next    string    `json:"next,omitempty" doc:"Cursor of the page behind this one; absent on the last"`
	}
}

func (d *Door) registerList(api huma.API) {
	huma.Register(api, access.AllowIn(access.Op(http.MethodGet, "/events/{id}/present", "list-present",
		"Who is at an event: in the lobby or watching, and seen within 10 minutes", 422), permit.SeeGuests), d.present)
}

func (d *Door) present(ctx context.Context, in *presentIn) (*presentOut, error) {
	before := uuid.Max
	if in.Cursor != "" {
		var err error
		if before, err = uuid.Parse(in.Cursor); err != nil {
			return nil, problem.Invalid("/query/cursor", "This is no cursor of this list.")
		}
	}
	args := store.Args{"account": access.From(ctx).Account, "event": in.ID, "since": store.Moment(d.d.Now().Add(-inUse))}
	total, err := store.One[int64](ctx, d.d.Store, countPresent, args)
	if err != nil {
		return nil, err
	}
	args["before"], args["n"] = before, in.Limit+1
	all, err := store.All[Present](ctx, d.d.Store, presentBefore, args)
	if err != nil {
		return nil, err
	}
	out := &presentOut{}
	out.Body.Total = total
	if len(all) > in.Limit {
		all = all[:in.Limit]
		out.Body.Next = all[in.Limit-1].Session.String()
	}
	out.Body.Present = all
	if all == nil {
		out.Body.Present = []Present{}
	}
	return out, nil
}
