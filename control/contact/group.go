package contact

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"freshet/control/event"
	"freshet/control/store"
)

var (
	groups       = statements.Get("groups_of_account")
	insertGroup  = statements.Get("insert_group")
	groupCalled  = statements.Get("group_called")
	renameGroup  = statements.Get("rename_group")
	deleteGroup  = statements.Get("delete_group")
	putContacts  = statements.Get("put_contacts")
	putAddresses = statements.Get("put_addresses")
	takeContacts = statements.Get("take_contacts")
)

// groupsMost of an account: a list that is answered whole.
const groupsMost = 100

// A Group of contacts.
type Group struct {
	ID        uuid.UUID `db:"id"`
	Account   uuid.UUID `db:"account_id"`
	Name      string    `db:"name"`
	CreatedAt time.Time `db:"created_at"`
	Contacts  int64     `db:"contacts"` // how many stand in it
}

func groupsOf(ctx context.Context, q store.Querier, account uuid.UUID) ([]Group, error) {
	return store.All[Group](ctx, q, groups, store.Args{"account": account})
}

// groupOf returns a group of account.
func groupOf(ctx context.Context, q store.Querier, account, id uuid.UUID) (Group, error) {
	all, err := groupsOf(ctx, q, account)
	if err != nil {
		return Group{}, err
	}
	for _, g := range all {
		if g.ID == id {
			return g, nil
		}
	}
	return Group{}, store.ErrNone
}

// addGroup keeps a new group. The error is errTaken where another is called so.
func addGroup(ctx context.Context, q store.Querier, account uuid.UUID, name string, now time.Time) (Group, error) {
	g := Group{ID: store.NewID(), Account: account, Name: name, CreatedAt: store.Moment(now)}
	n, err := store.Exec(ctx, q, insertGroup, store.Args{
		"id": g.ID, "account": account, "name": name, "words": event.Words(name), "at": g.CreatedAt,
	})
	if err == nil && n == 0 {
		err = errTaken
	}
	return g, err
}

// rename calls g otherwise. The error is errTaken where another is called so.
func rename(ctx context.Context, q store.Querier, g Group, name string) (Group, error) {
	other, err := store.One[uuid.UUID](ctx, q, groupCalled, store.Args{"account": g.Account, "words": event.Words(name)})
	switch {
	case err == nil && other != g.ID:
		return g, errTaken
	case err != nil && !errors.Is(err, store.ErrNone):
		return g, err
	}
	g.Name = name
	_, err = store.Exec(ctx, q, renameGroup, store.Args{"account": g.Account, "id": g.ID, "name": name, "words": event.Words(name)})
	return g, err
}

// removeGroup deletes a group of account; its contacts stay.
func removeGroup(ctx context.Context, q store.Querier, account, id uuid.UUID) error {
	n, err := store.Exec(ctx, q, deleteGroup, store.Args{"account": account, "id": id})
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// put has contacts of g's account stand in g.
func (g Group) put(ctx context.Context, q store.Querier, ids []uuid.UUID) (int64, error) {
	return store.Exec(ctx, q, putContacts, store.Args{"group": g.ID, "account": g.Account, "contacts": ids})
}

// putAll has the contacts with addresses stand in g.
func (g Group) putAll(ctx context.Context, q store.Querier, addresses []string) error {
	for len(addresses) > 0 {
		some := addresses[:min(atOnce, len(addresses))]
		addresses = addresses[len(some):]
		if _, err := store.Exec(ctx, q, putAddresses, store.Args{"group": g.ID, "account": g.Account, "addresses": some}); err != nil {
			return err
		}
	}
	return nil
}

// take has contacts stand in g no more.
func (g Group) take(ctx context.Context, q store.Querier, ids []uuid.UUID) (int64, error) {
	return store.Exec(ctx, q, takeContacts, store.Args{"group": g.ID, "contacts": ids})
}
