package order

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
)

// Routes are the operations on quotes and order forms.
type Routes struct {
	Store *store.DB
	Mail  *mail.Queue
	Now   func() time.Time
	Pages string // base address of the pages, for links
	Staff string // address of whoever runs the installation, for news of quotes; empty: nobody is told

	from, mails, accounts *limit.Limiter
}

type askIn struct {
	Body struct {
		Wish
		Language string `json:"language,omitempty" maxLength:"35" doc:"Of the mails to come: BCP 47; en or fr comes of it"`
	}
}

type askedOut struct {
	Body struct {
		ID      uuid.UUID `json:"id" format:"uuid" doc:"Number of the quote, as mails name it"`
		AskedAt time.Time `json:"askedAt"`
	}
}

// OrderForm is what an event has, and the quote that made it.
type OrderForm struct {
	Options   event.EventOptions `json:"options"`
	CreatedAt time.Time          `json:"createdAt" doc:"Of the event"`
	Order     *Order             `json:"order,omitempty" doc:"Absent where the event was made without one"`
}

// Order is a quote that was accepted, as it was asked for.
type Order struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	Wish
	AskedAt    time.Time `json:"askedAt"`
	AcceptedAt time.Time `json:"acceptedAt"`
}

type orderIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type orderOut struct{ Body OrderForm }

// Each quote costs whoever runs the installation minutes, so few are taken of one place; an agency may ask for a series.
var (
	fromRate    = limit.Rate{Name: "quotes", N: 10, Per: time.Hour, Burst: 10} // from a network, of strangers
	mailRate    = limit.Rate{Name: "quotes", N: 5, Per: time.Hour, Burst: 5}   // for an address, of strangers
	accountRate = limit.Rate{Name: "quotes", N: 30, Per: time.Hour, Burst: 30} // of an account
)

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	r.from, r.mails, r.accounts = limit.New(fromRate), limit.New(mailRate), limit.New(accountRate)
	public := access.Anyone(access.Op(http.MethodPost, "/public/quotes", "ask-quote", "Ask for a quote of a webcast, as somebody without an account", 422))
	public.DefaultStatus = http.StatusAccepted
	huma.Register(api, public, r.askPublic)
	member := access.Allow(access.Op(http.MethodPost, "/quotes", "ask-member-quote", "Ask for a quote of a webcast, for the account", 422), permit.CreateEvents)
	member.DefaultStatus = http.StatusAccepted
	huma.Register(api, once.Keyed(member), r.ask)
	huma.Register(api, access.AllowIn(access.Op(http.MethodGet, "/events/{id}/order", "get-order", "The order form of an event"), permit.SeeOrder), r.order)
}

// askPublic answers the same whether or not the address is known here.
func (r *Routes) askPublic(ctx context.Context, in *askIn) (*askedOut, error) {
	now, from := r.Now(), access.From(ctx).From
	k, err := in.Body.quote(in.Body.Language, r.Pages, now)
	if err != nil {
		return nil, err
	}
	if v := r.from.Take(limit.Network(from), now); !v.OK && !from.IsLoopback() {
		return nil, v.Refused()
	}
	if v := r.mails.Take(k.Email, now); !v.OK {
		return nil, v.Refused()
	}
	var out *askedOut
	err = r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		out, err = r.add(ctx, q, k, now)
		return err
	})
	return out, err
}

func (r *Routes) ask(ctx context.Context, in *askIn) (*askedOut, error) {
	now, a := r.Now(), access.From(ctx)
	k, err := in.Body.quote(in.Body.Language, r.Pages, now)
	if err != nil {
		return nil, err
	}
	if v := r.accounts.Take(a.Account.String(), now); !v.OK {
		return nil, v.Refused()
	}
	k.Account = &a.Account
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*askedOut, error) {
		out, err := r.add(ctx, q, k, now)
		if err != nil {
			return nil, err
		}
		return out, audit.Add(ctx, q, a.Account, now, a.Act("ask-quote", "quote/"+out.Body.ID.String(), ""))
	})
}

// add keeps k, and tells who asked and whoever runs the installation. The second mail names no person: it outlives what
// is kept of one.
func (r *Routes) add(ctx context.Context, q store.Querier, k Quote, now time.Time) (*askedOut, error) {
	k, err := Add(ctx, q, k, now)
	if err != nil {
		return nil, err
	}
	m := k.mail(mail.QuoteReceived)
	m.Values["link"] = r.Pages + form
	if err := r.Mail.Add(ctx, q, m, now); err != nil {
		return nil, err
	}
	if r.Staff != "" {
		m = k.mail(mail.QuoteAsked)
		m.Account, m.To, m.Name, m.Language, m.Values["link"] = uuid.Nil, r.Staff, "", "en", r.Pages+form
		if err := r.Mail.Add(ctx, q, m, now); err != nil {
			return nil, err
		}
	}
	out := &askedOut{}
	out.Body.ID, out.Body.AskedAt = k.ID, k.AskedAt
	return out, nil
}

func (r *Routes) order(ctx context.Context, in *orderIn) (*orderOut, error) {
	e, err := event.Get(ctx, r.Store, access.From(ctx).Account, in.ID)
	if errors.Is(err, store.ErrNone) {
		return nil, event.Unknown()
	}
	if err != nil {
		return nil, err
	}
	out := &orderOut{OrderForm{Options: e.Options.V, CreatedAt: e.CreatedAt}}
	k, err := OfEvent(ctx, r.Store, e.ID)
	if errors.Is(err, store.ErrNone) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.Body.Order = &Order{ID: k.ID, Wish: k.Wish(), AskedAt: k.AskedAt, AcceptedAt: *k.DecidedAt}
	return out, nil
}
