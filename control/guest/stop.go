package guest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/mail"
	"freshet/control/store"
	"freshet/proto/problem"
)

var (
	stopMails     = statements.Get("stop_mails")
	isStopped     = statements.Get("is_stopped")
	stoppedBy     = statements.Get("stopped_by")
	forgetStopped = statements.Get("forget_stopped")
)

type stopIn struct {
	Token string `path:"token" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"A-Z, a-z, 0-9, _ and -"`
}

type stopOut struct {
	Body struct {
		Account string     `json:"account" doc:"Whose mails"`
		Topic   mail.Topic `json:"topic" enum:"invitations,changes,reminders" doc:"About what"`
		Stopped bool       `json:"stopped"`
	}
}

func (r *Routes) registerStop(api huma.API) {
	const path = "/public/unsubscribe/{token}"
	huma.Register(api, access.Anyone(access.Op(http.MethodGet, path, "get-unsubscribe", "Which mails a link stops; it stops none", 404, 429)),
		func(ctx context.Context, in *stopIn) (*stopOut, error) { return r.stop(ctx, in, false) })
	huma.Register(api, access.Anyone(access.Op(http.MethodPost, path, "unsubscribe", "Stop mails about what this one was about, of its account (RFC 8058)", 404, 429)),
		func(ctx context.Context, in *stopIn) (*stopOut, error) { return r.stop(ctx, in, true) })
}

// stop tells what a link in a mail stops, and does it where that is meant. The mail says whose, to whom and about what: it
// works as long as that is kept, also for somebody who is on no list any more.
func (r *Routes) stop(ctx context.Context, in *stopIn, meant bool) (out *stopOut, err error) {
	from, now := access.From(ctx).From, r.Now()
	if v := r.passes.Take(limit.Network(from), now); !v.OK && !from.IsLoopback() {
		return nil, v.Refused()
	}
	unknown := problem.New(http.StatusNotFound, "unsubscribe-unknown", "Link unknown", "This link stops no mails.")
	id, _, ok := r.Letters.Stops.Read(in.Token)
	if !ok {
		return nil, unknown
	}
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		m, err := mail.EnvelopeOf(ctx, q, id)
		if isNone(err) || err == nil && m.Kind.Topic() == "" {
			return unknown
		}
		if err != nil {
			return err
		}
		out = &stopOut{}
		out.Body.Topic = m.Kind.Topic()
		of, err := account.Get(ctx, q, m.Account)
		if err != nil {
			return err
		}
		out.Body.Account = of.Name
		args := store.Args{"account": m.Account, "address": m.To, "topic": string(out.Body.Topic)}
		n, err := store.One[int64](ctx, q, isStopped, args)
		if out.Body.Stopped = n > 0 || meant; err != nil || n > 0 || !meant {
			return err
		}
		args["at"] = store.Moment(now)
		if _, err := store.Exec(ctx, q, stopMails, args); err != nil {
			return err
		}
		return audit.Add(ctx, q, m.Account, now, audit.Act{
			Actor: audit.System, From: from, Action: "unsubscribe", Subject: "mail/" + id.String(), Detail: string(out.Body.Topic),
		})
	})
	return out, err
}

// A Stopped topic is one about which somebody wants no more mails of an account.
type Stopped struct {
	Account uuid.UUID  `db:"account_id"`
	Topic   mail.Topic `db:"topic"`
	At      time.Time  `db:"at"`
}

// StoppedBy returns what an address has stopped, the oldest first.
func StoppedBy(ctx context.Context, q store.Querier, address string) ([]Stopped, error) {
	return store.All[Stopped](ctx, q, stoppedBy, store.Args{"address": address})
}
