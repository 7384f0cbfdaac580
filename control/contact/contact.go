// Package contact is the address book of an account: people, and the groups in which they stand.
package contact

import (
	"context"
	"embed"
	"errors"
	"time"

	"github.com/google/uuid"

	"freshet/control/event"
	"freshet/control/roll"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements     = store.Load(files)
	insertContacts = statements.Get("insert_contacts")
	contactByID    = statements.Get("contact_by_id")
	contactsAfter  = statements.Get("contacts_after")
	countContacts  = statements.Get("count_contacts")
	updateContact  = statements.Get("update_contact")
	withAddress    = statements.Get("contact_with_address")
	deleteContacts = statements.Get("delete_contacts")
	knownContacts  = statements.Get("known_contacts")
	chosenContacts = statements.Get("chosen_contacts")
	ofAddress      = statements.Get("contacts_of_address")
	forgetContacts = statements.Get("forget_contacts")
)

const (
	most   = 100_000 // contacts of an account
	atOnce = 500     // rows of one statement: more made none faster

	// ChosenMost is how many contacts are invited at once.
	ChosenMost = 20_000
)

var (
	errChanged = errors.New("somebody has changed it since")
	errTaken   = errors.New("another has this address, or this name")
)

// A Contact is somebody in the address book.
type Contact struct {
	ID        uuid.UUID `db:"id"`
	Account   uuid.UUID `db:"account_id"`
	Name      string    `db:"name"`
	Email     string    `db:"email"`    // as it was typed
	Address   string    `db:"address"`  // as account.Address returns it
	Language  string    `db:"language"` // BCP 47; empty: was not said
	Version   int64     `db:"version"`
	CreatedAt time.Time `db:"created_at"`
}

// A listed contact, with the words by which lists are in order.
type listed struct {
	Contact
	Words string `db:"words"`
}

// add keeps entries, each address once, and returns how many were not there before.
func add(ctx context.Context, q store.Querier, account uuid.UUID, entries []roll.Entry, now time.Time) (added int, err error) {
	for len(entries) > 0 {
		some := entries[:min(atOnce, len(entries))]
		entries = entries[len(some):]
		n, err := store.Exec(ctx, q, insertContacts, store.Args{
			"account": account, "at": store.Moment(now), "rows": store.JSON[[]roll.Entry]{V: some},
		})
		if err != nil {
			return 0, err
		}
		added += int(n)
	}
	return added, nil
}

func get(ctx context.Context, q store.Querier, account, id uuid.UUID) (Contact, error) {
	return store.One[Contact](ctx, q, contactByID, store.Args{"account": account, "id": id})
}

// update keeps what is said of c. The error is errTaken where another contact has the address, errChanged where somebody was
// first.
func update(ctx context.Context, q store.Querier, c Contact) (Contact, error) {
	other, err := store.One[uuid.UUID](ctx, q, withAddress, store.Args{"account": c.Account, "address": c.Address})
	switch {
	case err == nil && other != c.ID:
		return c, errTaken
	case err != nil && !errors.Is(err, store.ErrNone):
		return c, err
	}
	n, err := store.Exec(ctx, q, updateContact, store.Args{
		"account": c.Account, "id": c.ID, "version": c.Version, "name": c.Name, "email": c.Email, "address": c.Address,
		"words": roll.Words(c.Name, c.Email), "language": c.Language,
	})
	if err == nil && n == 0 {
		err = errChanged
	}
	c.Version++
	return c, err
}

// remove deletes those of ids that account has, and returns how many.
func remove(ctx context.Context, q store.Querier, account uuid.UUID, ids []uuid.UUID) (int64, error) {
	return store.Exec(ctx, q, deleteContacts, store.Args{"account": account, "contacts": ids})
}

// A filter says which contacts of an account are listed. What is empty is any.
type filter struct {
	account, group uuid.UUID
	words          string
}

func (f filter) args() store.Args {
	return store.Args{"account": f.account, "group": f.group, "all": f.group == uuid.Nil, "words": "%" + event.Words(f.words) + "%"}
}

// list returns up to n contacts behind a place, in the order of their words.
func list(ctx context.Context, q store.Querier, f filter, after place, n int) ([]listed, error) {
	args := f.args()
	args["after"], args["after_id"], args["n"] = after.words, after.id, n
	return store.All[listed](ctx, q, contactsAfter, args)
}

func count(ctx context.Context, q store.Querier, f filter) (int64, error) {
	return store.One[int64](ctx, q, countContacts, f.args())
}

// missing returns the place of the first of ids that is not there.
func missing(ctx context.Context, q store.Querier, account uuid.UUID, ids []uuid.UUID) (i int, ok bool, err error) {
	if len(ids) == 0 {
		return 0, false, nil
	}
	known, err := store.All[uuid.UUID](ctx, q, knownContacts, store.Args{"account": account, "contacts": ids})
	if err != nil {
		return 0, false, err
	}
	i, ok = firstNotIn(ids, known)
	return i, ok, nil
}

func firstNotIn(ids, known []uuid.UUID) (int, bool) {
	there := make(map[uuid.UUID]bool, len(known))
	for _, id := range known {
		there[id] = true
	}
	for i, id := range ids {
		if !there[id] {
			return i, true
		}
	}
	return 0, false
}

// A Known contact is what accounts keep of somebody with an address.
type Known struct {
	Account   uuid.UUID `db:"account_id"`
	Of        string    `db:"account_name"`
	Name      string    `db:"name"`
	Email     string    `db:"email"`
	Language  string    `db:"language"`
	CreatedAt time.Time `db:"created_at"`
}

// ByAddress returns the contacts with an address, of all accounts.
func ByAddress(ctx context.Context, q store.Querier, address string) ([]Known, error) {
	return store.All[Known](ctx, q, ofAddress, store.Args{"address": address})
}

// Forget deletes the contacts with an address, of all accounts.
func Forget(ctx context.Context, q store.Querier, address string) error {
	_, err := store.Exec(ctx, q, forgetContacts, store.Args{"address": address})
	return err
}
