package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"freshet/control/secret"
	"freshet/control/store"
)

// A Kind of link.
type Kind string

// What links are for, and how long they last.
const (
	SignUp Kind = "sign-up" // make an account
	LogIn  Kind = "log-in"  // in the browser that asked
	Reset  Kind = "reset"   // choose a new password
	Invite Kind = "invite"  // join an account
)

var lasts = map[Kind]time.Duration{
	SignUp: 24 * time.Hour,
	LogIn:  10 * time.Minute,
	Reset:  time.Hour,
	Invite: 14 * 24 * time.Hour,
}

// ErrLink is returned for a link that is none, was used, or whose time is over.
var ErrLink = errors.New("the link does not work any more")

// codeTries is how many codes a browser may try for one link: of a million, so one in 200,000 is guessed.
const codeTries = 5

// A Link is one that a mail brings. It works once.
type Link struct {
	Kind      Kind                          `db:"kind"`
	Person    *uuid.UUID                    `db:"person_id"`
	Account   *uuid.UUID                    `db:"account_id"`
	Data      store.JSON[map[string]string] `db:"data"`
	Browser   []byte                        `db:"browser"` // hash of the secret of the browser that asked; LogIn
	ExpiresAt time.Time                     `db:"expires_at"`
}

// person is whose link it is; uuid.Nil for nobody's.
func (l *Link) person() uuid.UUID {
	if l.Person == nil {
		return uuid.Nil
	}
	return *l.Person
}

// NewLink keeps l and returns its token, for the mail.
func NewLink(ctx context.Context, q store.Querier, l Link, now time.Time) (token string, err error) {
	token, hash := secret.New()
	var code []byte
	if l.Kind == LogIn {
		code = secret.Hash(Code(token))
	}
	if l.Data.V == nil {
		l.Data.V = map[string]string{}
	}
	_, err = store.Exec(ctx, q, insertLink, store.Args{
		"hash": hash, "kind": string(l.Kind), "person": l.Person, "account": l.Account, "data": l.Data,
		"browser": l.Browser, "code": code, "expires_at": store.Moment(now.Add(lasts[l.Kind])),
	})
	return token, err
}

// InviteLink keeps an invitation of person into account and returns its address on pages, for the mail.
func InviteLink(ctx context.Context, q store.Querier, pages string, person, account uuid.UUID, now time.Time) (string, error) {
	token, err := NewLink(ctx, q, Link{Kind: Invite, Person: &person, Account: &account}, now)
	return pages + "/invite/" + token, err
}

// Code returns the six digits that a page shows where a link to log in was opened in another browser than the one
// that asked: typed in there, they do what the link would have done.
func Code(token string) string {
	h := hmac.New(sha256.New, []byte("freshet log-in code"))
	_, _ = h.Write([]byte(token))
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(h.Sum(nil))%1_000_000)
}

// Look returns the link of a token, which it leaves as it is: opening a link does nothing. It returns ErrLink where
// the link does not work, or is of another kind.
func Look(ctx context.Context, q store.Querier, kind Kind, token string, now time.Time) (Link, error) {
	l, err := store.One[Link](ctx, q, linkByHash, store.Args{"hash": secret.Hash(token), "kind": string(kind), "now": store.Moment(now)})
	if errors.Is(err, store.ErrNone) {
		err = ErrLink
	}
	return l, err
}

// Asked says whether l was asked for by the browser with that secret.
func (l *Link) Asked(browser string) bool {
	return subtle.ConstantTimeCompare(l.Browser, secret.Hash(browser)) == 1
}

// Use returns the link of a token, which does not work any more from then on. It belongs in a transaction with what
// the link is for.
func Use(ctx context.Context, q store.Querier, kind Kind, token string, now time.Time) (Link, error) {
	l, err := Look(ctx, q, kind, token, now)
	if err != nil {
		return Link{}, err
	}
	return l, use(ctx, q, secret.Hash(token), now)
}

func use(ctx context.Context, q store.Querier, hash []byte, now time.Time) error {
	n, err := store.Exec(ctx, q, useLink, store.Args{"hash": hash, "now": store.Moment(now)})
	if err == nil && n == 0 {
		err = ErrLink
	}
	return err
}

// UseCode does what Use does for the log-in link that a browser has asked for, by its code. The try is counted even
// where it fails, so wrong says that the code was wrong rather than an error that would undo it.
func UseCode(ctx context.Context, q store.Querier, browser, code string, now time.Time) (l Link, wrong bool, err error) {
	type asked struct {
		Link
		Hash  []byte `db:"hash"`
		Code  []byte `db:"code"`
		Tries int64  `db:"tries"`
	}
	found, err := store.One[asked](ctx, q, linkByCode, store.Args{"browser": secret.Hash(browser), "now": store.Moment(now)})
	switch {
	case errors.Is(err, store.ErrNone):
		return Link{}, false, ErrLink
	case err != nil:
		return Link{}, false, err
	case found.Tries >= codeTries:
		return Link{}, false, ErrLink
	}
	if subtle.ConstantTimeCompare(found.Code, secret.Hash(code)) == 0 {
		_, err := store.Exec(ctx, q, tryLink, store.Args{"hash": found.Hash})
		return Link{}, true, err
	}
	return found.Link, false, use(ctx, q, found.Hash, now)
}

// useOthers has all links of l's kind and person work no more.
func useOthers(ctx context.Context, q store.Querier, l Link, now time.Time) error {
	_, err := store.Exec(ctx, q, useAll, store.Args{"person": l.person(), "kind": string(l.Kind), "now": store.Moment(now)})
	return err
}

// LinksOf returns the links that were sent to a person with an address, those that were used, too.
func LinksOf(ctx context.Context, q store.Querier, person uuid.UUID, email string) ([]Link, error) {
	return store.All[Link](ctx, q, linksOf, store.Args{"person": person, "email": email})
}

// Forget ends all log-ins of a person with an address, its second step and its passkeys, and all links that were sent
// to it.
func Forget(ctx context.Context, q store.Querier, person uuid.UUID, email string) error {
	if _, err := EndOthers(ctx, q, person, uuid.Nil); err != nil {
		return err
	}
	if err := endStep(ctx, q, person); err != nil {
		return err
	}
	for _, s := range []store.Statement{passkeysDelete, challengesDelete} {
		if _, err := store.Exec(ctx, q, s, store.Args{"person": person}); err != nil {
			return err
		}
	}
	_, err := store.Exec(ctx, q, deleteLinks, store.Args{"person": person, "email": email})
	return err
}
