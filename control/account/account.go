// Package account knows who owns what: accounts, the persons who log in, and the members that persons are of accounts.
package account

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"freshet/control/permit"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements    = store.Load(files)
	countAccounts = statements.Get("count_accounts")
	insertAccount = statements.Get("insert_account")
	accountByID   = statements.Get("account_by_id")
	renameAccount = statements.Get("rename_account")
	insertPerson  = statements.Get("insert_person")
	personByID    = statements.Get("person_by_id")
	personByEmail = statements.Get("person_by_email")
	updatePerson  = statements.Get("update_person")
	setPassword   = statements.Get("set_password")
	erasePerson   = statements.Get("erase_person")
	grantOps      = statements.Get("grant_ops")
	revokeOps     = statements.Get("revoke_ops")
	opsPersons    = statements.Get("ops_persons")
	insertMember  = statements.Get("insert_member")
	memberOf      = statements.Get("member")
	membersOf     = statements.Get("members")
	accountsOf    = statements.Get("accounts_of_person")
	setRole       = statements.Get("set_role")
	deleteMember  = statements.Get("delete_member")
	memberJoined  = statements.Get("member_joined")
	countOwners   = statements.Get("count_owners")
)

// Errors that callers tell apart.
var (
	ErrTaken     = errors.New("a person with this address is there already")
	ErrEmail     = errors.New("not an email address")
	ErrLastOwner = errors.New("an account keeps one owner")
	ErrChanged   = errors.New("somebody has changed it since")
)

// An Account is a customer.
type Account struct {
	ID        uuid.UUID `db:"id"`
	Name      string    `db:"name"`
	CreatedAt time.Time `db:"created_at"`
}

// A Person logs in. One who was erased has an id and nothing else.
type Person struct {
	ID        uuid.UUID  `db:"id"`
	Email     *string    `db:"email"` // as Address returns it
	Name      string     `db:"name"`
	Password  *string    `db:"password"` // PHC string; nil: none was chosen yet
	Language  string     `db:"language"`
	TimeZone  string     `db:"time_zone"`
	Country   string     `db:"country"`
	Signature string     `db:"signature"`
	Version   int64      `db:"version"`
	CreatedAt time.Time  `db:"created_at"`
	ErasedAt  *time.Time `db:"erased_at"`
	OpsSince  *time.Time `db:"ops_since"` // nil: does not operate the installation
}

// A Member is a person in an account.
type Member struct {
	Account  uuid.UUID   `db:"account_id"`
	Person   uuid.UUID   `db:"person_id"`
	Role     permit.Role `db:"role"`
	AddedAt  time.Time   `db:"added_at"`
	JoinedAt *time.Time  `db:"joined_at"` // nil: invited, and has not logged in yet
	Email    *string     `db:"email"`
	Name     string      `db:"name"`
}

// Address returns email in the form in which one person has one: trimmed and in lower case. It returns ErrEmail where
// it is none.
func Address(email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 254 || strings.ContainsAny(email, " \t\r\n\"<>()") {
		return "", ErrEmail
	}
	return email, nil
}

// Text returns s as a name is kept: without control characters, those that turn the direction of writing, and space
// around it.
func Text(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, s))
}

// Unseen is what is wrong with a name of which Text leaves nothing.
const Unseen = "A name has characters that are seen."

// Lines does what Text does to a text of several lines.
func Lines(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unseen(r) {
			return -1
		}
		return r
	}, s)
}

// unseen says whether r is a control character, or an embedding, override or isolate of Unicode's bidirectional algorithm.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// Language returns the language of Freshet's pages and mails that is nearest to what was asked for: en or fr.
func Language(asked ...string) string {
	tag, _ := language.MatchStrings(languages, asked...)
	base, _ := tag.Base()
	return base.String()
}

var languages = language.NewMatcher([]language.Tag{language.English, language.French})

