package key

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/proto/problem"
)

// most keys of one account: a list that is answered whole.
const most = 100

// Routes are the operations on an account's keys.
type Routes struct {
	Store *store.DB
	Now   func() time.Time
}

// APIKey is a key as the API shows it.
type APIKey struct {
	ID        uuid.UUID      `json:"id" format:"uuid"`
	Name      string         `json:"name"`
	Start     string         `json:"start" doc:"First characters of the key, to recognise it by"`
	Scopes    []permit.Scope `json:"scopes" nullable:"false" enum:"read,write"`
	MadeBy    KeyMaker       `json:"madeBy"`
	MadeAt    time.Time      `json:"madeAt"`
	UsedAt    *time.Time     `json:"usedAt" doc:"When it was last used, at most a minute old; null where it never was"`
	ExpiresAt *time.Time     `json:"expiresAt" doc:"When it ends; null where it goes on until it is revoked"`
}

// KeyMaker is the person who has made a key.
type KeyMaker struct {
	ID   uuid.UUID `json:"id" format:"uuid"`
	Name string    `json:"name" doc:"Empty where it is not known any more"`
}

// NewAPIKey is a key that was made just now.
type NewAPIKey struct {
	APIKey
	Key string `json:"key" doc:"What the program sends as Authorization: Bearer KEY. It is shown this once"`
}

type keysOut struct {
	Body []APIKey `nullable:"false"`
}

type makeIn struct {
	Body struct {
		Name      string         `json:"name" minLength:"1" maxLength:"80"`
		Scopes    []permit.Scope `json:"scopes" nullable:"false" minItems:"1" maxItems:"2" uniqueItems:"true" enum:"read,write" doc:"write may read, too"`
		ExpiresAt *time.Time     `json:"expiresAt,omitempty" doc:"When it ends; without it the key goes on until it is revoked"`
	}
}

type madeOut struct{ Body NewAPIKey }

type keyIn struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	huma.Register(api, access.Allow(access.Op(http.MethodGet, "/keys", "list-keys", "API keys of the account, the newest first"), permit.EditKeys), r.list)
	add := access.Allow(access.Op(http.MethodPost, "/keys", "make-key", "Make an API key, which is shown this once", 409, 422), permit.EditKeys)
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Secret(add), r.make)
	huma.Register(api, access.Allow(access.Op(http.MethodDelete, "/keys/{id}", "revoke-key", "End an API key at once", 404), permit.EditKeys), r.revoke)
}

func (r *Routes) list(ctx context.Context, _ *struct{}) (*keysOut, error) {
	all, err := All(ctx, r.Store, access.From(ctx).Account)
	if err != nil {
		return nil, err
	}
	out := &keysOut{Body: []APIKey{}}
	names := map[uuid.UUID]string{}
	for _, k := range all {
		if _, ok := names[k.MadeBy]; !ok {
			p, err := account.PersonByID(ctx, r.Store, k.MadeBy)
			if err != nil {
				return nil, err
			}
			names[k.MadeBy] = p.Name
		}
		out.Body = append(out.Body, show(k, names[k.MadeBy]))
	}
	return out, nil
}

func show(k Key, by string) APIKey {
	return APIKey{
		ID: k.ID, Name: k.Name, Start: k.Start, Scopes: k.Scopes.V, MadeBy: KeyMaker{k.MadeBy, by}, MadeAt: k.MadeAt,
		UsedAt: k.UsedAt, ExpiresAt: k.ExpiresAt,
	}
}

func (r *Routes) make(ctx context.Context, in *makeIn) (*madeOut, error) {
	a, now := access.From(ctx), r.Now()
	name := account.Text(in.Body.Name)
	if name == "" {
		return nil, problem.Invalid("/name", account.Unseen)
	}
	return once.InTx(ctx, r.Store, func(ctx context.Context, q store.Querier) (*madeOut, error) {
		if in.Body.ExpiresAt != nil && !in.Body.ExpiresAt.After(now) { // here, as it was not over yet when this came first
			return nil, problem.Invalid("/expiresAt", "This time is over already.")
		}
		all, err := All(ctx, q, a.Account)
		if err != nil {
			return nil, err
		}
		if len(all) >= most {
			return nil, problem.New(http.StatusConflict, "full", "No more keys", "An account has at most 100 keys. Revoke one that is not used.")
		}
		p, err := account.PersonByID(ctx, q, a.ID)
		if err != nil {
			return nil, err
		}
		secret, k, err := Make(ctx, q, Key{
			Account: a.Account, Name: name, Scopes: store.JSON[[]permit.Scope]{V: in.Body.Scopes}, MadeBy: a.ID, ExpiresAt: in.Body.ExpiresAt,
		}, now)
		if err != nil {
			return nil, err
		}
		detail := string(permit.ReadScope)
		if permit.KeyMay(in.Body.Scopes, permit.EditEvent) {
			detail = string(permit.WriteScope)
		}
		out := &madeOut{NewAPIKey{APIKey: show(k, p.Name), Key: secret}}
		return out, audit.Add(ctx, q, a.Account, now, a.Act("make-key", "key/"+k.ID.String(), detail))
	})
}

func (r *Routes) revoke(ctx context.Context, in *keyIn) (*struct{}, error) {
	a, now := access.From(ctx), r.Now()
	return nil, r.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		err := Revoke(ctx, q, a.Account, in.ID, now)
		if errors.Is(err, store.ErrNone) {
			return problem.New(http.StatusNotFound, "not-found", "Not found", "The account has no such key.")
		}
		if err != nil {
			return err
		}
		return audit.Add(ctx, q, a.Account, now, a.Act("revoke-key", "key/"+in.ID.String(), ""))
	})
}
