package hook

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	replyMost  = 64 << 10 // bytes (RELIABILITY, section 4)
	answerMost = 1 << 10  // of them are kept
)

// A letter is a delivery that waits.
type letter struct {
	ID       uuid.UUID `db:"id"`
	Kind     Kind      `db:"kind"`
	Body     string    `db:"body"`
	Attempts int64     `db:"attempts"` // before this one
}

// A reply is what came of one attempt.
type reply struct {
	ok     bool
	status int    // 0: there was no answer
	text   string // its beginning, or why there was none
}

// post sends l to an address, signed by secret for at.
func post(ctx context.Context, c *http.Client, to, secret string, l letter, at time.Time) reply {
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return reply{text: "The message cannot be signed."}
	}
	signature, err := key.Sign(l.ID.String(), at, []byte(l.Body))
	if err != nil {
		return reply{text: "The message cannot be signed."}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(l.Body))
	if err != nil {
		return reply{text: "The address cannot be read."}
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", "Freshet-Webhooks/1")
	q.Header.Set(standardwebhooks.HeaderWebhookID, l.ID.String())
	q.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	q.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	answer, err := c.Do(q)
	if err != nil {
		return reply{text: why(err)}
	}
	defer func() { _ = answer.Body.Close() }() // read, or too long
	b, err := io.ReadAll(io.LimitReader(answer.Body, replyMost+1))
	if err == nil { // a receiver that is hung up on may end its answer as if it was whole
		err = ctx.Err()
	}
	r := reply{status: answer.StatusCode, text: shown(b), ok: answer.StatusCode/100 == 2}
	switch {
	case err != nil:
		r.ok, r.text = false, why(err)
	case len(b) > replyMost:
		r.ok, r.text = false, "The answer is longer than 64 KiB."
	}
	return r
}

// why says for people why there was no answer.
func why(err error) string {
	var timeout net.Error
	var of *url.Error
	switch {
	case errors.Is(err, errBlocked):
		return "The name leads to an address that is none of the public internet."
	case errors.As(err, &timeout) && timeout.Timeout():
		return "No answer within 5 s."
	case errors.As(err, &of):
		err = of.Err // without the address, which may have a secret in it
	}
	return shown([]byte(err.Error()))
}

// shown bounds what a receiver has said, and makes it text that every database takes.
func shown(b []byte) string {
	return strings.ToValidUTF8(strings.ReplaceAll(string(b[:min(len(b), answerMost)]), "\x00", ""), "")
}
