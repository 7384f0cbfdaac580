package event

import (
	"context"
	"net/http"
	"time"

	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/brand"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

func (r *Routes) clone(ctx context.Context, in *cloneEventIn) (*createdOut, error) {
	a, now := access.From(ctx), r.Now()
	if !a.May(permit.CreateEvents) { // an organizer of this one event
		return nil, problem.New(http.StatusForbidden, "forbidden", "Not allowed", "Your role in the account does not allow this.")
	}
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*createdOut, error) {
		was, err := Get(ctx, q, a.Account, in.ID)
		if err != nil {
			return nil, none(err)
		}
		like := was
		like.State = Scheduled
		if a.Kind == audit.Person {
			like.MadeBy = &a.ID
		}
		like.shift(now)
		f := EventFields{}
		if in.Body != nil {
			f.Title = in.Body.Title
			if at := in.Body.StartsAt; at != nil {
				like.move(store.Moment(*at))
			}
		}
		if err := f.apply(&like, ""); err != nil {
			return nil, err
		}
		e, err := Create(ctx, q, r.Hooks, like, r.Random, now)
		if err != nil {
			return nil, err
		}
		if err := brand.Copy(ctx, q, a.Account, was.ID, e.ID); err != nil {
			return nil, err
		}
		streams, err := Streams(ctx, q, a.Account, was.ID)
		if err != nil {
			return nil, err
		}
		for i, s := range streams {
			s.Event = e.ID
			at := now.Add(time.Duration(i) * time.Microsecond) // in the same order
			if _, err := AddStream(ctx, q, s, nil, r.Random, at); err != nil {
				return nil, err
			}
		}
		return r.created(a, e), audit.Add(ctx, q, a.Account, now, a.Act("clone-event", subject(e), "of "+subject(was)))
	})
}

// move has e start at another time, and last as long.
func (e *Event) move(to time.Time) {
	if e.EndsAt != nil {
		end := to.Add(e.EndsAt.Sub(e.StartsAt))
		e.EndsAt = &end
	}
	e.StartsAt = to
}

// shift moves e by whole weeks, in its own time zone, into the time after now; it always moves one.
func (e *Event) shift(now time.Time) {
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	weeks := max(1, int(now.Sub(e.StartsAt)/(7*24*time.Hour))+1)
	for to := e.StartsAt.In(zone); ; weeks++ {
		if next := to.AddDate(0, 0, 7*weeks); next.After(now) {
			e.move(next.UTC())
			return
		}
	}
}
