package ops

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/proto/problem"
)

// Routes are the operations of the ops console.
type Routes struct {
	Desk *Desk // nil: this node is in no cluster
	Now  func() time.Time

	acts *limit.Limiter
}

type meshOut struct{ Body View }

type logOut struct {
	Body []Entry `nullable:"false"`
}

type tokenIn struct{ Body Invitation }

type tokenOut struct{ Body Invited }

type nodeIn struct {
	Node string `path:"node" minLength:"1" maxLength:"64" pattern:"^[a-z0-9.-]+$" patternDescription:"1 to 64 of a-z, 0-9, dot and -"`
}

type stateIn struct {
	Node string `path:"node" minLength:"1" maxLength:"64" pattern:"^[a-z0-9.-]+$" patternDescription:"1 to 64 of a-z, 0-9, dot and -"`
	Body Decision
}

type sessionIn struct {
	Session uuid.UUID `path:"session" format:"uuid"`
}

type whyOut struct{ Body Why }

// actsRate is for a person's changes of the cluster, each of which is an entry in the log of the quorum.
var actsRate = limit.Rate{Name: "ops", N: 60, Per: time.Minute, Burst: 30}

// actTakes is how long a change may wait for a leader; an election takes 2 s at most.
const actTakes = 10 * time.Second

// Register adds the operations to api.
func (r *Routes) Register(api huma.API) {
	r.acts = limit.New(actsRate)
	op := func(method, path, id, summary string, errs ...int) huma.Operation {
		return access.Ops(access.Op(method, path, id, summary, append(errs, http.StatusServiceUnavailable)...))
	}
	huma.Register(api, op(http.MethodGet, "/ops/mesh", "get-mesh", "The mesh as this control node sees it"), r.mesh)
	huma.Register(api, op(http.MethodPost, "/ops/tokens", "make-join-token", "A token that lets one machine join, once", 422), r.token)
	huma.Register(api, op(http.MethodPut, "/ops/nodes/{node}/state", "set-node-state", "Drain a node, cordon it, or take it back", 404, 422), r.state)
	huma.Register(api, op(http.MethodDelete, "/ops/nodes/{node}", "remove-node", "Take a node out of the cluster for good", 404, 409), r.remove)
	huma.Register(api, op(http.MethodPost, "/ops/gossip-keys", "rotate-gossip-key", "Change the key that nodes gossip under", 409), r.rotate)
	huma.Register(api, op(http.MethodPost, "/ops/signing-keys", "rotate-signing-key", "Change the key that signs viewer tokens", 409), r.resign)
	huma.Register(api, op(http.MethodGet, "/ops/log", "get-ops-log", "What was done to the cluster, newest first: the last 200 acts"), r.log)
	huma.Register(api, op(http.MethodGet, "/ops/sessions/{session}", "get-session-decision", "Why a viewer's session was sent to its edge", 404), r.why)
}

// desk returns what acts, where this node is in a cluster.
func (r *Routes) desk() (*Desk, error) {
	if r.Desk != nil {
		return r.Desk, nil
	}
	p := problem.New(http.StatusServiceUnavailable, "no-cluster", "No cluster",
		"This control node is in no cluster: its nodes are those of a development CA. Begin one with freshet cluster init.")
	p.RetryAfter = time.Minute
	return nil, p
}

// act does one thing to the cluster for whoever asks.
func (r *Routes) act(ctx context.Context, do func(context.Context, *Desk, Who) error) error {
	d, err := r.desk()
	if err != nil {
		return err
	}
	a := access.From(ctx)
	if v := r.acts.Take(string(a.ID[:]), r.Now()); !v.OK {
		return v.Refused()
	}
	ctx, cancel := context.WithTimeout(ctx, actTakes)
	defer cancel()
	if err := do(ctx, d, Who{Person: a.ID, From: a.From}); err != nil {
		return Problem(err)
	}
	return nil
}

// mesh leaves out which events streams are of: their addresses may name customers.
func (r *Routes) mesh(ctx context.Context, _ *struct{}) (*meshOut, error) {
	d, err := r.desk()
	if err != nil {
		return nil, err
	}
	v := d.View()
	if access.From(ctx).Recalled { // before whoever reads it each second has noticed
		v.DatabaseAway = true
		v.Alerts = Alerts(v)
	}
	for i := range v.Streams {
		v.Streams[i].Event = ""
	}
	return &meshOut{v}, nil
}

func (r *Routes) token(ctx context.Context, in *tokenIn) (*tokenOut, error) {
	var out tokenOut
	err := r.act(ctx, func(ctx context.Context, d *Desk, who Who) (err error) {
		out.Body, err = d.Invite(ctx, who, in.Body)
		return err
	})
	return &out, err
}

func (r *Routes) state(ctx context.Context, in *stateIn) (*struct{}, error) {
	return nil, r.act(ctx, func(ctx context.Context, d *Desk, who Who) error { return d.Decide(ctx, who, in.Node, in.Body.State) })
}

func (r *Routes) remove(ctx context.Context, in *nodeIn) (*struct{}, error) {
	return nil, r.act(ctx, func(ctx context.Context, d *Desk, who Who) error { return d.Remove(ctx, who, in.Node) })
}

func (r *Routes) rotate(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, r.act(ctx, func(ctx context.Context, d *Desk, who Who) error { return d.Rotate(ctx, who) })
}

func (r *Routes) resign(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, r.act(ctx, func(ctx context.Context, d *Desk, who Who) error { return d.Resign(ctx, who) })
}

func (r *Routes) log(context.Context, *struct{}) (*logOut, error) {
	d, err := r.desk()
	if err != nil {
		return nil, err
	}
	return &logOut{d.Journal.Entries()}, nil
}

func (r *Routes) why(ctx context.Context, in *sessionIn) (*whyOut, error) {
	d, err := r.desk()
	if err != nil {
		return nil, err
	}
	made, err := d.recall(ctx, in.Session)
	if err != nil {
		return nil, err
	}
	return &whyOut{whyOf(made, d.View())}, nil
}