// TimeZone returns name where that is a zone, else UTC.
func TimeZone(name string) string {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return "UTC"
	}
	return name
}

// Any says whether there is an account at all.
func Any(ctx context.Context, q store.Querier) (bool, error) {
	n, err := store.One[int64](ctx, q, countAccounts, nil)
	return n > 0, err
}

// Add makes an account. It belongs in a transaction with what makes an owner of it.
func Add(ctx context.Context, q store.Querier, name string, now time.Time) (Account, error) {
	a := Account{ID: store.NewID(), Name: Text(name), CreatedAt: store.Moment(now)}
	_, err := store.Exec(ctx, q, insertAccount, store.Args{"id": a.ID, "name": a.Name, "created_at": a.CreatedAt})
	return a, err
}

// Create makes an account whose owner is p, who is new.
func Create(ctx context.Context, q store.Querier, name string, p Person, now time.Time) (Account, Person, error) {
	a, err := Add(ctx, q, name, now)
	if err != nil {
		return Account{}, Person{}, err
	}
	p, err = AddPerson(ctx, q, p, now)
	if err != nil {
		return Account{}, Person{}, err
	}
	err = AddMember(ctx, q, Member{Account: a.ID, Person: p.ID, Role: permit.Owner, JoinedAt: &a.CreatedAt}, now)
	return a, p, err
}

// Get returns an account.
func Get(ctx context.Context, q store.Querier, id uuid.UUID) (Account, error) {
	return store.One[Account](ctx, q, accountByID, store.Args{"id": id})
}

// Rename gives an account another name.
func Rename(ctx context.Context, q store.Querier, id uuid.UUID, name string) error {
	_, err := store.Exec(ctx, q, renameAccount, store.Args{"id": id, "name": Text(name)})
	return err
}

// AddPerson keeps a new person, and gives it an id. It returns ErrTaken where its address is known.
func AddPerson(ctx context.Context, q store.Querier, p Person, now time.Time) (Person, error) {
	p.ID, p.Name, p.Version, p.CreatedAt = store.NewID(), Text(p.Name), 1, store.Moment(now)
	n, err := store.Exec(ctx, q, insertPerson, store.Args{
		"id": p.ID, "email": p.Email, "name": p.Name, "password": p.Password, "language": p.Language,
		"time_zone": p.TimeZone, "country": p.Country, "signature": p.Signature, "version": p.Version, "created_at": p.CreatedAt,
		"ops_since": p.OpsSince,
	})
	if err == nil && n == 0 {
		err = ErrTaken
	}
	return p, err
}

// PersonByID returns a person.
func PersonByID(ctx context.Context, q store.Querier, id uuid.UUID) (Person, error) {
	return store.One[Person](ctx, q, personByID, store.Args{"id": id})
}

// PersonByEmail returns the person with an address, as Address returns it.
func PersonByEmail(ctx context.Context, q store.Querier, email string) (Person, error) {
	return store.One[Person](ctx, q, personByEmail, store.Args{"email": email})
}

// Update keeps p's name, language, time zone, country and signature. It returns ErrChanged where the version kept is
// another than p's.
func Update(ctx context.Context, q store.Querier, p Person) (Person, error) {
	p.Name, p.Signature = Text(p.Name), Lines(p.Signature)
	n, err := store.Exec(ctx, q, updatePerson, store.Args{
		"id": p.ID, "name": p.Name, "language": p.Language, "time_zone": p.TimeZone, "country": p.Country,
		"signature": p.Signature, "version": p.Version,
	})
	if err == nil && n == 0 {
		err = ErrChanged
	}
	p.Version++
	return p, err
}

// SetPassword keeps the PHC string of a new password.
func SetPassword(ctx context.Context, q store.Querier, person uuid.UUID, phc string) error {
	_, err := store.Exec(ctx, q, setPassword, store.Args{"id": person, "password": phc})
	return err
}

