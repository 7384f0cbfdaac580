package login

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/store"
	"freshet/proto/problem"
)

// PasskeyShown is a passkey as the API shows it.
type PasskeyShown struct {
	ID     uuid.UUID  `json:"id" format:"uuid"`
	Name   string     `json:"name"`
	MadeAt time.Time  `json:"madeAt"`
	UsedAt *time.Time `json:"usedAt" doc:"When it logged in last; null: never"`
}

// PasskeyWanted is what an authenticator makes a passkey of; binary values are in base64url.
type PasskeyWanted struct {
	Challenge  string   `json:"challenge"`
	PartyID    string   `json:"partyId" doc:"Host of the pages (RP ID)"`
	PartyName  string   `json:"partyName"`
	UserID     string   `json:"userId"`
	UserName   string   `json:"userName"`
	UserShown  string   `json:"userShown" doc:"Display name"`
	Algorithms []int64  `json:"algorithms" nullable:"false" doc:"COSE identifiers, the best first"`
	Exclude    []string `json:"exclude" nullable:"false" doc:"Credentials that the person has"`
}

// PasskeyMade is what an authenticator has made (AuthenticatorAttestationResponse); binary values are in base64url.
type PasskeyMade struct {
	Name        string   `json:"name" minLength:"1" maxLength:"80" doc:"As the person calls it"`
	ID          string   `json:"id" maxLength:"1400" doc:"Of the credential"`
	ClientData  string   `json:"clientData" maxLength:"4096" doc:"clientDataJSON"`
	Attestation string   `json:"attestation" maxLength:"65536" doc:"attestationObject"`
	Transports  []string `json:"transports,omitempty" maxItems:"8" nullable:"false"`
}

// PasskeySigned is what a passkey has signed (AuthenticatorAssertionResponse); binary values are in base64url.
type PasskeySigned struct {
	ID            string `json:"id" maxLength:"1400" doc:"Of the credential"`
	ClientData    string `json:"clientData" maxLength:"4096" doc:"clientDataJSON"`
	Authenticator string `json:"authenticator" maxLength:"4096" doc:"authenticatorData"`
	Signature     string `json:"signature" maxLength:"4096"`
	UserID        string `json:"userId" maxLength:"128" doc:"userHandle"`
}

type passkeysOut struct {
	Body []PasskeyShown `nullable:"false"`
}

type passkeyOut struct {
	SetCookie []cookie `header:"Set-Cookie"`
	Body      PasskeyShown
}

type passkeyWantedOut struct {
	SetCookie []cookie `header:"Set-Cookie"`
	Body      PasskeyWanted
}

type passkeyAskedOut struct {
	SetCookie []cookie `header:"Set-Cookie"`
	Body      struct {
		Challenge string `json:"challenge" doc:"To sign, in base64url"`
		PartyID   string `json:"partyId" doc:"Host of the pages (RP ID)"`
	}
}

type passkeyMadeIn struct{ Body PasskeyMade }
type passkeySignedIn struct{ Body PasskeySigned }

type passkeyIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func (r *Routes) registerPasskeys(api huma.API) {
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in/passkey/challenge", "ask-passkey", "What a passkey is to sign to log this browser in, once, within five minutes", 409)), r.askPasskey)
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in/passkey", "use-passkey", "Log in by what a passkey has signed; no second step is asked for", 401, 409)), r.usePasskey)
	huma.Register(api, access.Person(access.Op(http.MethodGet, "/me/passkeys", "list-passkeys", "Passkeys of the person")), r.listPasskeys)
	huma.Register(api, access.Person(access.Op(http.MethodPost, "/me/passkeys/challenge", "begin-passkey", "What to make a passkey of, once, within five minutes", 403, 409, 422)), r.beginPasskey)
	add := access.Person(access.Op(http.MethodPost, "/me/passkeys", "add-passkey", "Keep a passkey that an authenticator has made", 409, 422))
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, add, r.addPasskey)
	huma.Register(api, access.Person(access.Op(http.MethodDelete, "/me/passkeys/{id}", "remove-passkey", "Have a passkey log in no more", 404)), r.removePasskey)
}

var errNoParty = problem.New(http.StatusConflict, "passkeys-off", "No passkeys here",
	"Browsers have passkeys for pages that are reached over TLS at a name. These are not.")

