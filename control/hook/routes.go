package hook

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Routes are the operations on an account's webhooks.
type Routes struct {
	Store  *store.DB
	Queue  *Queue
	Reach  *Reach
	Signer *Signer
	Now    func() time.Time
}

// Webhook is a hook as the API shows it.
type Webhook struct {
	ID      uuid.UUID  `json:"id" format:"uuid"`
	URL     string     `json:"url" format:"uri"`
	Kinds   []Kind     `json:"kinds" nullable:"false" enum:"event.created,event.changed,event.started,event.ended,event.cancelled,event.deleted,guest.registered,viewer.entered"`
	MadeAt  time.Time  `json:"madeAt"`
	OffAt   *time.Time `json:"offAt" doc:"When it was switched off; null while it is told"`
	Failing *time.Time `json:"failingSince" doc:"Of the first of the attempts that have failed since one went well; null where the last did"`
	NextAt  *time.Time `json:"nextAt" doc:"When it is tried again; null while nothing fails"`
}

// NewWebhook is a hook that was made just now.
type NewWebhook struct {
	Webhook
	HookSecret
}

// HookSecret is what a hook's messages are signed by.
type HookSecret struct {
	Secret string `json:"secret" doc:"What messages are signed by (standardwebhooks.com). It is shown this once"`
}

type hooksOut struct {
	Body []Webhook `nullable:"false"`
}

type hookOut struct {
	ETag string `header:"ETag"`
	Body Webhook
}

type makeHookIn struct {
	Body struct {
		URL   string `json:"url" maxLength:"2000" doc:"https://… of the public internet"`
		Kinds []Kind `json:"kinds" nullable:"false" minItems:"1" maxItems:"8" uniqueItems:"true" enum:"event.created,event.changed,event.started,event.ended,event.cancelled,event.deleted,guest.registered,viewer.entered"`
	}
}

type madeOut struct {
	ETag string `header:"ETag"`
	Body NewWebhook
}

type hookIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type editHookIn struct {
	ID      uuid.UUID `path:"id" format:"uuid"`
	IfMatch []string  `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	Body    struct {
		URL   *string `json:"url,omitempty" maxLength:"2000"`
		Kinds *[]Kind `json:"kinds,omitempty" nullable:"false" minItems:"1" maxItems:"8" uniqueItems:"true" enum:"event.created,event.changed,event.started,event.ended,event.cancelled,event.deleted,guest.registered,viewer.entered"`
		On    *bool   `json:"on,omitempty" doc:"Whether it is told; what waits for one that is switched off is given up"`
	}
}

type secretOut struct{ Body HookSecret }

type testedHookOut struct {
	Body struct {
		ID uuid.UUID `json:"id" format:"uuid" doc:"Of the delivery"`
	}
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	const all, one = "/webhooks", "/webhooks/{id}"
	allow := func(op huma.Operation) huma.Operation { return access.Allow(op, permit.EditWebhooks) }
	huma.Register(api, allow(access.Op(http.MethodGet, all, "list-webhooks", "Webhooks of the account, the oldest first")), r.list)
	add := allow(access.Op(http.MethodPost, all, "make-webhook", "Make a webhook; its secret is shown this once", 409, 422))
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Secret(add), r.make)
	huma.Register(api, allow(access.Op(http.MethodGet, one, "get-webhook", "One webhook", 404)), r.get)
	huma.Register(api, allow(access.Op(http.MethodPatch, one, "edit-webhook", "Change a webhook, or switch it off or on", 404, 412, 422, 428)), r.edit)
	huma.Register(api, allow(access.Op(http.MethodDelete, one, "delete-webhook", "Delete a webhook, with what waits for it", 404)), r.delete)
	huma.Register(api, once.Secret(allow(access.Op(http.MethodPost, one+"/secret", "renew-webhook", "Give a webhook a new secret, shown this once; nothing is signed by the old one from then on", 404))), r.renew)
	test := allow(access.Op(http.MethodPost, one+"/test", "test-webhook", "Send a webhook a message of kind test, behind what waits for it", 404, 409))
	test.DefaultStatus = http.StatusAccepted
	huma.Register(api, once.Keyed(test), r.test)
	huma.Register(api, allow(access.Op(http.MethodGet, one+"/deliveries", "list-deliveries", "What a webhook was told in the last 30 days, the newest first", 404, 422)), r.deliveries)
}

func show(h Hook) Webhook {
	v := Webhook{ID: h.ID, URL: h.URL, Kinds: h.Kinds.V, MadeAt: h.MadeAt, OffAt: h.OffAt, Failing: h.Failing}
	if h.Failing != nil && h.OffAt == nil {
		v.NextAt = &h.NextAt
	}
	return v
}

func subject(id uuid.UUID) string { return "webhook/" + id.String() }

func none(err error) error {
	switch {
	case errors.Is(err, store.ErrNone):
		return problem.New(http.StatusNotFound, "not-found", "Not found", "The account has no such webhook.")
	case errors.Is(err, errChanged):
		return access.Changed()
	}
	return err
}

func (r *Routes) list(ctx context.Context, _ *struct{}) (*hooksOut, error) {
	all, err := All(ctx, r.Store, access.From(ctx).Account)
	out := &hooksOut{Body: []Webhook{}}
	for _, h := range all {
		out.Body = append(out.Body, show(h))
	}
	return out, err
}

func (r *Routes) get(ctx context.Context, in *hookIn) (*hookOut, error) {
	h, err := Get(ctx, r.Store, access.From(ctx).Account, in.ID)
	return &hookOut{access.ETag(h.Version), show(h)}, none(err)
}

func (r *Routes) make(ctx context.Context, in *makeHookIn) (*madeOut, error) {
	a, now := access.From(ctx), r.Now()
	if err := r.Reach.check(ctx, in.Body.URL); err != nil {
		return nil, err
	}
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*madeOut, error) {
		all, err := All(ctx, q, a.Account)
		if err != nil {
			return nil, err
		}
		if len(all) >= most {
			return nil, problem.New(http.StatusConflict, "full", "No more webhooks", "An account has at most 20 webhooks. Delete one that is not used.")
		}
		h, err := Add(ctx, q, a.Account, in.Body.URL, in.Body.Kinds, now)
		if err != nil {
			return nil, err
		}
		out := &madeOut{access.ETag(h.Version), NewWebhook{show(h), HookSecret{r.Signer.secret(h)}}}
		return out, audit.Add(ctx, q, a.Account, now, a.Act("make-webhook", subject(h.ID), ""))
	})
}

func (r *Routes) edit(ctx context.Context, in *editHookIn) (out *hookOut, err error) {
	if err := access.Conditional(in.IfMatch); err != nil {
		return nil, err
	}
	a, now := access.From(ctx), r.Now()
	if in.Body.URL != nil {
		if err := r.Reach.check(ctx, *in.Body.URL); err != nil {
			return nil, err
		}
	}
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		h, err := Get(ctx, q, a.Account, in.ID)
		if err != nil {
			return err
		}
		if !access.Matches(in.IfMatch, h.Version) {
			return access.Changed()
		}
		was := h
		if in.Body.URL != nil && *in.Body.URL != h.URL { // what failed was the other
			h.URL, h.Failing, h.NextAt = *in.Body.URL, nil, store.Moment(now)
		}
		if in.Body.Kinds != nil {
			h.Kinds.V = *in.Body.Kinds
		}
		if in.Body.On != nil {
			h.set(*in.Body.On, now)
		}
		if h, err = Update(ctx, q, h, now); err != nil {
			return err
		}
		out = &hookOut{access.ETag(h.Version), show(h)}
		return audit.Add(ctx, q, a.Account, now, a.Act("edit-webhook", subject(h.ID), h.changes(was)))
	})
	if err == nil {
		r.Queue.signal()
	}
	return out, none(err)
}

// set switches h on or off.
func (h *Hook) set(on bool, now time.Time) {
	switch at := store.Moment(now); {
	case on && h.OffAt != nil:
		h.OffAt, h.Failing, h.NextAt = nil, nil, at
	case !on && h.OffAt == nil:
		h.OffAt = &at
	}
}

// changes are the fields in which h differs from was, for the audit log.
func (h *Hook) changes(was Hook) (all string) {
	for _, f := range []struct {
		name    string
		changed bool
	}{
		{"url", h.URL != was.URL}, {"kinds", !slices.Equal(h.Kinds.V, was.Kinds.V)},
		{"off", h.OffAt != nil && was.OffAt == nil}, {"on", h.OffAt == nil && was.OffAt != nil},
	} {
		if f.changed {
			if all != "" {
				all += " "
			}
			all += f.name
		}
	}
	return all
}

func (r *Routes) delete(ctx context.Context, in *hookIn) (*struct{}, error) {
	a, now := access.From(ctx), r.Now()
	return nil, none(r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := Delete(ctx, q, a.Account, in.ID); err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, now, a.Act("delete-webhook", subject(in.ID), ""))
	}))
}

func (r *Routes) renew(ctx context.Context, in *hookIn) (*secretOut, error) {
	a, now := access.From(ctx), r.Now()
	out, err := once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*secretOut, error) {
		h, err := Get(ctx, q, a.Account, in.ID)
		if err == nil {
			h, err = Renew(ctx, q, h)
		}
		if err != nil {
			return nil, err
		}
		return &secretOut{HookSecret{r.Signer.secret(h)}}, audit.Add(ctx, q, a.Account, now, a.Act("renew-webhook", subject(in.ID), ""))
	})
	return out, none(err)
}
