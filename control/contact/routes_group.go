package contact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/once"
	"freshet/control/store"
	"freshet/proto/problem"
)

// ContactGroup is a group as the API shows it.
type ContactGroup struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Name      string    `json:"name"`
	Contacts  int64     `json:"contacts" doc:"How many stand in it"`
	CreatedAt time.Time `json:"createdAt"`
}

func (g Group) shown() ContactGroup { return ContactGroup{g.ID, g.Name, g.Contacts, g.CreatedAt} }

type groupsOut struct {
	Body []ContactGroup `nullable:"false"`
}

type nameIn struct {
	Name string `json:"name" minLength:"1" maxLength:"80"`
}

type makeGroupIn struct{ Body nameIn }

type renameGroupIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body nameIn
}

type groupIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type groupOut struct{ Body ContactGroup }

type someOfGroupIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Contacts []uuid.UUID `json:"contacts" minItems:"1" maxItems:"1000" nullable:"false"`
	}
}

func (r *Routes) registerGroups(api huma.API) {
	const all, one = "/contact-groups", "/contact-groups/{id}"
	huma.Register(api, see(access.Op(http.MethodGet, all, "list-contact-groups", "Groups of contacts, by name")), r.listGroups)
	add := edit(access.Op(http.MethodPost, all, "make-contact-group", "Make a group of contacts", 409, 422))
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Keyed(add), r.makeGroup)
	huma.Register(api, edit(access.Op(http.MethodPatch, one, "rename-contact-group", "Call a group otherwise", 404, 409, 422)), r.renameGroup)
	huma.Register(api, edit(access.Op(http.MethodDelete, one, "delete-contact-group", "Delete a group; its contacts stay", 404)), r.deleteGroup)
	huma.Register(api, once.Keyed(edit(access.Op(http.MethodPost, one+"/contacts", "put-in-contact-group", "Have contacts stand in a group", 404, 422))), r.putIn)
	huma.Register(api, once.Keyed(edit(access.Op(http.MethodPost, one+"/contacts/remove", "take-out-of-contact-group", "Have contacts stand in a group no more", 404, 422))), r.takeOut)
}

func groupSubject(id uuid.UUID) string { return "contact-group/" + id.String() }

func taken() *problem.Problem {
	return problem.New(http.StatusConflict, "taken", "Name is taken", "Another group is called so.")
}

// called returns what a group is called, or a problem where nothing of it can be seen.
func called(name string) (string, error) {
	if name = account.Text(name); name == "" || event.Words(name) == "" {
		return "", problem.Invalid("/name", account.Unseen)
	}
	return name, nil
}

func (r *Routes) listGroups(ctx context.Context, _ *struct{}) (*groupsOut, error) {
	all, err := groupsOf(ctx, r.Store, access.From(ctx).Account)
	out := &groupsOut{Body: []ContactGroup{}}
	for _, g := range all {
		out.Body = append(out.Body, g.shown())
	}
	return out, err
}

func (r *Routes) makeGroup(ctx context.Context, in *makeGroupIn) (*groupOut, error) {
	a, now := access.From(ctx), r.Now()
	name, err := called(in.Body.Name)
	if err != nil {
		return nil, err
	}
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*groupOut, error) {
		all, err := groupsOf(ctx, q, a.Account)
		if err != nil {
			return nil, err
		}
		if len(all) >= groupsMost {
			return nil, problem.New(http.StatusConflict, "full", "No more groups", "An account has at most 100 groups. Delete one that is not used.")
		}
		g, err := addGroup(ctx, q, a.Account, name, now)
		if errors.Is(err, errTaken) {
			return nil, taken()
		}
		if err != nil {
			return nil, err
		}
		return &groupOut{g.shown()}, audit.Add(ctx, q, a.Account, now, a.Act("make-contact-group", groupSubject(g.ID), g.Name))
	})
}

// change runs do on a group of who asks, once, and notes it.
func change[O any](ctx context.Context, r *Routes, id uuid.UUID, action string, do func(ctx context.Context, q store.Querier, g Group) (out *O, detail string, err error)) (*O, error) {
	a, now := access.From(ctx), r.Now()
	out, err := once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*O, error) {
		g, err := groupOf(ctx, q, a.Account, id)
		if err != nil {
			return nil, err
		}
		out, detail, err := do(ctx, q, g)
		if err != nil {
			return nil, err
		}
		return out, audit.Add(ctx, q, a.Account, now, a.Act(action, groupSubject(id), detail))
	})
	return out, none(err)
}

func (r *Routes) renameGroup(ctx context.Context, in *renameGroupIn) (*groupOut, error) {
	name, err := called(in.Body.Name)
	if err != nil {
		return nil, err
	}
	return change(ctx, r, in.ID, "rename-contact-group", func(ctx context.Context, q store.Querier, g Group) (*groupOut, string, error) {
		g, err := rename(ctx, q, g, name)
		if errors.Is(err, errTaken) {
			err = taken()
		}
		return &groupOut{g.shown()}, name, err
	})
}

func (r *Routes) deleteGroup(ctx context.Context, in *groupIn) (*struct{}, error) {
	return change(ctx, r, in.ID, "delete-contact-group", func(ctx context.Context, q store.Querier, g Group) (*struct{}, string, error) {
		return nil, g.Name, removeGroup(ctx, q, g.Account, g.ID)
	})
}

func (r *Routes) putIn(ctx context.Context, in *someOfGroupIn) (*numberOut, error) {
	return change(ctx, r, in.ID, "put-in-contact-group", func(ctx context.Context, q store.Querier, g Group) (*numberOut, string, error) {
		i, gone, err := missing(ctx, q, g.Account, in.Body.Contacts)
		if err != nil {
			return nil, "", err
		}
		if gone {
			return nil, "", problem.Invalid(fmt.Sprint("/contacts/", i), "The account has no such contact any more. Nothing was changed.")
		}
		out := &numberOut{}
		out.Body.Changed, err = g.put(ctx, q, in.Body.Contacts)
		return out, fmt.Sprintf("%d contacts", out.Body.Changed), err
	})
}

func (r *Routes) takeOut(ctx context.Context, in *someOfGroupIn) (*numberOut, error) {
	return change(ctx, r, in.ID, "take-out-of-contact-group", func(ctx context.Context, q store.Querier, g Group) (*numberOut, string, error) {
		out := &numberOut{}
		var err error
		out.Body.Changed, err = g.take(ctx, q, in.Body.Contacts)
		return out, fmt.Sprintf("%d contacts", out.Body.Changed), err
	})
}
