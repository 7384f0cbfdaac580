package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// A Proof shows that it is the person who asks, not somebody who has found its browser open: one of both will do. Who has
// neither logs in by a link or a passkey, and asks within ten minutes.
type Proof struct {
	Password string `json:"password,omitempty" maxLength:"1024"`
	Code     string `json:"code,omitempty" maxLength:"64" doc:"Of the app, or a recovery code, where a second step is on"`
}

type proofIn struct{ Body Proof }

type secondStepOut struct {
	Body struct {
		On    bool       `json:"on"`
		Since *time.Time `json:"since" doc:"Null where it is off"`
		Codes int64      `json:"codes" doc:"Recovery codes that are left"`
	}
}

type stepBegunOut struct {
	Body struct {
		Secret string `json:"secret" doc:"For the app, base32; shown this once"`
		URI    string `json:"uri" doc:"The same as an otpauth: address, for a QR code"`
	}
}

type stepCodeIn struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"64" doc:"Six digits of the app"`
	}
}

type recoveryOut struct {
	Body struct {
		Codes []string `json:"codes" nullable:"false" doc:"Ten, each of which works once in the place of a code of the app; shown this once"`
	}
}

type useStepIn struct {
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"64" doc:"Six digits of the app, or a recovery code"`
	}
}

func (r *Routes) registerSecond(api huma.API) {
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, "/log-in/second-step", "use-second-step", "End a log-in that waits for its second step in this browser", 401, 410)), r.useStep)
	huma.Register(api, access.Person(access.Op(http.MethodGet, "/me/second-step", "get-second-step", "Whether a second step is asked for at log-in")), r.getStep)
	huma.Register(api, access.Person(access.Op(http.MethodPost, "/me/second-step", "begin-second-step", "Get a secret for an app; nothing is asked for until a code confirms it", 403, 409, 422)), r.beginStep)
	huma.Register(api, access.Person(access.Op(http.MethodPost, "/me/second-step/confirm", "confirm-second-step", "Have a second step asked for from now on", 403, 409)), r.confirmStep)
	huma.Register(api, access.Person(access.Op(http.MethodPost, "/me/second-step/codes", "renew-recovery-codes", "Get new recovery codes; the old ones work no more", 403, 409, 422)), r.renewCodes)
	huma.Register(api, access.Person(access.Op(http.MethodDelete, "/me/second-step", "end-second-step", "Have no second step asked for any more", 403, 409, 422)), r.endStep)
}

func wrongCode(status int) *problem.Problem {
	p := problem.New(status, "second-step-code", "Wrong code", "This is not a code of the app now, or it was used already. Nothing was changed.")
	p.Errors = []problem.Field{{Pointer: "/code", Detail: p.Detail}}
	return p
}

// mayTry refuses who tries too many codes of six digits for a person; recovery codes are not guessed.
func (r *Routes) mayTry(person uuid.UUID, code string) error {
	if !sixDigits.MatchString(code) {
		return nil
	}
	if v := r.tries.steps.Take(person.String(), r.Now()); !v.OK {
		return v.Refused()
	}
	return nil
}

// proves says whether a plain code is of a person's second step, which is on; and whether it was a recovery code.
func (r *Routes) proves(ctx context.Context, q store.Querier, person uuid.UUID, code string) (ok, recovery bool, err error) {
	now := r.Now()
	k, err := stepOf(ctx, q, person)
	switch {
	case err != nil || k.Since == nil:
		return false, false, err
	case sixDigits.MatchString(code):
		ok, err = useCode(ctx, q, r.Sealer, person, k, code, now)
		return ok, false, err
	}
	ok, err = useRecovery(ctx, q, person, code, now)
	return ok, ok, err
}

// recoveryUsed is what an audit log calls it that a recovery code, which is good once, took the place of the app.
const recoveryUsed = "use-recovery-code"

// useStep counts the try also where it fails, so wrong is no error of the transaction.
func (r *Routes) useStep(ctx context.Context, in *useStepIn) (*entered, error) {
	a, now, code := access.From(ctx), r.Now(), plain(in.Body.Code)
	waits, err := findHalf(ctx, r.Store, a.Browser.Half, now)
	if err != nil {
		return nil, err
	}
	if err := r.mayTry(waits.Person, code); err != nil {
		return nil, err
	}
	var out *entered
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		out = nil
		h, err := findHalf(ctx, q, a.Browser.Half, now)
		if err != nil {
			return err
		}
		if err := tryHalf(ctx, q, a.Browser.Half); err != nil {
			return err
		}
		ok, recovery, err := r.proves(ctx, q, h.Person, code)
		if err != nil || !ok {
			return err
		}
		p, err := account.PersonByID(ctx, q, h.Person)
		if err != nil {
			return err
		}
		if err := endHalf(ctx, q, a.Browser.Half); err != nil {
			return err
		}
		if recovery && h.Account != uuid.Nil {
			act := audit.Act{Actor: audit.Person, ActorID: p.ID, From: a.From, Action: recoveryUsed, Subject: "person/" + p.ID.String()}
			if err := audit.Add(ctx, q, h.Account, now, act); err != nil {
				return err
			}
		}
		out, err = r.admit(ctx, q, p, h.Account, h.Action)
		return err
	})
	if err == nil && out == nil {
		err = wrongCode(http.StatusUnauthorized)
	}
	return out, err
}

// freshFor is how long a log-in is as good as a password, of a person who has none: it came by a link or a passkey.
const freshFor = 10 * time.Minute

// Fresh says whether a has logged in just now.
func Fresh(ctx context.Context, q store.Querier, a access.Actor, now time.Time) (bool, error) {
	all, err := Of(ctx, q, a.ID, now)
	for _, l := range all {
		if l.ID == a.Login && now.Sub(l.BeganAt) < freshFor {
			return true, nil
		}
	}
	return false, err
}

