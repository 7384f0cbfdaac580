package hook

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/once"
	"freshet/control/store"
	"freshet/proto/problem"
)

// HookDelivery is a delivery as the API shows it.
type HookDelivery struct {
	ID        uuid.UUID  `json:"id" format:"uuid" doc:"Of the message: its webhook-id, the same at each attempt"`
	Kind      Kind       `json:"kind" enum:"event.created,event.changed,event.started,event.ended,event.cancelled,event.deleted,guest.registered,viewer.entered,test"`
	State     string     `json:"state" enum:"waiting,done,failed"`
	Attempts  int64      `json:"attempts"`
	Status    *int64     `json:"status" doc:"HTTP status of the last answer; null where there was none"`
	Answer    string     `json:"answer" doc:"The first KiB of the last answer, or why there was none"`
	CreatedAt time.Time  `json:"createdAt"`
	SettledAt *time.Time `json:"settledAt" doc:"When it was taken or given up; null while it waits"`
}

type deliveriesIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Cursor uuid.UUID `query:"cursor" format:"uuid" doc:"Of the page before"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type deliveriesOut struct {
	Body struct {
		Deliveries []HookDelivery `json:"deliveries" nullable:"false" doc:"The newest first"`
		Next       string         `json:"next,omitempty" doc:"Cursor of the page behind this one; absent on the last"`
	}
}

func (r *Routes) deliveries(ctx context.Context, in *deliveriesIn) (*deliveriesOut, error) {
	if _, err := Get(ctx, r.Store, access.From(ctx).Account, in.ID); err != nil {
		return nil, none(err)
	}
	before := uuid.Max
	if in.Cursor != uuid.Nil {
		before = in.Cursor
	}
	all, err := Deliveries(ctx, r.Store, in.ID, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &deliveriesOut{}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		out.Body.Next = all[in.Limit-1].ID.String()
	}
	out.Body.Deliveries = []HookDelivery{}
	for _, d := range all {
		out.Body.Deliveries = append(out.Body.Deliveries, HookDelivery(d))
	}
	return out, nil
}

func (r *Routes) test(ctx context.Context, in *hookIn) (*testedHookOut, error) {
	a, now := access.From(ctx), r.Now()
	out, err := once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*testedHookOut, error) {
		h, err := Get(ctx, q, a.Account, in.ID)
		if err != nil {
			return nil, err
		}
		if h.OffAt != nil {
			return nil, problem.New(http.StatusConflict, "off", "Switched off", "The webhook is switched off. Switch it on first.")
		}
		out := &testedHookOut{}
		out.Body.ID, err = r.Queue.tell(ctx, q, h.ID, News{Account: a.Account, Kind: Test, Data: struct{}{}}, now)
		if err != nil {
			return nil, err
		}
		return out, audit.Add(ctx, q, a.Account, now, a.Act("test-webhook", subject(h.ID), ""))
	})
	return out, none(err)
}
