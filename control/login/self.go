package login

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/store"
	"freshet/proto/problem"
)

type editMeIn struct {
	IfMatch []string `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	Body    struct {
		Name      *string `json:"name,omitempty" minLength:"1" maxLength:"80"`
		Language  *string `json:"language,omitempty" enum:"en,fr"`
		TimeZone  *string `json:"timeZone,omitempty" maxLength:"64"`
		Country   *string `json:"country,omitempty" pattern:"^([A-Z]{2})?$" patternDescription:"two capital letters, or nothing"`
		Signature *string `json:"signature,omitempty" maxLength:"2000"`
	}
}

type setPasswordIn struct {
	Body struct {
		Old string `json:"old,omitempty" maxLength:"1024" doc:"Not asked of a person who has none"`
		New string `json:"new" maxLength:"1024" doc:"10 to 256 characters"`
	}
}

type showAccountIn struct {
	Body struct {
		Account uuid.UUID `json:"account" format:"uuid"`
	}
}

// Device is a browser in which the person is logged in.
type Device struct {
	ID      uuid.UUID `json:"id" format:"uuid"`
	Here    bool      `json:"here" doc:"The one that asks"`
	BeganAt time.Time `json:"beganAt"`
	SeenAt  time.Time `json:"seenAt"`
	Address string    `json:"address"`
	Agent   string    `json:"agent" doc:"User-Agent"`
}

type devicesOut struct {
	Body []Device `nullable:"false"`
}

type deviceIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type endedOut struct {
	Body struct {
		Ended int64 `json:"ended" doc:"How many browsers were logged out"`
	}
}

func (r *Routes) registerMe(api huma.API) {
	huma.Register(api, access.Person(access.Op(http.MethodGet, "/me", "get-me", "The person who is logged in")), r.getMe)
	huma.Register(api, access.Person(access.Op(http.MethodPatch, "/me", "edit-me", "Change what is said of the person who is logged in", 412, 422, 428)), r.patchMe)
	huma.Register(api, access.Person(access.Op(http.MethodPut, "/me/password", "set-password", "Choose another password; other browsers are logged out", 403, 422)), r.setPassword)
	huma.Register(api, access.Person(access.Op(http.MethodPut, "/me/account", "show-account", "Show another account of the person", 404)), r.show)
	huma.Register(api, access.Person(access.Op(http.MethodGet, "/me/log-ins", "list-log-ins", "Browsers in which the person is logged in")), r.devices)
	huma.Register(api, access.Person(access.Op(http.MethodDelete, "/me/log-ins/{id}", "end-log-in", "Log one browser out", 404)), r.endDevice)
	huma.Register(api, access.Person(access.Op(http.MethodDelete, "/me/log-ins", "end-log-ins", "Log all other browsers out")), r.endDevices)
}

func (r *Routes) self(ctx context.Context, q store.Querier) (*meOut, error) {
	a := access.From(ctx)
	p, err := account.PersonByID(ctx, q, a.ID)
	if err != nil {
		return nil, err
	}
	return me(ctx, q, p, a.Account)
}

func (r *Routes) getMe(ctx context.Context, _ *struct{}) (*meOut, error) { return r.self(ctx, r.Store) }

func (r *Routes) patchMe(ctx context.Context, in *editMeIn) (out *meOut, err error) {
	if err := access.Conditional(in.IfMatch); err != nil {
		return nil, err
	}
	if in.Body.TimeZone != nil && account.TimeZone(*in.Body.TimeZone) != *in.Body.TimeZone {
		return nil, problem.Invalid("/timeZone", "This is no time zone of the IANA database.")
	}
	if in.Body.Name != nil && account.Text(*in.Body.Name) == "" {
		return nil, problem.Invalid("/name", account.Unseen)
	}
	a := access.From(ctx)
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		p, err := account.PersonByID(ctx, q, a.ID)
		if err != nil {
			return err
		}
		if !access.Matches(in.IfMatch, p.Version) {
			return access.Changed()
		}
		for _, f := range []struct{ to, from *string }{
			{&p.Name, in.Body.Name}, {&p.Language, in.Body.Language}, {&p.TimeZone, in.Body.TimeZone},
			{&p.Country, in.Body.Country}, {&p.Signature, in.Body.Signature},
		} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		if p, err = account.Update(ctx, q, p); err != nil {
			if errors.Is(err, account.ErrChanged) {
				return access.Changed()
			}
			return err
		}
		if out, err = me(ctx, q, p, a.Account); err != nil {
			return err
		}
		return r.note(ctx, q, a, "edit-me", "person/"+a.ID.String())
	})
	return out, err
}

// note keeps what a did, where it is a member of an account.
func (r *Routes) note(ctx context.Context, q store.Querier, a access.Actor, action, subject string) error {
	if a.Account == uuid.Nil {
		return nil
	}
	return audit.Add(ctx, q, a.Account, r.Now(), a.Act(action, subject, ""))
}

func (r *Routes) setPassword(ctx context.Context, in *setPasswordIn) (*meOut, error) {
	a := access.From(ctx)
	p, err := account.PersonByID(ctx, r.Store, a.ID)
	if err != nil {
		return nil, err
	}
	if p.Password != nil {
		if err := r.Confirm(ctx, p, in.Body.Old, "/old"); err != nil {
			return nil, err
		}
	}
	phc, err := r.Hasher.Hash(ctx, in.Body.New)
	if errors.Is(err, ErrPassword) {
		return nil, problem.Invalid("/new", "A password has 10 to 256 characters.")
	}
	if err != nil {
		return nil, err
	}
	var out *meOut
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := account.SetPassword(ctx, q, a.ID, phc); err != nil {
			return err
		}
		if _, err := EndOthers(ctx, q, a.ID, a.Login); err != nil {
			return err
		}
		if out, err = r.self(ctx, q); err != nil {
			return err
		}
		return r.note(ctx, q, a, "set-password", "person/"+a.ID.String())
	})
	return out, err
}

// Confirm returns an error where password, which stands in the body at a pointer, is not that of p, who has one; or
// where too many were tried.
func (r *Routes) Confirm(ctx context.Context, p account.Person, password, at string) error {
	if v := r.tries.address.Take(p.ID.String(), r.Now()); !v.OK {
		return v.Refused()
	}
	switch ok, err := r.Hasher.Check(ctx, password, *p.Password); {
	case err != nil:
		return err
	case !ok:
		wrong := problem.New(http.StatusForbidden, "password", "Wrong password", "The password is wrong. Nothing was changed.")
		wrong.Errors = []problem.Field{{Pointer: at, Detail: wrong.Detail}}
		return wrong
	}
	return nil
}

func (r *Routes) show(ctx context.Context, in *showAccountIn) (out *meOut, err error) {
	a := access.From(ctx)
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if _, err := account.MemberOf(ctx, q, in.Body.Account, a.ID); err != nil {
			if errors.Is(err, store.ErrNone) {
				return problem.New(http.StatusNotFound, "not-found", "Not found", "You are no member of such an account.")
			}
			return err
		}
		if err := Move(ctx, q, a.Login, in.Body.Account); err != nil {
			return err
		}
		p, err := account.PersonByID(ctx, q, a.ID)
		if err != nil {
			return err
		}
		out, err = me(ctx, q, p, in.Body.Account)
		return err
	})
	return out, err
}

func (r *Routes) devices(ctx context.Context, _ *struct{}) (*devicesOut, error) {
	a := access.From(ctx)
	all, err := Of(ctx, r.Store, a.ID, r.Now())
	out := &devicesOut{Body: []Device{}}
	for _, l := range all {
		out.Body = append(out.Body, Device{
			ID: l.ID, Here: l.ID == a.Login, BeganAt: l.BeganAt, SeenAt: l.SeenAt, Address: l.Address, Agent: l.Agent,
		})
	}
	return out, err
}

func (r *Routes) endDevice(ctx context.Context, in *deviceIn) (*struct{}, error) {
	a := access.From(ctx)
	return nil, r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		ended, err := End(ctx, q, a.ID, in.ID)
		if err == nil && !ended {
			err = problem.New(http.StatusNotFound, "not-found", "Not found", "You are not logged in there.")
		}
		if err != nil {
			return err
		}
		return r.note(ctx, q, a, "end-log-in", "person/"+a.ID.String())
	})
}

func (r *Routes) endDevices(ctx context.Context, _ *struct{}) (*endedOut, error) {
	a := access.From(ctx)
	out := &endedOut{}
	return out, r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		if out.Body.Ended, err = EndOthers(ctx, q, a.ID, a.Login); err != nil {
			return err
		}
		return r.note(ctx, q, a, "end-log-ins", "person/"+a.ID.String())
	})
}
