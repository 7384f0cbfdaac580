package event

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
)

// directLength is of a direct link's code: 160 bits.
const directLength = 32

func (r *Routes) registerDirect(api huma.API) {
	const path = "/events/{id}/direct"
	renew := access.AllowIn(access.Op(http.MethodPost, path, "make-direct", "Give an event a direct link, or another one: it lets in whoever has it, and the one before nobody any more", 409), permit.EditEvent)
	huma.Register(api, once.Keyed(renew), r.makeDirect)
	huma.Register(api, access.AllowIn(access.Op(http.MethodDelete, path, "delete-direct", "Have an event's direct link let nobody in any more"), permit.EditEvent), r.deleteDirect)
}

func (r *Routes) makeDirect(ctx context.Context, in *eventIn) (*eventOut, error) {
	code, err := pick(r.Random, letters, directLength)
	if err != nil {
		return nil, err
	}
	return made(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) (*eventOut, error) {
		if e.State == Archived || e.State == Cancelled {
			return nil, ErrStep
		}
		e.Direct = &code
		e, err := SetDirect(ctx, q, e)
		if err != nil {
			return nil, err
		}
		return r.shown(ctx, e), audit.Add(ctx, q, a.Account, r.Now(), a.Act("make-direct", subject(e), ""))
	})
}

func (r *Routes) deleteDirect(ctx context.Context, in *eventIn) (*struct{}, error) {
	return nil, r.change(ctx, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) error {
		if e.Direct == nil {
			return nil
		}
		e.Direct = nil
		if _, err := SetDirect(ctx, q, e); err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act("delete-direct", subject(e), ""))
	})
}
