package door

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/access"
)

// Entered is what somebody gets who is let in.
type Entered struct {
	Session string    `json:"session" format:"uuid" doc:"The stay at the event, whatever edges it uses"`
	Token   string    `json:"token" doc:"Bearer for joining the event and for its edges"`
	Expires time.Time `json:"expires" doc:"When the token runs out; joining gives another one"`
	Name    string    `json:"name" doc:"Of who was let in; empty where it was not said"`
	Way     Way       `json:"way" enum:"open,password,pass,direct"`
}

type enterIn struct {
	Slug          string `path:"slug" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$" patternDescription:"1 to 64 of a-z, 0-9 and -"`
	Authorization string `header:"Authorization" doc:"Bearer and a token of this event: where that counts, it is renewed and nothing else is looked at"`
	Body          *struct {
		Name     string `json:"name,omitempty" maxLength:"80"`
		Email    string `json:"email,omitempty" maxLength:"254"`
		Language string `json:"language,omitempty" maxLength:"35" doc:"BCP 47"`
		Password string `json:"password,omitempty" maxLength:"64" doc:"Of the event"`
		Pass     string `json:"pass,omitempty" maxLength:"128" doc:"Of a personal link"`
		Direct   string `json:"direct,omitempty" maxLength:"64" doc:"Code of the event's direct link; one that is none is not looked at"`
		Here     bool   `json:"here,omitempty" doc:"Where the pass is in use elsewhere, let it be of use here instead"`
	} `required:"false"`
}

type enterOut struct{ Body Entered }

// Register adds the operations to api.
func (d *Door) Register(api huma.API) {
	op := access.Anyone(access.Op(http.MethodPost, "/events/{slug}/enter", "enter-event", "Come into an event, as its access rule asks", 401, 403, 404, 409, 422))
	huma.Register(api, op, func(ctx context.Context, in *enterIn) (*enterOut, error) {
		c := Comer{From: access.From(ctx).From, Bearer: Bearer(in.Authorization)}
		if b := in.Body; b != nil {
			c.Name, c.Email, c.Language, c.Password, c.Pass, c.Direct, c.Here = b.Name, b.Email, b.Language, b.Password, b.Pass, b.Direct, b.Here
		}
		t, err := d.Enter(ctx, in.Slug, c)
		if err != nil {
			return nil, err
		}
		return &enterOut{Entered{t.Session.String(), t.Token, t.Expires, t.Name, t.Way}}, nil
	})
	d.registerList(api)
}

// Bearer returns the token of an Authorization header, empty where there is none.
func Bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
