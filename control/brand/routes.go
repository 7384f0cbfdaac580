package brand

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Routes are the operations on how an account and its events look.
type Routes struct {
	Store *store.DB
	Now   func() time.Time

	images *images
	turns  chan struct{} // taken by who decodes an image: each may need 32 MiB
}

// BrandSettings are what was chosen of a look, and what visitors see of it.
type BrandSettings struct {
	Colour     *string     `json:"colour" doc:"As it was chosen: #rrggbb. Null: the account's, and for the account none"`
	Logo       *BrandImage `json:"logo,omitempty" doc:"Absent: the account's, and for the account none"`
	Background *BrandImage `json:"background,omitempty" doc:"Absent: the account's, and for the account none"`
	Shown      Brand       `json:"shown" doc:"What visitors see"`
}

type settingsOut struct {
	ETag string `header:"ETag"`
	Body BrandSettings
}

type eventIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

// A BrandEdit says what becomes of a look. What is absent stays as it is.
type BrandEdit struct {
	Colour     MaybeColour `json:"colour,omitempty" doc:"#rrggbb; null for none of its own"`
	Logo       Without     `json:"logo,omitempty" doc:"Null takes it away"`
	Background Without     `json:"background,omitempty" doc:"Null takes it away"`
}

type editIn struct {
	IfMatch []string `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	Body    BrandEdit
}

type editEventIn struct {
	ID      uuid.UUID `path:"id" format:"uuid"`
	IfMatch []string  `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	Body    BrandEdit
}

type putIn struct {
	IfMatch     []string `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	ContentType string   `header:"Content-Type" hidden:"true"`
	RawBody     []byte   `contentType:"image/png"`
}

type putEventIn struct {
	ID          uuid.UUID `path:"id" format:"uuid"`
	IfMatch     []string  `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	ContentType string    `header:"Content-Type" hidden:"true"`
	RawBody     []byte    `contentType:"image/png"`
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	r.images, r.turns = &images{db: r.Store, now: r.Now}, make(chan struct{}, 2)
	const whole, one = "/account/brand", "/events/{id}/brand"
	huma.Register(api, access.Allow(access.Op(http.MethodGet, whole, "get-brand", "How the account's pages and mails look"), permit.SeeAccount),
		func(ctx context.Context, _ *struct{}) (*settingsOut, error) { return r.get(ctx, nil) })
	huma.Register(api, access.Allow(access.Op(http.MethodPatch, whole, "edit-brand", "Change the account's colour, or take its pictures away", 412, 422, 428), permit.EditAccount),
		func(ctx context.Context, in *editIn) (*settingsOut, error) { return r.edit(ctx, nil, in) })
	huma.Register(api, access.AllowIn(access.Op(http.MethodGet, one, "get-event-brand", "How the event's pages and mails look"), permit.SeeEvent),
		func(ctx context.Context, in *eventIn) (*settingsOut, error) { return r.get(ctx, &in.ID) })
	huma.Register(api, access.AllowIn(access.Op(http.MethodPatch, one, "edit-event-brand", "Change the event's own colour, or take its own pictures away", 412, 422, 428), permit.EditEvent),
		func(ctx context.Context, in *editEventIn) (*settingsOut, error) {
			return r.edit(ctx, &in.ID, &editIn{in.IfMatch, in.Body})
		})
	for _, p := range []Picture{Logo, Background} {
		put := pictured(access.Op(http.MethodPut, whole+"/"+string(p), "put-"+string(p), "Give the account a "+string(p), 409, 412, 413, 415, 422, 428), p)
		huma.Register(api, access.Allow(put, permit.EditAccount),
			func(ctx context.Context, in *putIn) (*settingsOut, error) { return r.put(ctx, nil, p, in) })
		put = pictured(access.Op(http.MethodPut, one+"/"+string(p), "put-event-"+string(p), "Give the event a "+string(p)+" of its own", 409, 412, 413, 415, 422, 428), p)
		huma.Register(api, access.AllowIn(put, permit.EditEvent),
			func(ctx context.Context, in *putEventIn) (*settingsOut, error) {
				return r.put(ctx, &in.ID, p, &putIn{in.IfMatch, in.ContentType, in.RawBody})
			})
	}
	r.registerImages(api)
}

