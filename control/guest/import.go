package guest

import (
	"context"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/event"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// importMost is how large a file of guests may be, in bytes: 20,000 lines of 200.
const importMost = 4 << 20

type importIn struct {
	ID          uuid.UUID `path:"id" format:"uuid"`
	Invite      bool      `query:"invite" doc:"Those who are new on the list"`
	ContentType string    `header:"Content-Type"`
	RawBody     []byte    `contentType:"text/csv" required:"true"`
}

func (r *Routes) registerImport(api huma.API) {
	op := access.AllowIn(access.Op(http.MethodPost, "/events/{id}/guests/import", "import-guests",
		"Put the guests of a CSV file on the list, all or none: each line that is not valid is named by /line/NUMBER", 409, 415, 422), permit.EditGuests)
	op.MaxBodyBytes = importMost
	huma.Register(api, once.Keyed(op), r.importAll)
}

func (r *Routes) importAll(ctx context.Context, in *importIn) (*reportOut, error) {
	if kind, _, err := mime.ParseMediaType(in.ContentType); err != nil || kind != "text/csv" {
		return nil, problem.New(http.StatusUnsupportedMediaType, "content-type", "Wrong content type", "Send the file as text/csv.")
	}
	// Before the transaction, for which others wait; of the event only its languages count, which may change meanwhile.
	e, err := event.Get(ctx, r.Store, access.From(ctx).Account, in.ID)
	if isNone(err) {
		return nil, event.Unknown()
	}
	if err != nil {
		return nil, err
	}
	rows, err := read(e, in.RawBody)
	if err != nil {
		return nil, err
	}
	return change(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*reportOut, error) {
		report, err := r.put(ctx, q, a, e, "import-guests", Imported, rows, in.Invite)
		return &reportOut{report}, err
	})
}
