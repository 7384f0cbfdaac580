package event

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/audit"
	"freshet/proto/problem"
)

func (r *Routes) list(ctx context.Context, in *listEventsIn) (*listEventsOut, error) {
	a := access.From(ctx)
	after, err := placeOf(in.Cursor)
	if err != nil {
		return nil, err
	}
	all, err := List(ctx, r.Store, Search{
		Account: a.Account, Person: a.ID, All: a.Role.Whole() || a.Kind == audit.Key, Words: in.Q, State: in.State,
		From: in.From, To: in.To, Newest: in.Newest, After: after, N: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	out := &listEventsOut{}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		last := all[in.Limit-1]
		out.Body.Next = Place{last.StartsAt, last.ID}.cursor()
	}
	out.Body.Events = []EventLine{}
	for _, e := range all {
		out.Body.Events = append(out.Body.Events, r.line(e.Line, a.RoleIn(e.Role)))
	}
	return out, nil
}

func (p Place) cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", p.At.UnixMicro(), p.ID))
}

func placeOf(cursor string) (Place, error) {
	if cursor == "" {
		return Place{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	at, id, _ := strings.Cut(string(b), " ")
	micros, errAt := strconv.ParseInt(at, 10, 64)
	p := Place{At: time.UnixMicro(micros).UTC()}
	p.ID, _ = uuid.Parse(id)
	if err != nil || errAt != nil || p.ID == uuid.Nil || p.At.Before(earliest) || p.At.After(latest) {
		return Place{}, problem.Invalid("/query/cursor", "This is no cursor of this list.")
	}
	return p, nil
}