// types of images that are taken.
var types = []string{"image/png", "image/jpeg", "image/webp"}

// pictured has op take an image.
func pictured(op huma.Operation, p Picture) huma.Operation {
	op.MaxBodyBytes = p.maxBytes()
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	for _, t := range types {
		op.RequestBody.Content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return op
}

func (r *Routes) get(ctx context.Context, event *uuid.UUID) (*settingsOut, error) {
	return r.settings(ctx, r.Store, subject{access.From(ctx).Account, event})
}

// settings are those of s as q has them.
func (r *Routes) settings(ctx context.Context, q store.Querier, s subject) (*settingsOut, error) {
	own, version, err := get(ctx, q, s)
	if err != nil {
		return nil, err
	}
	of, err := account.Get(ctx, q, s.account)
	if err != nil {
		return nil, err
	}
	seen := own
	if s.event != nil {
		under, _, err := get(ctx, q, subject{account: s.account})
		if err != nil {
			return nil, err
		}
		seen = own.Over(under)
	}
	out := &settingsOut{access.ETag(version), BrandSettings{Logo: own.Logo.shown(), Background: own.Background.shown(), Shown: show(seen, of.Name)}}
	if own.Colour != "" {
		out.Body.Colour = &own.Colour
	}
	return out, nil
}

// change has do change how the account of who asks, or an event of it, looks.
func (r *Routes) change(ctx context.Context, event *uuid.UUID, ifMatch []string, action, detail string, do func(ctx context.Context, q store.Querier, l *Look) error) (out *settingsOut, err error) {
	if err := access.Conditional(ifMatch); err != nil {
		return nil, err
	}
	a := access.From(ctx)
	s, named := subject{a.Account, event}, "account/"+a.Account.String()
	if event != nil {
		named = "event/" + event.String()
	}
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		l, version, err := get(ctx, q, s)
		if err != nil {
			return err
		}
		if !access.Matches(ifMatch, version) {
			return access.Changed()
		}
		if err := do(ctx, q, &l); err != nil {
			return err
		}
		if err := keep(ctx, q, s, l); err != nil {
			return err
		}
		if out, err = r.settings(ctx, q, s); err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act(action, named, detail))
	})
	return out, err
}

func (r *Routes) edit(ctx context.Context, event *uuid.UUID, in *editIn) (*settingsOut, error) {
	action := "edit-brand"
	if event != nil {
		action = "edit-event-brand"
	}
	e := in.Body
	colour := strings.ToLower(e.Colour.Value)
	if colour != "" && !written.MatchString(colour) {
		return nil, problem.Invalid("/colour", "A colour is # and six hexadecimal digits.")
	}
	return r.change(ctx, event, in.IfMatch, action, e.names(), func(_ context.Context, _ store.Querier, l *Look) error {
		if e.Colour.Given {
			l.Colour = colour
		}
		if e.Logo {
			l.Logo = nil
		}
		if e.Background {
			l.Background = nil
		}
		return nil
	})
}

func (r *Routes) put(ctx context.Context, event *uuid.UUID, p Picture, in *putIn) (*settingsOut, error) {
	i, err := r.examine(ctx, in)
	if err != nil {
		return nil, err
	}
	action := "put-" + string(p)
	if event != nil {
		action = "put-event-" + string(p)
	}
	return r.change(ctx, event, in.IfMatch, action, "", func(ctx context.Context, q store.Querier, l *Look) error {
		l.set(p, &i)
		hashes, err := store.All[string](ctx, q, hashesOfAccount, store.Args{"account": access.From(ctx).Account})
		if err != nil {
			return err
		}
		if len(hashes) >= imagesMost {
			return problem.New(http.StatusConflict, "full", "No more images", "An account has at most 500 images. Take some away first.")
		}
		_, err = store.Exec(ctx, q, keepImage, store.Args{
			"hash": i.Hash, "account": access.From(ctx).Account, "type": i.Type, "data": in.RawBody,
		})
		return err
	})
}
