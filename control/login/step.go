package login

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/secret"
	"freshet/control/store"
)

const (
	stepPeriod = 30 // seconds that a code of the app is for (RFC 6238, section 4.1)
	stepDrift  = 1  // periods that the app's clock may be off, either way (section 5.2)
	stepSecret = 20 // bytes: those of HMAC-SHA-1, which apps know (RFC 4226, section 4)
	setUpFor   = time.Hour

	recoveryCodes = 10
	recoveryBytes = 10 // 16 characters: 80 bits are not guessed, so one round of SHA-256 will do
)

// ErrStepOn is returned for a second step that is on already.
var ErrStepOn = errors.New("the second step is on already")

// letters of secrets and codes: no 0, 1 or 8, which are taken for others.
var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// A SecondStep is what a person is asked for after the password or the link.
type SecondStep struct {
	Since *time.Time // nil: there is none
	Codes int64      // recovery codes that were not used yet
}

type keptStep struct {
	Secret  []byte     `db:"secret"` // sealed
	BegunAt time.Time  `db:"begun_at"`
	Since   *time.Time `db:"since"` // nil: no code has shown yet that the app has it
}

// stepOf returns the row of a person; one without a secret where there is none.
func stepOf(ctx context.Context, q store.Querier, person uuid.UUID) (keptStep, error) {
	k, err := store.One[keptStep](ctx, q, stepByPerson, store.Args{"person": person})
	if errors.Is(err, store.ErrNone) {
		err = nil
	}
	return k, err
}

// SecondStepOf returns the second step of a person.
func SecondStepOf(ctx context.Context, q store.Querier, person uuid.UUID) (s SecondStep, err error) {
	k, err := stepOf(ctx, q, person)
	if err != nil || k.Since == nil {
		return s, err
	}
	s.Since = k.Since
	s.Codes, err = store.One[int64](ctx, q, recoveryLeft, store.Args{"person": person})
	return s, err
}

// beginStep returns a new secret for a person's app, in base32. It takes the place of one that no code has confirmed;
// where one has, it returns ErrStepOn.
func beginStep(ctx context.Context, q store.Querier, s *Sealer, person uuid.UUID, now time.Time) (string, error) {
	text := make([]byte, stepSecret)
	_, _ = rand.Read(text) // it never fails
	n, err := store.Exec(ctx, q, stepBegin, store.Args{"person": person, "secret": s.seal(person, text), "now": store.Moment(now)})
	if err == nil && n == 0 {
		err = ErrStepOn
	}
	return letters.EncodeToString(text), err
}

var sixDigits = regexp.MustCompile(`^[0-9]{6}$`)

// plain is a code without what people put between its characters.
func plain(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(code))
}

// useCode says whether a plain code of six digits is of k's app now. It works once, and so do those before it.
func useCode(ctx context.Context, q store.Querier, s *Sealer, person uuid.UUID, k keptStep, code string, now time.Time) (bool, error) {
	text, err := s.open(person, k.Secret)
	if err != nil {
		return false, err
	}
	kept, current := letters.EncodeToString(text), now.Unix()/stepPeriod
	for number := current - stepDrift; number <= current+stepDrift; number++ {
		ok, err := hotp.ValidateCustom(code, uint64(number), kept, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return false, err
		}
		if ok {
			n, err := store.Exec(ctx, q, stepUse, store.Args{"person": person, "number": number})
			return n > 0, err
		}
	}
	return false, nil
}

// useRecovery says whether a plain code is a recovery code of a person. It works once.
func useRecovery(ctx context.Context, q store.Querier, person uuid.UUID, code string, now time.Time) (bool, error) {
	n, err := store.Exec(ctx, q, recoveryUse, store.Args{"person": person, "hash": secret.Hash(code), "now": store.Moment(now)})
	return n > 0, err
}

// newRecovery returns new recovery codes of a person, in the place of those it had.
func newRecovery(ctx context.Context, q store.Querier, person uuid.UUID) ([]string, error) {
	if _, err := store.Exec(ctx, q, recoveryDelete, store.Args{"person": person}); err != nil {
		return nil, err
	}
	all := make([]string, recoveryCodes)
	for i := range all {
		text := make([]byte, recoveryBytes)
		_, _ = rand.Read(text)
		code := strings.ToLower(letters.EncodeToString(text))
		if _, err := store.Exec(ctx, q, recoveryInsert, store.Args{"person": person, "hash": secret.Hash(code)}); err != nil {
			return nil, err
		}
		all[i] = code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:]
	}
	return all, nil
}

// confirmStep has a person's second step asked for from now on, and returns its recovery codes.
func confirmStep(ctx context.Context, q store.Querier, person uuid.UUID, now time.Time) ([]string, error) {
	if _, err := store.Exec(ctx, q, stepSince, store.Args{"person": person, "now": store.Moment(now)}); err != nil {
		return nil, err
	}
	return newRecovery(ctx, q, person)
}

// EndSecondStep has a person log in without a second step from now on: for whoever runs control, once somebody who lost
// app and recovery codes has shown in another way who they are. The person's log-ins end, and its accounts note act. It
// returns a *problem.Problem where there is none.
func EndSecondStep(ctx context.Context, q store.Querier, person uuid.UUID, act audit.Act, now time.Time) error {
	if err := on(ctx, q, person); err != nil {
		return err
	}
	if err := endStep(ctx, q, person); err != nil {
		return err
	}
	if _, err := EndOthers(ctx, q, person, uuid.Nil); err != nil {
		return err
	}
	of, err := account.AccountsOf(ctx, q, person)
	act.Subject = "person/" + person.String()
	for _, a := range of {
		if err == nil {
			err = audit.Add(ctx, q, a.ID, now, act)
		}
	}
	return err
}

// endStep forgets a person's second step, and its recovery codes.
func endStep(ctx context.Context, q store.Querier, person uuid.UUID) error {
	for _, s := range []store.Statement{stepDelete, recoveryDelete} {
		if _, err := store.Exec(ctx, q, s, store.Args{"person": person}); err != nil {
			return err
		}
	}
	return nil
}