// base64url without padding, as browsers write it (RFC 4648, section 5).
var base64url = base64.RawURLEncoding

// bytesOf returns what texts stand for, or ErrPasskey.
func bytesOf(texts ...string) ([][]byte, error) {
	all := make([][]byte, len(texts))
	for i, t := range texts {
		b, err := base64url.DecodeString(t)
		if err != nil {
			return nil, ErrPasskey
		}
		all[i] = b
	}
	return all, nil
}

func credential(id string, raw []byte) protocol.PublicKeyCredential {
	return protocol.PublicKeyCredential{Credential: protocol.Credential{ID: id, Type: string(protocol.PublicKeyCredentialType)}, RawID: raw}
}

func (r *Routes) askPasskey(ctx context.Context, _ *struct{}) (*passkeyAskedOut, error) {
	if r.party == nil {
		return nil, errNoParty
	}
	a, now := access.From(ctx), r.Now()
	if v := r.tries.network.Take(limit.Network(a.From), now); !v.OK {
		return nil, v.Refused()
	}
	wanted, session, err := r.party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, err
	}
	cookie, err := r.challenge(ctx, nil, session, now)
	if err != nil {
		return nil, err
	}
	out := &passkeyAskedOut{SetCookie: cookie}
	out.Body.Challenge, out.Body.PartyID = wanted.Response.Challenge.String(), r.party.Config.RPID
	return out, nil
}

// challenge keeps a session, and returns the cookie by which the browser is known again.
func (r *Routes) challenge(ctx context.Context, person *uuid.UUID, s *webauthn.SessionData, now time.Time) ([]cookie, error) {
	secret, err := keepChallenge(ctx, r.Store, person, *s, now)
	return []cookie{access.From(ctx).Browser.Jar.Give(access.Challenge, secret, now.Add(challengeFor))}, err
}

// usePasskey answers the same to whatever is wrong.
func (r *Routes) usePasskey(ctx context.Context, in *passkeySignedIn) (out *entered, err error) {
	if r.party == nil {
		return nil, errNoParty
	}
	now, b := r.Now(), in.Body
	session, err := takeChallenge(ctx, r.Store, uuid.Nil, access.From(ctx).Browser.Challenge, now)
	if err == nil {
		var raw [][]byte
		if raw, err = bytesOf(b.ID, b.ClientData, b.Authenticator, b.Signature, b.UserID); err == nil {
			out, err = r.byPasskey(ctx, session, protocol.CredentialAssertionResponse{
				PublicKeyCredential: credential(b.ID, raw[0]),
				AssertionResponse: protocol.AuthenticatorAssertionResponse{
					AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: raw[1]},
					AuthenticatorData:     raw[2], Signature: raw[3], UserHandle: raw[4],
				},
			}, now)
		}
	}
	if errors.Is(err, ErrPasskey) {
		err = problem.New(http.StatusUnauthorized, "passkey", "Not logged in", "The passkey is not known here any more, or it took too long. Try again, or log in another way.")
	}
	return out, err
}

func (r *Routes) byPasskey(ctx context.Context, s webauthn.SessionData, answer protocol.CredentialAssertionResponse, now time.Time) (out *entered, err error) {
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		p, err := signed(ctx, q, r.party, s, answer, now)
		if err != nil {
			return err
		}
		shown, err := first(ctx, q, p.ID)
		if err != nil {
			return err
		}
		out, err = r.admit(ctx, q, p, shown, "log-in-passkey")
		return err
	})
	return out, err
}

func (r *Routes) listPasskeys(ctx context.Context, _ *struct{}) (*passkeysOut, error) {
	all, err := Passkeys(ctx, r.Store, access.From(ctx).ID)
	out := &passkeysOut{Body: []PasskeyShown{}}
	for _, k := range all {
		out.Body = append(out.Body, PasskeyShown{k.ID, k.Name, k.MadeAt, k.UsedAt})
	}
	return out, err
}

func fullPasskeys() *problem.Problem {
	return problem.New(http.StatusConflict, "full-passkeys", "Too many passkeys", "A person has at most 20 passkeys. Remove one first.")
}

