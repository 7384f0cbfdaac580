package guest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/contact"
	"freshet/control/event"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

type fromContactsIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Contacts []uuid.UUID `json:"contacts,omitempty" maxItems:"1000" nullable:"false"`
		Groups   []uuid.UUID `json:"groups,omitempty" maxItems:"100" nullable:"false" doc:"All of their contacts"`
		Invite   bool        `json:"invite,omitempty" doc:"Those who are new on the list"`
	}
}

// Whoever edits contacts edits the guests of every event of the account; a role in one event alone does not open the
// address book.
func (r *Routes) registerContacts(api huma.API) {
	op := access.Allow(access.Op(http.MethodPost, "/events/{id}/guests/contacts", "add-contacts-as-guests",
		"Put contacts of the address book on the list, and those of groups, each once", 404, 409, 422), permit.EditContacts)
	huma.Register(api, once.Keyed(op), r.addContacts)
}

func (r *Routes) addContacts(ctx context.Context, in *fromContactsIn) (*reportOut, error) {
	if len(in.Body.Contacts)+len(in.Body.Groups) == 0 {
		return nil, problem.Invalid("", "Say whom to add: contacts, or groups.")
	}
	return change(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e event.Event) (*reportOut, error) {
		rows, err := contact.Chosen(ctx, q, a.Account, in.Body.Contacts, in.Body.Groups)
		if err != nil {
			return nil, err
		}
		report, err := r.put(ctx, q, a, e, "add-guests", Added, rows, in.Body.Invite)
		return &reportOut{report}, err
	})
}
