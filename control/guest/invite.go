package guest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/store"
	"freshet/proto/problem"
)

type inviteIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Guests []uuid.UUID `json:"guests,omitempty" maxItems:"1000" nullable:"false" doc:"These"`
		All    bool        `json:"all,omitempty" doc:"Every guest"`
		Fresh  bool        `json:"fresh,omitempty" doc:"Those who were not invited yet and have not registered"`
		Change bool        `json:"change,omitempty" doc:"Tell those who were invited or have registered that something has changed"`
		Test   bool        `json:"test,omitempty" doc:"Oneself alone, to see the mail"`
	}
}

type inviteOut struct {
	Body struct {
		Sent int64 `json:"sent" doc:"Mails; guests who wait, were refused or have stopped such mails get none"`
	}
}

type mailCountIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type mailCountOut struct {
	Body struct {
		Change int64 `json:"change" doc:"Who would be told of a change now"`
	}
}

// mailingRate is how often mails to all guests of an event may be sent: by mistake, not more.
var mailingRate = limit.Rate{Name: "mailings", N: 20, Per: time.Hour, Burst: 20}

func (r *Routes) invite(ctx context.Context, in *inviteIn) (*inviteOut, error) {
	b := in.Body
	given := 0
	for _, one := range []bool{len(b.Guests) > 0, b.All, b.Fresh, b.Change, b.Test} {
		if one {
			given++
		}
	}
	if given != 1 {
		return nil, problem.Invalid("", "Say to whom: guests, all, fresh, change or test, and one of these alone.")
	}
	if v := r.mailings.Take(in.ID.String(), r.Now()); !v.OK {
		return nil, v.Refused()
	}
	return change(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*inviteOut, error) {
		if e.State == event.Cancelled || e.State == event.Archived || e.State == event.Ended {
			return nil, problem.New(http.StatusConflict, "state", "Not in this state", "The event is over. Nothing was sent.")
		}
		out, now, what := &inviteOut{}, r.Now(), "invitations"
		if b.Test {
			out.Body.Sent = 1
			return out, r.test(ctx, q, a, e, now)
		}
		w := mailing{Account: e.Account, Event: e.ID, Kind: mail.Invitation, Fresh: b.Fresh, Guests: store.JSON[[]uuid.UUID]{V: b.Guests}}
		if b.Change {
			w.Kind, what = mail.Change, "mails of a change"
		}
		var err error
		if out.Body.Sent, err = r.Mailer.begin(ctx, q, w, now); err != nil {
			return nil, err
		}
		return out, audit.Add(ctx, q, a.Account, now, a.Act("invite-guests", subject(e.ID), fmt.Sprintf("%d %s", out.Body.Sent, what)))
	})
}

// mailCount says how many mails invite would send, so that whoever asks for them knows.
func (r *Routes) mailCount(ctx context.Context, in *mailCountIn) (*mailCountOut, error) {
	w := mailing{Account: access.From(ctx).Account, Event: in.ID, Kind: mail.Change, Before: r.Now()}
	out := &mailCountOut{}
	var err error
	out.Body.Change, err = w.count(ctx, r.Store)
	return out, err
}

// test sends the invitation to who asks. Its link leads to the event's page: it lets nobody in.
func (r *Routes) test(ctx context.Context, q store.Querier, a access.Actor, e event.Event, now time.Time) error {
	if a.Kind != audit.Person {
		return problem.Invalid("/test", "A key has no address.")
	}
	p, err := account.PersonByID(ctx, q, a.ID)
	if err != nil {
		return err
	}
	s, err := sheetOf(ctx, q, e)
	if err != nil {
		return err
	}
	m := r.Letters.to(s, Guest{Name: p.Name, Address: p.Email, Language: p.Language}, mail.Invitation, now)
	return r.Letters.Mail.Add(ctx, q, m, now)
}
