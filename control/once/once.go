// Package once has a request done once, however often it is sent (draft-ietf-httpapi-idempotency-key-header). A caller
// that gets no answer cannot tell whether its request was done; where it gave the request a key, it sends it again and
// gets the answer that was lost.
//
// The answer is kept by the transaction that makes the change: InTx claims the key by its first statement, and writes
// the answer by its last. So there is the change and its answer, or neither, whenever the program or the machine dies:
// an answer that was sent was kept before, and a request without one has changed nothing. Two that come at once are
// held apart by the row of the key. On SQLite they run one after the other. On PostgreSQL and CockroachDB the second
// waits for the first at its claim, meets a conflict, runs again and finds the answer. For the most usual case, of one
// node, Requests says so sooner: the second is refused while the first runs.
//
// Only what was done is kept. A request that was refused has changed nothing, and is judged anew when it comes again.
// The caller's rights are looked at before its key: who may not do it any more does not get the answer either.
//
// An answer that shows a secret is not kept, only that it was given: sent again, such a request is a conflict.
package once

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"freshet/control/store"
	"freshet/proto/problem"
)

//go:embed *.sql
var files embed.FS

var (
	statements = store.Load(files)
	claim      = statements.Get("claim")
	kept       = statements.Get("kept")
	keep       = statements.Get("keep")
	sweep      = statements.Get("sweep")
	forget     = statements.Get("forget")
)

// keptFor is how long an answer is kept: a program that was stopped overnight still finds it.
const keptFor = 24 * time.Hour

// A request is one that came with a key.
type request struct {
	hash   [sha256.Size]byte        // of the caller and the key
	sum    func() [sha256.Size]byte // of what is asked; whole once the body was read
	secret bool                     // the answer shows one
	now    time.Time
	inTx   bool // InTx has seen it
}

type contextKey struct{}

// InTx runs do as store.DB.InTx does, for the request of ctx. Where that has come with a key and was done before, do is
// not called, and the first answer is returned. Each operation that is Keyed has its one transaction by InTx.
func InTx[O any](ctx context.Context, db *store.DB, do func(ctx context.Context, q store.Querier) (*O, error)) (*O, error) {
	r, _ := ctx.Value(contextKey{}).(*request)
	if r != nil {
		r.inTx = true
	}
	var out *O
	err := db.InTx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		out = nil
		if r == nil {
			out, err = do(ctx, q)
			return err
		}
		switch first, done, err := r.claim(ctx, q); {
		case err != nil:
			return err
		case done:
			out = new(O)
			return json.Unmarshal([]byte(first), out)
		}
		if out, err = do(ctx, q); err != nil || r.secret {
			return err
		}
		return r.keep(ctx, q, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// claim makes the key r's, until the transaction q ends or for keptFor. Where the request was done before, it returns
// the answer.
func (r *request) claim(ctx context.Context, q store.Querier) (answer string, done bool, err error) {
	sum := r.sum()
	n, err := store.Exec(ctx, q, claim, store.Args{
		"hash": r.hash[:], "request": sum[:], "now": store.Moment(r.now), "expires_at": store.Moment(r.now.Add(keptFor)),
	})
	if err != nil || n > 0 {
		return "", false, err
	}
	first, err := store.One[struct {
		Request []byte  `db:"request"`
		Answer  *string `db:"answer"`
	}](ctx, q, kept, store.Args{"hash": r.hash[:]})
	switch {
	case err != nil:
		return "", false, err
	case string(first.Request) != string(sum[:]):
		return "", false, problem.New(http.StatusConflict, "request-differs", "Another request has this key",
			"This Idempotency-Key came with another request before. Nothing was done: give each request a key of its own.")
	case first.Answer == nil:
		return "", false, problem.New(http.StatusConflict, "shown-once", "Done already",
			"This was done when it was asked first, and the answer was shown that once. Where it was lost, take back what was made, and make another with another key.")
	}
	return *first.Answer, true, nil
}

func (r *request) keep(ctx context.Context, q store.Querier, out any) error {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // addresses stay as they are, so that they are found
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := store.Exec(ctx, q, keep, store.Args{"hash": r.hash[:], "answer": text.String()})
	return err
}

// Sweep forgets answers whose time is over.
func Sweep(ctx context.Context, db *store.DB, now time.Time) error {
	_, err := store.Exec(ctx, db, sweep, store.Args{"now": store.Moment(now)})
	return err
}

// Forget drops the answers that name an address. Their requests are done all the same, and not done again.
func Forget(ctx context.Context, q store.Querier, email string) error {
	_, err := store.Exec(ctx, q, forget, store.Args{"email": email})
	return err
}
