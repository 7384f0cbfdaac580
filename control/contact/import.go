package contact

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/once"
	"freshet/control/roll"
)

type importIn struct {
	Group       uuid.UUID `query:"group" doc:"In which all of them are to stand"`
	ContentType string    `header:"Content-Type"`
	RawBody     []byte    `contentType:"text/csv" required:"true"`
}

func (r *Routes) registerImport(api huma.API) {
	op := edit(access.Op(http.MethodPost, "/contacts/import", "import-contacts",
		"Put the people of a CSV file into the address book, all or none: each line that is not valid is named by /line/NUMBER", 409, 415, 422))
	op.MaxBodyBytes = roll.FileMost
	huma.Register(api, once.Keyed(op), r.importAll)
}

func (r *Routes) importAll(ctx context.Context, in *importIn) (*reportOut, error) {
	entries, err := roll.ReadFile(in.ContentType, in.RawBody)
	if err != nil {
		return nil, err
	}
	var group *uuid.UUID
	if in.Group != uuid.Nil {
		group = &in.Group
	}
	return r.put(ctx, "import-contacts", entries, group)
}
