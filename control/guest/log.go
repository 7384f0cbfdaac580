package guest

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/store"
	"freshet/proto/problem"
)

var (
	guestLog      = statements.Get("guest_log")
	guestsAddedAt = statements.Get("guests_added_at")
)

// LogEntry is what somebody did to the list of guests.
type LogEntry struct {
	At     time.Time  `json:"at"`
	By     LogActor   `json:"by"`
	Action string     `json:"action" enum:"add-guests,import-guests,invite-guests,accept-guest,refuse-guest,remove-guest,remove-guests,erase-guest"`
	Detail string     `json:"detail" doc:"How many, or which guest"`
	Guests []LogGuest `json:"guests" nullable:"false" doc:"Whom it has added, the first ten, but for those who were removed since"`
}

// LogActor is who did it.
type LogActor struct {
	Kind audit.Kind `json:"kind" enum:"person,key,system"`
	ID   *uuid.UUID `json:"id"`
	Name string     `json:"name" doc:"Empty of a person who was erased"`
}

// LogGuest is one who was added.
type LogGuest struct {
	ID    uuid.UUID `db:"id" json:"id" format:"uuid"`
	Name  string    `db:"name" json:"name"`
	Email string    `db:"email" json:"email"`
}

type logIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Cursor string    `query:"cursor" maxLength:"20" doc:"Of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type logOut struct {
	Body struct {
		Entries []LogEntry `json:"entries" nullable:"false" doc:"The newest first"`
		Next    string     `json:"next,omitempty" doc:"Cursor of the page behind this one; absent on the last"`
	}
}

// loggedGuests is how many guests an entry names.
const loggedGuests = 10

func (r *Routes) log(ctx context.Context, in *logIn) (*logOut, error) {
	before := int64(1) << 62
	if in.Cursor != "" {
		var err error
		if before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil {
			return nil, problem.Invalid("/query/cursor", "This is no cursor of this list.")
		}
	}
	type entry struct {
		Number  int64      `db:"number"`
		At      time.Time  `db:"at"`
		Actor   audit.Kind `db:"actor"`
		ActorID *uuid.UUID `db:"actor_id"`
		Action  string     `db:"action"`
		Detail  string     `db:"detail"`
		Name    string     `db:"name"`
	}
	found, err := store.All[entry](ctx, r.Store, guestLog, store.Args{
		"account": access.From(ctx).Account, "subject": subject(in.ID), "before": before, "n": in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	out := &logOut{}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		out.Body.Next = strconv.FormatInt(found[in.Limit-1].Number, 10)
	}
	out.Body.Entries = []LogEntry{}
	for _, f := range found {
		e := LogEntry{At: f.At, By: LogActor{f.Actor, f.ActorID, f.Name}, Action: f.Action, Detail: f.Detail, Guests: []LogGuest{}}
		if f.Action == "add-guests" || f.Action == "import-guests" {
			added, err := store.All[LogGuest](ctx, r.Store, guestsAddedAt, store.Args{"event": in.ID, "by": f.ActorID, "at": f.At, "n": loggedGuests})
			if err != nil {
				return nil, err
			}
			e.Guests = append(e.Guests, added...)
		}
		out.Body.Entries = append(out.Body.Entries, e)
	}
	return out, nil
}