func (r *Routes) beginPasskey(ctx context.Context, in *proofIn) (*passkeyWantedOut, error) {
	if r.party == nil {
		return nil, errNoParty
	}
	a, now := access.From(ctx), r.Now()
	h, err := holderOf(ctx, r.Store, a.ID)
	if err != nil {
		return nil, err
	}
	if err := r.sure(ctx, a, h.Person, in.Body); err != nil {
		return nil, err
	}
	if len(h.keys) >= passkeysMost {
		return nil, fullPasskeys()
	}
	var params []protocol.CredentialParameter
	for _, alg := range algorithms {
		params = append(params, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.COSEAlgorithmIdentifier(alg)})
	}
	required := true
	wanted, session, err := r.party.BeginRegistration(h, webauthn.WithCredentialParameters(params),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			RequireResidentKey: &required, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		}))
	if err != nil {
		return nil, err
	}
	cookie, err := r.challenge(ctx, &a.ID, session, now)
	if err != nil {
		return nil, err
	}
	out := &passkeyWantedOut{SetCookie: cookie, Body: PasskeyWanted{
		Challenge: wanted.Response.Challenge.String(), PartyID: r.party.Config.RPID, PartyName: r.party.Config.RPDisplayName,
		UserID: base64url.EncodeToString(h.WebAuthnID()), UserName: h.WebAuthnName(), UserShown: h.WebAuthnDisplayName(),
		Algorithms: algorithms, Exclude: []string{},
	}}
	for _, c := range h.WebAuthnCredentials() {
		out.Body.Exclude = append(out.Body.Exclude, base64url.EncodeToString(c.ID))
	}
	return out, nil
}

func (r *Routes) addPasskey(ctx context.Context, in *passkeyMadeIn) (*passkeyOut, error) {
	if r.party == nil {
		return nil, errNoParty
	}
	name := account.Text(in.Body.Name)
	if name == "" {
		return nil, problem.Invalid("/name", account.Unseen)
	}
	a, now := access.From(ctx), r.Now()
	k := Passkey{ID: store.NewID(), Person: a.ID, Name: name, MadeAt: store.Moment(now)}
	err := r.made(ctx, in.Body, &k, a, now)
	if errors.Is(err, ErrPasskey) {
		err = problem.New(http.StatusUnprocessableEntity, "passkey", "Not added", "This is no new passkey for these pages, or it took too long. Nothing was changed: try again.")
	}
	return &passkeyOut{
		SetCookie: []cookie{a.Browser.Jar.Take(access.Challenge)},
		Body:      PasskeyShown{k.ID, k.Name, k.MadeAt, nil},
	}, err
}

// made keeps what b says that a's authenticator has made, as k. It returns ErrPasskey where that is nothing.
func (r *Routes) made(ctx context.Context, b PasskeyMade, k *Passkey, a access.Actor, now time.Time) error {
	session, err := takeChallenge(ctx, r.Store, a.ID, a.Browser.Challenge, now)
	if err != nil {
		return err
	}
	raw, err := bytesOf(b.ID, b.ClientData, b.Attestation)
	if err != nil {
		return err
	}
	answer := protocol.CredentialCreationResponse{
		PublicKeyCredential: credential(b.ID, raw[0]),
		AttestationResponse: protocol.AuthenticatorAttestationResponse{
			AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: raw[1]},
			AttestationObject:     raw[2], Transports: b.Transports,
		},
	}
	return r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		h, err := holderOf(ctx, q, a.ID)
		if err != nil {
			return err
		}
		if len(h.keys) >= passkeysMost {
			return fullPasskeys()
		}
		c, err := create(r.party, h, session, answer)
		if err != nil {
			return err
		}
		k.Credential.V = *c
		if err := k.keep(ctx, q); err != nil {
			return err
		}
		return r.note(ctx, q, a, "add-passkey", "passkey/"+k.ID.String())
	})
}

func (r *Routes) removePasskey(ctx context.Context, in *passkeyIn) (*struct{}, error) {
	a := access.From(ctx)
	return nil, r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		n, err := store.Exec(ctx, q, passkeyDelete, store.Args{"id": in.ID, "person": a.ID})
		if err == nil && n == 0 {
			err = problem.New(http.StatusNotFound, "not-found", "Not found", "You have no such passkey.")
		}
		if err != nil {
			return err
		}
		return r.note(ctx, q, a, "remove-passkey", "passkey/"+in.ID.String())
	})
}
