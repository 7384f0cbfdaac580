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
	"freshet/control/audit"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/roll"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Routes are the operations on the address book.
type Routes struct {
	Store *store.DB
	Now   func() time.Time
}

// Person is a contact as the API shows it.
type Person struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Language  string    `json:"language" doc:"BCP 47; empty: was not said"`
	CreatedAt time.Time `json:"createdAt"`
	ETag      string    `json:"etag" doc:"For If-Match"`
}

func (c Contact) shown() Person {
	return Person{c.ID, c.Name, c.Email, c.Language, c.CreatedAt, access.ETag(c.Version)}
}

type contactsIn struct {
	Search string    `query:"search" maxLength:"200" doc:"Words of name and address, in any case, without accents"`
	Group  uuid.UUID `query:"group" doc:"Those of this group"`
	Cursor string    `query:"cursor" maxLength:"2000" doc:"Of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type contactsOut struct {
	Body struct {
		Contacts []Person `json:"contacts" nullable:"false" doc:"In the order of their names"`
		Total    int64    `json:"total" doc:"Of all pages"`
		Next     string   `json:"next,omitempty" doc:"Cursor of the page behind this one; absent on the last"`
	}
}

type addIn struct {
	Body struct {
		Contacts []roll.NewPerson `json:"contacts" minItems:"1" maxItems:"1000" nullable:"false"`
		Group    *uuid.UUID       `json:"group,omitempty" format:"uuid" doc:"In which all of them are to stand, also those who were in the book before"`
	}
}

type reportOut struct{ Body roll.AddReport }

type editIn struct {
	ID      uuid.UUID `path:"id" format:"uuid"`
	IfMatch []string  `header:"If-Match" nullable:"false" doc:"ETag of what was read before"`
	Body    struct {
		Name     *string `json:"name,omitempty" maxLength:"80"`
		Email    *string `json:"email,omitempty" maxLength:"254"`
		Language *string `json:"language,omitempty" maxLength:"35" doc:"BCP 47; empty: is not said"`
	}
}

type contactOut struct {
	ETag string `header:"ETag"`
	Body Person
}

type someIn struct {
	Body struct {
		Contacts []uuid.UUID `json:"contacts" minItems:"1" maxItems:"1000" nullable:"false"`
	}
}

type contactIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type numberOut struct {
	Body struct {
		Changed int64 `json:"changed" doc:"Contacts of which it was not so before"`
	}
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	const all, one = "/contacts", "/contacts/{id}"
	huma.Register(api, see(access.Op(http.MethodGet, all, "list-contacts", "Contacts of the account, by name", 422)), r.list)
	huma.Register(api, once.Keyed(edit(access.Op(http.MethodPost, all, "add-contacts", "Put people into the address book", 409, 422))), r.add)
	huma.Register(api, edit(access.Op(http.MethodPatch, one, "edit-contact", "Change a contact", 404, 409, 412, 422, 428)), r.edit)
	huma.Register(api, edit(access.Op(http.MethodDelete, one, "delete-contact", "Delete a contact, out of its groups, too", 404)), r.deleteOne)
	huma.Register(api, once.Keyed(edit(access.Op(http.MethodPost, all+"/delete", "delete-contacts", "Delete contacts, out of their groups, too", 422))), r.deleteSome)
	r.registerImport(api)
	r.registerGroups(api)
}

func see(op huma.Operation) huma.Operation  { return access.Allow(op, permit.SeeContacts) }
func edit(op huma.Operation) huma.Operation { return access.Allow(op, permit.EditContacts) }

func none(err error) error {
	switch {
	case errors.Is(err, store.ErrNone):
		return problem.New(http.StatusNotFound, "not-found", "Not found", "The address book has none such.")
	case errors.Is(err, errChanged):
		return access.Changed()
	}
	return err
}

func (r *Routes) list(ctx context.Context, in *contactsIn) (*contactsOut, error) {
	after, ok := parsePlace(in.Cursor)
	if !ok {
		return nil, problem.Invalid("/query/cursor", "This is no cursor of this list.")
	}
	f := filter{access.From(ctx).Account, in.Group, in.Search}
	all, err := list(ctx, r.Store, f, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &contactsOut{}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		last := all[in.Limit-1]
		out.Body.Next = place{last.Words, last.ID}.String()
	}
	out.Body.Contacts = []Person{}
	for _, c := range all {
		out.Body.Contacts = append(out.Body.Contacts, c.shown())
	}
	out.Body.Total, err = count(ctx, r.Store, f)
	return out, err
}

func (r *Routes) add(ctx context.Context, in *addIn) (*reportOut, error) {
	entries, bad := roll.CheckAll(in.Body.Contacts)
	report, err := r.put(ctx, "add-contacts", entries, in.Body.Group)
	if err == nil {
		report.Body.Bad = bad
	}
	return report, err
}

// put keeps entries, each once, in a group where that is not nil, and notes that.
func (r *Routes) put(ctx context.Context, action string, entries []roll.Entry, group *uuid.UUID) (*reportOut, error) {
	a, now := access.From(ctx), r.Now()
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*reportOut, error) {
		var g Group
		if group != nil {
			var err error
			if g, err = groupOf(ctx, q, a.Account, *group); errors.Is(err, store.ErrNone) {
				return nil, problem.Invalid("/group", "The account has no such group any more. Nobody was added.")
			} else if err != nil {
				return nil, err
			}
		}
		n, err := count(ctx, q, filter{account: a.Account})
		if err != nil {
			return nil, err
		}
		if n+int64(len(entries)) > most {
			return nil, problem.New(http.StatusConflict, "full", "No more contacts", "An account has at most 100,000 contacts.")
		}
		fresh := roll.Once(entries)
		added, err := add(ctx, q, a.Account, fresh, now)
		if err != nil {
			return nil, err
		}
		if group != nil {
			addresses := make([]string, len(fresh))
			for i, e := range fresh {
				addresses[i] = e.Address
			}
			if err := g.putAll(ctx, q, addresses); err != nil {
				return nil, err
			}
		}
		out := &reportOut{roll.AddReport{Added: added, Double: len(entries) - added, Bad: []roll.BadLine{}}}
		return out, audit.Add(ctx, q, a.Account, now, a.Act(action, "contacts", fmt.Sprintf("%d added", added)))
	})
}

func (r *Routes) edit(ctx context.Context, in *editIn) (out *contactOut, err error) {
	if err := access.Conditional(in.IfMatch); err != nil {
		return nil, err
	}
	a, now := access.From(ctx), r.Now()
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		c, err := get(ctx, q, a.Account, in.ID)
		if err != nil {
			return err
		}
		if !access.Matches(in.IfMatch, c.Version) {
			return access.Changed()
		}
		if c, err = c.with(in); err != nil {
			return err
		}
		if c, err = update(ctx, q, c); errors.Is(err, errTaken) {
			return problem.New(http.StatusConflict, "taken", "Address is taken", "Another contact has this address.")
		} else if err != nil {
			return err
		}
		out = &contactOut{access.ETag(c.Version), c.shown()}
		return audit.Add(ctx, q, a.Account, now, a.Act("edit-contact", subject(c.ID), ""))
	})
	return out, none(err)
}

// with returns c as in wants it.
func (c Contact) with(in *editIn) (Contact, error) {
	p := roll.NewPerson{Name: c.Name, Email: c.Email, Language: c.Language}
	for _, f := range []struct{ now, want *string }{{&p.Name, in.Body.Name}, {&p.Email, in.Body.Email}, {&p.Language, in.Body.Language}} {
		if f.want != nil {
			*f.now = *f.want
		}
	}
	e, field, reason := roll.Check(p)
	if reason != "" {
		return c, problem.Invalid("/"+field, reason)
	}
	c.Name, c.Email, c.Address, c.Language = e.Name, e.Email, e.Address, e.Language
	return c, nil
}

func subject(id uuid.UUID) string { return "contact/" + id.String() }

func (r *Routes) deleteOne(ctx context.Context, in *contactIn) (*struct{}, error) {
	a, now := access.From(ctx), r.Now()
	return nil, none(r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		n, err := remove(ctx, q, a.Account, []uuid.UUID{in.ID})
		if err == nil && n == 0 {
			err = store.ErrNone
		}
		if err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, now, a.Act("delete-contact", subject(in.ID), ""))
	}))
}

func (r *Routes) deleteSome(ctx context.Context, in *someIn) (*numberOut, error) {
	a, now := access.From(ctx), r.Now()
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (out *numberOut, err error) {
		out = &numberOut{}
		if out.Body.Changed, err = remove(ctx, q, a.Account, in.Body.Contacts); err != nil {
			return nil, err
		}
		return out, audit.Add(ctx, q, a.Account, now, a.Act("delete-contacts", "contacts", fmt.Sprintf("%d deleted", out.Body.Changed)))
	})
}
