package guest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/event"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/roll"
	"freshet/control/store"
)

type importIn struct {
	ID          uuid.UUID `path:"id" format:"uuid"`
	Invite      bool      `query:"invite" doc:"Those who are new on the list"`
	ContentType string    `header:"Content-Type"`
	RawBody     []byte    `contentType:"text/csv" required:"true"`
}

func (r *Routes) registerImport(api huma.API) {
	op := access.AllowIn(access.Op(http.MethodPost, "/events/{id}/guests/import", "import-guests",
		"Put the guests of a CSV file on the list, all or none: each line that is not valid is named by /line/NUMBER", 409, 415, 422), permit.EditGuests)
	op.MaxBodyBytes = roll.FileMost
	huma.Register(api, once.Keyed(op), r.importAll)
}

func (r *Routes) importAll(ctx context.Context, in *importIn) (*reportOut, error) {
	rows, err := roll.ReadFile(in.ContentType, in.RawBody) // before the transaction, for which others wait
	if err != nil {
		return nil, err
	}
	return change(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*reportOut, error) {
		report, err := r.put(ctx, q, a, e, "import-guests", Imported, rows, in.Invite)
		return &reportOut{report}, err
	})
}