// sure returns an error unless proof is p's.
func (r *Routes) sure(ctx context.Context, a access.Actor, p account.Person, proof Proof) error {
	k, err := stepOf(ctx, r.Store, p.ID)
	switch on := k.Since != nil; {
	case err != nil:
		return err
	case proof.Password != "" && p.Password != nil:
		return r.Confirm(ctx, p, proof.Password, "/password")
	case proof.Code != "" && on:
		return r.confirmCode(ctx, a, proof.Code)
	case p.Password != nil:
		return problem.Invalid("/password", "Give your password.")
	case on:
		return problem.Invalid("/code", "Give a code of the app, or a recovery code.")
	}
	fresh, err := Fresh(ctx, r.Store, a, r.Now())
	if err == nil && !fresh {
		err = problem.New(http.StatusForbidden, "log-in-again", "Log in again",
			"You have no password to give. Log in by a new link first, and ask again within ten minutes.")
	}
	return err
}

func (r *Routes) confirmCode(ctx context.Context, a access.Actor, code string) error {
	code = plain(code)
	if err := r.mayTry(a.ID, code); err != nil {
		return err
	}
	return r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		ok, recovery, err := r.proves(ctx, q, a.ID, code)
		if err == nil && !ok {
			err = wrongCode(http.StatusForbidden)
		}
		if err == nil && recovery {
			err = r.note(ctx, q, a, recoveryUsed, "person/"+a.ID.String())
		}
		return err
	})
}

func (r *Routes) getStep(ctx context.Context, _ *struct{}) (*secondStepOut, error) {
	s, err := SecondStepOf(ctx, r.Store, access.From(ctx).ID)
	out := &secondStepOut{}
	out.Body.On, out.Body.Since, out.Body.Codes = s.Since != nil, s.Since, s.Codes
	return out, err
}

// surely runs do in a transaction and notes action, where proof is the caller's.
func (r *Routes) surely(ctx context.Context, proof Proof, action string, do func(ctx context.Context, q store.Querier, p account.Person) error) error {
	a := access.From(ctx)
	p, err := account.PersonByID(ctx, r.Store, a.ID)
	if err != nil {
		return err
	}
	if err := r.sure(ctx, a, p, proof); err != nil {
		return err
	}
	return r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if err := do(ctx, q, p); err != nil {
			return err
		}
		return r.note(ctx, q, a, action, "person/"+a.ID.String())
	})
}

func (r *Routes) beginStep(ctx context.Context, in *proofIn) (*stepBegunOut, error) {
	out := &stepBegunOut{}
	err := r.surely(ctx, in.Body, "begin-second-step", func(ctx context.Context, q store.Querier, p account.Person) (err error) {
		out.Body.Secret, err = beginStep(ctx, q, r.Sealer, p.ID, r.Now())
		if errors.Is(err, ErrStepOn) {
			err = problem.New(http.StatusConflict, "second-step-on", "On already", "A second step is on. Switch it off before you set up another app.")
		}
		out.Body.URI = stepURI(*p.Email, out.Body.Secret)
		return err
	})
	return out, err
}

// stepURI is what apps read of a QR code (Key URI format of Google Authenticator, which they share).
func stepURI(email, secret string) string {
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Freshet:" + email}
	u.RawQuery = "secret=" + secret + "&issuer=Freshet"
	return u.String()
}

var errStepOff = problem.New(http.StatusConflict, "second-step-off", "Not on", "No second step is on, or its set-up was begun more than an hour ago. Begin it anew.")

func (r *Routes) confirmStep(ctx context.Context, in *stepCodeIn) (*recoveryOut, error) {
	a, now, code := access.From(ctx), r.Now(), plain(in.Body.Code)
	if !sixDigits.MatchString(code) {
		return nil, wrongCode(http.StatusForbidden)
	}
	if err := r.mayTry(a.ID, code); err != nil {
		return nil, err
	}
	out := &recoveryOut{}
	return out, r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		k, err := stepOf(ctx, q, a.ID)
		switch {
		case err != nil:
			return err
		case k.Secret == nil || k.Since != nil || now.Sub(k.BegunAt) >= setUpFor:
			return errStepOff
		}
		switch ok, err := useCode(ctx, q, r.Sealer, a.ID, k, code, now); {
		case err != nil:
			return err
		case !ok:
			return wrongCode(http.StatusForbidden)
		}
		if out.Body.Codes, err = confirmStep(ctx, q, a.ID, now); err != nil {
			return err
		}
		return r.note(ctx, q, a, "confirm-second-step", "person/"+a.ID.String())
	})
}

// on returns errStepOff where a person has no second step.
func on(ctx context.Context, q store.Querier, person uuid.UUID) error {
	k, err := stepOf(ctx, q, person)
	if err == nil && k.Since == nil {
		err = errStepOff
	}
	return err
}

func (r *Routes) renewCodes(ctx context.Context, in *proofIn) (*recoveryOut, error) {
	out := &recoveryOut{}
	return out, r.surely(ctx, in.Body, "renew-recovery-codes", func(ctx context.Context, q store.Querier, p account.Person) error {
		err := on(ctx, q, p.ID)
		if err == nil {
			out.Body.Codes, err = newRecovery(ctx, q, p.ID)
		}
		return err
	})
}

func (r *Routes) endStep(ctx context.Context, in *proofIn) (*struct{}, error) {
	return nil, r.surely(ctx, in.Body, "end-second-step", func(ctx context.Context, q store.Querier, p account.Person) error {
		if err := on(ctx, q, p.ID); err != nil {
			return err
		}
		return endStep(ctx, q, p.ID)
	})
}
