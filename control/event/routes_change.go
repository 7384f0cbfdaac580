package event

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/hook"
	"freshet/control/once"
	"freshet/control/store"
	"freshet/proto/problem"
)

// hash returns what the password of an event is kept as; empty for none.
func (r *Routes) hash(ctx context.Context, password *string) (string, error) {
	if password == nil || *password == "" {
		return "", nil
	}
	if utf8.RuneCountInString(*password) < passwordLeast || !utf8.ValidString(*password) {
		return "", problem.Invalid("/password", "The password of an event has 4 to 64 characters.")
	}
	return r.Hasher.HashAny(ctx, *password)
}

func (r *Routes) create(ctx context.Context, in *createEventIn) (*createdOut, error) {
	a, now := access.From(ctx), r.Now()
	in.Body.EventFields.Title = &in.Body.Title
	password, err := r.hash(ctx, in.Body.Password)
	if err != nil {
		return nil, err
	}
	fresh := New(a.Account)
	if in.Body.Options != nil {
		fresh.Options.V = *in.Body.Options
	}
	if in.Body.Kind != nil && *in.Body.Kind == Permanent && in.Body.StartsAt == nil {
		fresh.StartsAt = store.Moment(now)
	}
	if a.Kind == audit.Person {
		p, err := account.PersonByID(ctx, r.Store, a.ID)
		if err != nil {
			return nil, err
		}
		fresh.TimeZone, fresh.MadeBy = p.TimeZone, &a.ID
	}
	if err := in.Body.apply(&fresh, password); err != nil {
		return nil, err
	}
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*createdOut, error) {
		e, err := Create(ctx, q, r.Hooks, fresh, r.Random, now)
		if err != nil {
			return nil, err
		}
		return r.created(a, e), audit.Add(ctx, q, a.Account, now, a.Act("create-event", subject(e), string(e.Kind)))
	})
}

func (r *Routes) created(a access.Actor, e Event) *createdOut {
	return &createdOut{access.ETag(e.Version), access.Prefix + "/events/" + e.ID.String(), r.show(e, a.RoleIn(""))}
}

// change runs do on an event of who asks, and has the board show what came of it.
func (r *Routes) change(ctx context.Context, id uuid.UUID, do func(ctx context.Context, q store.Querier, a access.Actor, e Event) error) error {
	_, err := made(ctx, r, id, func(ctx context.Context, q store.Querier, a access.Actor, e Event) (*struct{}, error) {
		return nil, do(ctx, q, a, e)
	})
	return err
}

// made does what change does, where something is made: once, whoever asks again.
func made[O any](ctx context.Context, r *Routes, id uuid.UUID, do func(ctx context.Context, q store.Querier, a access.Actor, e Event) (*O, error)) (*O, error) {
	a := access.From(ctx)
	out, err := once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*O, error) {
		e, err := Get(ctx, q, a.Account, id)
		if err != nil {
			return nil, none(err)
		}
		out, err := do(ctx, q, a, e)
		return out, none(err)
	})
	if err == nil {
		r.Board.Refresh(context.WithoutCancel(ctx)) // what was changed was changed, whoever still waits
	}
	return out, err
}

func (r *Routes) edit(ctx context.Context, in *editEventIn) (out *eventOut, err error) {
	if err := access.Conditional(in.IfMatch); err != nil {
		return nil, err
	}
	password, err := r.hash(ctx, in.Body.Password)
	if err != nil {
		return nil, err
	}
	err = r.change(ctx, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) error {
		if !access.Matches(in.IfMatch, e.Version) {
			return access.Changed()
		}
		if e.State == Archived || e.State == Cancelled {
			return ErrStep
		}
		was := e
		if err := in.Body.apply(&e, password); err != nil {
			return err
		}
		e, err := Update(ctx, q, e)
		if err != nil {
			return err
		}
		if err := r.Changed(ctx, q, was, e, r.Now()); err != nil {
			return err
		}
		out = r.shown(ctx, e)
		now := r.Now()
		if err := tell(ctx, q, r.Hooks, hook.EventChanged, e, now); err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, now, a.Act("edit-event", subject(e), in.Body.names()))
	})
	return out, err
}

func (r *Routes) delete(ctx context.Context, in *eventIn) (*struct{}, error) {
	return nil, r.change(ctx, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) error {
		if !e.Deletable(r.Now()) {
			return problem.New(http.StatusConflict, "held", "Not to be deleted",
				"An event may be deleted once it is over, or cancelled, and was never held; a permanent room while it is at rest.")
		}
		if err := Delete(ctx, q, a.Account, e.ID); err != nil {
			return err
		}
		now := r.Now()
		if err := tell(ctx, q, r.Hooks, hook.EventDeleted, e, now); err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, now, a.Act("delete-event", subject(e), ""))
	})
}

func (r *Routes) take(ctx context.Context, id uuid.UUID, m Move) (out *eventOut, err error) {
	err = r.change(ctx, id, func(ctx context.Context, q store.Querier, a access.Actor, e Event) error {
		now, was := r.Now(), e
		changed, err := e.Take(m, now)
		if err != nil {
			return err
		}
		if !changed { // somebody was first, or the answer was lost
			out = r.shown(ctx, e)
			return nil
		}
		if e, err = SetState(ctx, q, e); err != nil {
			return err
		}
		if err := r.Changed(ctx, q, was, e, now); err != nil {
			return err
		}
		out = r.shown(ctx, e)
		if err := tell(ctx, q, r.Hooks, m.Step.news(), e, now); err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, now, a.Act(string(m.Step)+"-event", subject(e), ""))
	})
	return out, err
}