// Grant gives a person the right to operate the installation. changed is false where it has that already.
func Grant(ctx context.Context, q store.Querier, person uuid.UUID, now time.Time) (changed bool, err error) {
	n, err := store.Exec(ctx, q, grantOps, store.Args{"id": person, "at": store.Moment(now)})
	return n > 0, err
}

// Revoke takes that right away. changed is false where the person does not have it.
func Revoke(ctx context.Context, q store.Querier, person uuid.UUID) (changed bool, err error) {
	n, err := store.Exec(ctx, q, revokeOps, store.Args{"id": person})
	return n > 0, err
}

// Ops returns the persons who operate the installation, by address.
func Ops(ctx context.Context, q store.Querier) ([]Person, error) {
	return store.All[Person](ctx, q, opsPersons, nil)
}

// NobodyOps says whether there are accounts, and nobody operates the installation: they were made before somebody could.
func NobodyOps(ctx context.Context, q store.Querier) (bool, error) {
	if some, err := Any(ctx, q); err != nil || !some {
		return false, err
	}
	all, err := Ops(ctx, q)
	return len(all) == 0, err
}

// AddMember makes a person a member; one who is already stays as it is.
func AddMember(ctx context.Context, q store.Querier, m Member, now time.Time) error {
	_, err := store.Exec(ctx, q, insertMember, store.Args{
		"account": m.Account, "person": m.Person, "role": string(m.Role), "added_at": store.Moment(now), "joined_at": m.JoinedAt,
	})
	return err
}

// MemberOf returns what person is in an account.
func MemberOf(ctx context.Context, q store.Querier, account, person uuid.UUID) (Member, error) {
	return store.One[Member](ctx, q, memberOf, store.Args{"account": account, "person": person})
}

// Members returns those of an account, by address.
func Members(ctx context.Context, q store.Querier, account uuid.UUID) ([]Member, error) {
	return store.All[Member](ctx, q, membersOf, store.Args{"account": account})
}

// AccountsOf returns the accounts that person is a member of, by name.
func AccountsOf(ctx context.Context, q store.Querier, person uuid.UUID) ([]Account, error) {
	return store.All[Account](ctx, q, accountsOf, store.Args{"person": person})
}

// Joined notes that a member who was invited has logged in.
func Joined(ctx context.Context, q store.Querier, account, person uuid.UUID, now time.Time) error {
	_, err := store.Exec(ctx, q, memberJoined, store.Args{"account": account, "person": person, "at": store.Moment(now)})
	return err
}

// SetRole gives a member another role. It returns ErrLastOwner where nobody would be owner then.
func SetRole(ctx context.Context, q store.Querier, account, person uuid.UUID, role permit.Role) error {
	n, err := store.Exec(ctx, q, setRole, store.Args{"account": account, "person": person, "role": string(role)})
	if err == nil && n == 0 {
		err = fmt.Errorf("member: %w", store.ErrNone)
	}
	return errors.Join(err, owned(ctx, q, account))
}

// Remove takes a member out of an account. It returns ErrLastOwner where nobody would be owner then.
func Remove(ctx context.Context, q store.Querier, account, person uuid.UUID) error {
	n, err := store.Exec(ctx, q, deleteMember, store.Args{"account": account, "person": person})
	if err == nil && n == 0 {
		err = fmt.Errorf("member: %w", store.ErrNone)
	}
	return errors.Join(err, owned(ctx, q, account))
}

func owned(ctx context.Context, q store.Querier, account uuid.UUID) error {
	n, err := store.One[int64](ctx, q, countOwners, store.Args{"account": account})
	if err == nil && n == 0 {
		err = ErrLastOwner
	}
	return err
}

// Erase forgets who a person is. Its id stays, for the audit log.
func Erase(ctx context.Context, q store.Querier, person uuid.UUID, now time.Time) error {
	_, err := store.Exec(ctx, q, erasePerson, store.Args{"id": person, "at": store.Moment(now)})
	return err
}
