package login

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/secret"
	"freshet/control/store"
	"freshet/proto/problem"
)

const (
	// halfFor is how long a log-in waits for its second step.
	halfFor = 10 * time.Minute
	// halfTries is how many codes it takes.
	halfTries = 5
)

// errHalf is returned for a log-in that waits no more: over, tried too often, or none of this browser.
var errHalf = problem.New(http.StatusGone, "log-in-over", "The log-in is over",
	"It waited for ten minutes, or took five codes. Begin again.")

// A half is a log-in that waits for its second step.
type half struct {
	Person  uuid.UUID `db:"person_id"`
	Account uuid.UUID `db:"account_id"` // that is shown then
	Action  string    `db:"action"`     // for the audit log
}

// begin keeps h, and returns the secret for the browser.
func (h half) begin(ctx context.Context, q store.Querier, now time.Time) (cookie string, err error) {
	cookie, hash := secret.New()
	_, err = store.Exec(ctx, q, halfInsert, store.Args{
		"hash": hash, "person": h.Person, "account": h.Account, "action": h.Action, "expires_at": store.Moment(now.Add(halfFor)),
	})
	return cookie, err
}

// findHalf returns the log-in whose secret a browser has sent, or errHalf.
func findHalf(ctx context.Context, q store.Querier, cookie string, now time.Time) (half, error) {
	h, err := store.One[half](ctx, q, halfByHash, store.Args{"hash": secret.Hash(cookie), "now": store.Moment(now)})
	if errors.Is(err, store.ErrNone) {
		err = errHalf
	}
	return h, err
}

// tryHalf counts a try. It returns errHalf where there was one too many.
func tryHalf(ctx context.Context, q store.Querier, cookie string) error {
	n, err := store.Exec(ctx, q, halfTry, store.Args{"hash": secret.Hash(cookie), "most": halfTries})
	if err == nil && n == 0 {
		err = errHalf
	}
	return err
}

// endHalf ends one.
func endHalf(ctx context.Context, q store.Querier, cookie string) error {
	_, err := store.Exec(ctx, q, halfDelete, store.Args{"hash": secret.Hash(cookie)})
	return err
}

// An outcome is what came of a way in: the person is in, or the browser is asked for a second step.
type outcome struct {
	in   *entered
	half *http.Cookie
}

// answer is what the browser is told, where err has not undone it.
func (o outcome) answer(err error) (*entered, error) {
	switch {
	case err != nil:
		return nil, err
	case o.half != nil:
		return nil, &halfway{Problem: errStep, cookie: o.half}
	}
	return o.in, nil
}

var errStep = problem.New(http.StatusUnauthorized, "second-step", "A second step is asked for",
	"This was right. Send a code of the app, or a recovery code, from this browser within ten minutes.")

// halfway is errStep with the cookie of the log-in that waits.
type halfway struct {
	*problem.Problem
	cookie *http.Cookie
}

// GetHeaders has huma set the cookie.
func (h *halfway) GetHeaders() http.Header {
	headers := h.Problem.GetHeaders()
	headers.Add("Set-Cookie", h.cookie.String())
	return headers
}

// wait has a log-in of p wait for its second step.
func (r *Routes) wait(ctx context.Context, q store.Querier, p account.Person, shown uuid.UUID, action string) (outcome, error) {
	now := r.Now()
	secret, err := half{p.ID, shown, action}.begin(ctx, q, now)
	if err != nil {
		return outcome{}, err
	}
	c := access.From(ctx).Browser.Jar.Give(access.Half, secret, now.Add(halfFor))
	return outcome{half: &c}, nil
}
