package contact

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"freshet/control/roll"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Chosen returns contacts of account, and those of its groups, each once. The error is a *problem.Problem of 422 where one of
// them is not there, and names it; or where they are more than ChosenMost.
func Chosen(ctx context.Context, q store.Querier, account uuid.UUID, contacts, groups []uuid.UUID) ([]roll.Entry, error) {
	i, gone, err := missing(ctx, q, account, contacts)
	if err != nil {
		return nil, err
	}
	if gone {
		return nil, problem.Invalid(fmt.Sprint("/contacts/", i), "The account has no such contact any more. Nobody was added.")
	}
	all, err := groupsOf(ctx, q, account)
	if err != nil {
		return nil, err
	}
	known := make([]uuid.UUID, len(all))
	for i, g := range all {
		known[i] = g.ID
	}
	if i, gone := firstNotIn(groups, known); gone {
		return nil, problem.Invalid(fmt.Sprint("/groups/", i), "The account has no such group any more. Nobody was added.")
	}
	chosen, err := store.All[listed](ctx, q, chosenContacts, store.Args{
		"account": account, "contacts": notNil(contacts), "groups": notNil(groups), "n": ChosenMost + 1,
	})
	if err != nil {
		return nil, err
	}
	if len(chosen) > ChosenMost {
		return nil, problem.Invalid("", fmt.Sprintf("At most %d contacts are added at once. Take the groups one after the other.", ChosenMost))
	}
	entries := make([]roll.Entry, len(chosen))
	for i, c := range chosen {
		entries[i] = roll.Entry{ID: store.NewID(), Name: c.Name, Email: c.Email, Address: c.Address, Words: c.Words, Language: c.Language}
	}
	return entries, nil
}

func notNil(ids []uuid.UUID) []uuid.UUID {
	if ids == nil {
		return []uuid.UUID{}
	}
	return ids
}
