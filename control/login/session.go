// Package login lets persons in: by password, or by a link that a mail brought. A browser that is logged in holds a
// secret of which the database has a hash.
package login

import (
	"context"
	"embed"
	"time"

	"github.com/google/uuid"

	"freshet/control/secret"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements  = store.Load(files)
	insertLogin = statements.Get("insert_login")
	loginByHash = statements.Get("login_by_hash")
	loginSeen   = statements.Get("login_seen")
	loginsOf    = statements.Get("logins_of_person")
	loginMoved  = statements.Get("login_moved")
	deleteLogin = statements.Get("delete_login")
	deleteOther = statements.Get("delete_other_logins")
	deleteOf    = statements.Get("delete_logins_in_account")
	insertLink  = statements.Get("insert_link")
	linkByHash  = statements.Get("link_by_hash")
	linkByCode  = statements.Get("links_by_browser")
	useLink     = statements.Get("use_link")
	useAll      = statements.Get("use_links_of_kind")
	tryLink     = statements.Get("try_link")
	linksOf     = statements.Get("links_of_person")
	deleteLinks = statements.Get("delete_links_of_person")

	stepBegin      = statements.Get("begin_step")
	stepByPerson   = statements.Get("step_of")
	stepUse        = statements.Get("use_step")
	stepSince      = statements.Get("step_since")
	stepDelete     = statements.Get("delete_step")
	recoveryInsert = statements.Get("insert_recovery_code")
	recoveryUse    = statements.Get("use_recovery_code")
	recoveryLeft   = statements.Get("recovery_codes_left")
	recoveryDelete = statements.Get("delete_recovery_codes")
	halfInsert     = statements.Get("insert_half")
	halfByHash     = statements.Get("half_by_hash")
	halfTry        = statements.Get("try_half")
	halfDelete     = statements.Get("delete_half")
	halvesDelete   = statements.Get("delete_halves")

	passkeyInsert    = statements.Get("insert_passkey")
	passkeysByPerson = statements.Get("passkeys_of_person")
	passkeyUsed      = statements.Get("passkey_used")
	passkeyDelete    = statements.Get("delete_passkey")
	passkeysDelete   = statements.Get("delete_passkeys")
	challengeInsert  = statements.Get("insert_challenge")
	challengeUse     = statements.Get("use_challenge")
	challengesDelete = statements.Get("delete_challenges")

	sweeps = []store.Statement{
		statements.Get("sweep_logins"), statements.Get("sweep_links"), statements.Get("sweep_halves"), statements.Get("sweep_challenges"),
	}
	sweepSteps = statements.Get("sweep_steps")
)

const (
	// keepFor is how long a browser stays logged in after it was last used.
	keepFor = 30 * 24 * time.Hour
	// seenEvery is how often that is noted.
	seenEvery = 5 * time.Minute
)

// A Login is a browser in which a person is logged in.
type Login struct {
	ID        uuid.UUID `db:"id"`
	Person    uuid.UUID `db:"person_id"`
	Account   uuid.UUID `db:"account_id"` // that it shows
	BeganAt   time.Time `db:"began_at"`
	SeenAt    time.Time `db:"seen_at"`
	ExpiresAt time.Time `db:"expires_at"`
	Address   string    `db:"address"`
	Agent     string    `db:"agent"` // User-Agent
}

// Begin logs l.Person in, and returns the secret for the browser.
func Begin(ctx context.Context, q store.Querier, l Login, now time.Time) (cookie string, _ Login, err error) {
	cookie, hash := secret.New()
	l.ID, l.BeganAt, l.SeenAt, l.ExpiresAt = store.NewID(), store.Moment(now), store.Moment(now), store.Moment(now.Add(keepFor))
	_, err = store.Exec(ctx, q, insertLogin, store.Args{
		"hash": hash, "id": l.ID, "person": l.Person, "account": l.Account, "began_at": l.BeganAt, "seen_at": l.SeenAt,
		"expires_at": l.ExpiresAt, "address": l.Address, "agent": l.Agent,
	})
	return cookie, l, err
}

// Find returns the login whose secret a browser has sent, and store.ErrNone where it is over or never was.
func Find(ctx context.Context, q store.Querier, cookie string, now time.Time) (Login, error) {
	l, err := store.One[Login](ctx, q, loginByHash, store.Args{"hash": secret.Hash(cookie), "now": store.Moment(now)})
	if err == nil && now.Sub(l.SeenAt) >= seenEvery {
		l.SeenAt, l.ExpiresAt = store.Moment(now), store.Moment(now.Add(keepFor))
		_, err = store.Exec(ctx, q, loginSeen, store.Args{"id": l.ID, "seen_at": l.SeenAt, "expires_at": l.ExpiresAt})
	}
	return l, err
}

// Of returns the logins of a person, the one last seen first.
func Of(ctx context.Context, q store.Querier, person uuid.UUID, now time.Time) ([]Login, error) {
	return store.All[Login](ctx, q, loginsOf, store.Args{"person": person, "now": store.Moment(now)})
}

// Move has a login show another account of its person.
func Move(ctx context.Context, q store.Querier, login, account uuid.UUID) error {
	_, err := store.Exec(ctx, q, loginMoved, store.Args{"id": login, "account": account})
	return err
}

// End logs one browser of a person out.
func End(ctx context.Context, q store.Querier, person, login uuid.UUID) (ended bool, err error) {
	n, err := store.Exec(ctx, q, deleteLogin, store.Args{"id": login, "person": person})
	return n > 0, err
}

// EndOthers logs a person out everywhere but in one browser; uuid.Nil spares none. Log-ins that wait for a second step
// end, too.
func EndOthers(ctx context.Context, q store.Querier, person, but uuid.UUID) (ended int64, err error) {
	if _, err := store.Exec(ctx, q, halvesDelete, store.Args{"person": person}); err != nil {
		return 0, err
	}
	return store.Exec(ctx, q, deleteOther, store.Args{"person": person, "but": but})
}

// EndIn logs a person out of an account that it is no member of any more.
func EndIn(ctx context.Context, q store.Querier, person, account uuid.UUID) error {
	_, err := store.Exec(ctx, q, deleteOf, store.Args{"person": person, "account": account})
	return err
}

// Sweep forgets log-ins, links and challenges whose time is over, and second steps that no code has confirmed.
func Sweep(ctx context.Context, db *store.DB, now time.Time) error {
	for _, s := range sweeps {
		if _, err := store.Exec(ctx, db, s, store.Args{"now": store.Moment(now)}); err != nil {
			return err
		}
	}
	_, err := store.Exec(ctx, db, sweepSteps, store.Args{"before": store.Moment(now.Add(-setUpFor))})
	return err
}
