package login

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/secret"
	"freshet/control/store"
)

const (
	// challengeFor is how long a challenge may be signed: finding the phone, and asking it, takes a while.
	challengeFor = 5 * time.Minute
	// passkeysMost of a person.
	passkeysMost = 20
)

// ErrPasskey is returned for what is no passkey of ours, or comes too late, or twice.
var ErrPasskey = errors.New("no passkey that is known, or too late")

// algorithms that passkeys may sign by (COSE): ES256, EdDSA and RS256, one of which each authenticator has.
var algorithms = []int64{-7, -8, -257}

// newParty returns whom passkeys are made for: the pages' host. It is nil where browsers have none: without TLS, or at an
// address that is no name (WebAuthn, section 5.1.3). Only this machine has a name without TLS: localhost.
func newParty(pages string) *webauthn.WebAuthn {
	u, err := url.Parse(pages)
	if err != nil {
		return nil
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		if !a.Unmap().IsLoopback() {
			return nil
		}
		host = "localhost"
	}
	if u.Scheme != "https" && host != "localhost" {
		return nil
	}
	origin := u.Scheme + "://" + host
	if port := u.Port(); port != "" {
		origin += ":" + port
	}
	party, err := webauthn.New(&webauthn.Config{RPID: host, RPDisplayName: "Freshet", RPOrigins: []string{origin}})
	if err != nil {
		return nil // the host is none that browsers take
	}
	return party
}

// A Passkey of a person.
type Passkey struct {
	ID         uuid.UUID                       `db:"id"`
	Person     uuid.UUID                       `db:"person_id"`
	Credential store.JSON[webauthn.Credential] `db:"credential"`
	Name       string                          `db:"name"`
	MadeAt     time.Time                       `db:"made_at"`
	UsedAt     *time.Time                      `db:"used_at"` // last; nil: never
}

// Passkeys returns those of a person, the oldest first.
func Passkeys(ctx context.Context, q store.Querier, person uuid.UUID) ([]Passkey, error) {
	return store.All[Passkey](ctx, q, passkeysByPerson, store.Args{"person": person})
}

// keep keeps k. It returns ErrPasskey where the same credential was kept before.
func (k Passkey) keep(ctx context.Context, q store.Querier) error {
	k.Credential.V.Attestation = webauthn.CredentialAttestation{} // of whatever make it is, nothing depends on it
	n, err := store.Exec(ctx, q, passkeyInsert, store.Args{
		"id": k.ID, "person": k.Person, "credential_id": k.Credential.V.ID, "credential": k.Credential, "name": k.Name, "made_at": k.MadeAt,
	})
	if err == nil && n == 0 {
		err = ErrPasskey
	}
	return err
}

// holder is a person as the library asks about it.
type holder struct {
	account.Person
	keys []Passkey
}

func holderOf(ctx context.Context, q store.Querier, person uuid.UUID) (h holder, err error) {
	if h.Person, err = account.PersonByID(ctx, q, person); err != nil {
		return h, err
	}
	h.keys, err = Passkeys(ctx, q, person)
	return h, err
}

func (h holder) WebAuthnID() []byte { return h.ID[:] }
func (h holder) WebAuthnName() string {
	if h.Email == nil {
		return ""
	}
	return *h.Email
}
func (h holder) WebAuthnDisplayName() string { return h.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(h.keys))
	for i, k := range h.keys {
		all[i] = k.Credential.V
	}
	return all
}

// A challenge is what a browser's passkey is to sign.
type challenge struct {
	Person  *uuid.UUID                       `db:"person_id"` // who adds one; nil: somebody logs in
	Session store.JSON[webauthn.SessionData] `db:"session"`
}

// keepChallenge keeps what a browser is to have signed, for a person who adds a passkey or for nobody known, and returns
// the secret for the browser.
func keepChallenge(ctx context.Context, q store.Querier, person *uuid.UUID, s webauthn.SessionData, now time.Time) (cookie string, err error) {
	cookie, hash := secret.New()
	_, err = store.Exec(ctx, q, challengeInsert, store.Args{
		"hash": hash, "person": person, "session": store.JSON[webauthn.SessionData]{V: s}, "expires_at": store.Moment(now.Add(challengeFor)),
	})
	return cookie, err
}

// takeChallenge returns the challenge of the browser with that secret, once, or ErrPasskey where it is for another person
// than that; uuid.Nil is nobody known. It is taken also where what was signed turns out to be wrong, so it has a
// transaction of its own.
func takeChallenge(ctx context.Context, db *store.DB, person uuid.UUID, cookie string, now time.Time) (webauthn.SessionData, error) {
	var c challenge
	err := db.InTx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		c, err = store.One[challenge](ctx, q, challengeUse, store.Args{"hash": secret.Hash(cookie), "now": store.Moment(now)})
		return err
	})
	if errors.Is(err, store.ErrNone) || err == nil && (c.Person == nil) != (person == uuid.Nil) || c.Person != nil && *c.Person != person {
		err = ErrPasskey
	}
	return c.Session.V, err
}

// create returns the credential that an authenticator has made for h, or ErrPasskey.
func create(party *webauthn.WebAuthn, h holder, s webauthn.SessionData, r protocol.CredentialCreationResponse) (*webauthn.Credential, error) {
	parsed, err := r.Parse()
	if err != nil {
		return nil, ErrPasskey
	}
	c, err := party.CreateCredential(h, s, parsed)
	if err != nil {
		return nil, ErrPasskey
	}
	return c, nil
}

// signed returns who has signed the challenge of s, and notes the use of the passkey. It returns ErrPasskey where nobody
// has, or where the passkey has signed fewer times than before: then there are two of it (WebAuthn, section 6.1.1).
func signed(ctx context.Context, q store.Querier, party *webauthn.WebAuthn, s webauthn.SessionData, r protocol.CredentialAssertionResponse, now time.Time) (account.Person, error) {
	parsed, err := r.Parse()
	if err != nil {
		return account.Person{}, ErrPasskey
	}
	var h holder
	var fault error // ours, which the library would take for the caller's
	_, c, err := party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		id, err := uuid.FromBytes(handle)
		if err != nil {
			return nil, ErrPasskey
		}
		if h, err = holderOf(ctx, q, id); err != nil && !errors.Is(err, store.ErrNone) {
			fault = err
		}
		return h, err
	}, s, parsed)
	switch {
	case fault != nil:
		return account.Person{}, fault
	case err != nil, c.Authenticator.CloneWarning, h.Email == nil:
		return account.Person{}, ErrPasskey
	}
	_, err = store.Exec(ctx, q, passkeyUsed, store.Args{"credential_id": c.ID, "credential": store.JSON[webauthn.Credential]{V: *c}, "now": store.Moment(now)})
	return h.Person, err
}
