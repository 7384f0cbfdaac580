package event

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freshet/control/permit"
	"freshet/control/store"
)

var (
	insertUser  = statements.Get("insert_user")
	usersOf     = statements.Get("users_of_event")
	setUserRole = statements.Get("set_user_role")
	deleteUser  = statements.Get("delete_user")
	rolesOf     = statements.Get("roles_of_person")
)

// usersMost of one event: a list that is answered whole.
const usersMost = 200

// A User is a member of the account who has a role in one event.
type User struct {
	Person   uuid.UUID   `db:"person_id"`
	Role     permit.Role `db:"role"`
	AddedAt  time.Time   `db:"added_at"`
	JoinedAt *time.Time  `db:"joined_at"` // nil: invited, and has not logged in yet
	Email    *string     `db:"email"`
	Name     string      `db:"name"`
}

// AddUser gives a member of account a role in an event, and says whether it had none there before. It returns ErrFull
// where the event has too many.
func AddUser(ctx context.Context, q store.Querier, account, event, person uuid.UUID, role permit.Role, now time.Time) (added bool, err error) {
	all, err := Users(ctx, q, account, event)
	if err != nil {
		return false, err
	}
	if len(all) >= usersMost {
		return false, fmt.Errorf("users: %w", ErrFull)
	}
	n, err := store.Exec(ctx, q, insertUser, store.Args{
		"account": account, "event": event, "person": person, "role": string(role), "at": store.Moment(now),
	})
	return n > 0, err
}

// Users returns those who have a role in an event, by address.
func Users(ctx context.Context, q store.Querier, account, event uuid.UUID) ([]User, error) {
	return store.All[User](ctx, q, usersOf, store.Args{"account": account, "event": event})
}

// UserOf returns one of them.
func UserOf(ctx context.Context, q store.Querier, account, event, person uuid.UUID) (User, error) {
	all, err := Users(ctx, q, account, event)
	if err != nil {
		return User{}, err
	}
	for _, u := range all {
		if u.Person == person {
			return u, nil
		}
	}
	return User{}, fmt.Errorf("user: %w", store.ErrNone)
}

// SetUserRole gives a person another role in an event.
func SetUserRole(ctx context.Context, q store.Querier, account, event, person uuid.UUID, role permit.Role) error {
	return some(store.Exec(ctx, q, setUserRole, store.Args{"account": account, "event": event, "person": person, "role": string(role)}))
}

// RemoveUser takes a person's role in an event away.
func RemoveUser(ctx context.Context, q store.Querier, account, event, person uuid.UUID) error {
	return some(store.Exec(ctx, q, deleteUser, store.Args{"account": account, "event": event, "person": person}))
}

// A Held role is one that a person has in one event.
type Held struct {
	Event   uuid.UUID   `db:"event_id"`
	Title   string      `db:"title"`
	Role    permit.Role `db:"role"`
	AddedAt time.Time   `db:"added_at"`
}

// RolesOf returns the roles that a person has in single events, of whatever account, the oldest first.
func RolesOf(ctx context.Context, q store.Querier, person uuid.UUID) ([]Held, error) {
	return store.All[Held](ctx, q, rolesOf, store.Args{"person": person})
}
