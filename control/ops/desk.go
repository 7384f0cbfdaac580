package ops

import (
	"context"
	"time"

	"github.com/google/uuid"

	"freshet/control/route"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

// Acts are what a desk does.
type Acts struct {
	Invite   func(ctx context.Context, role, region string, life time.Duration) (jointoken.Token, error)
	Remove   func(ctx context.Context, node string) error
	SetState func(ctx context.Context, node string, state pb.AdminState) error
	Leave    func(ctx context.Context, node string) error // of a control node from the quorum
	Rotate   func(ctx context.Context) error              // the gossip key
	Resign   func(ctx context.Context) error              // the key that signs viewer tokens
	Why      func(session uuid.UUID) (route.Decision, bool)
}

// A Desk is one control node's. It may be used from any goroutine.
type Desk struct {
	Node string
	Mesh Mesh
	Acts Acts
	Away func() bool // the database
	Now  func() time.Time
}

// View returns the mesh as it is now.
func (d *Desk) View() View {
	v := NewView(d.Node, d.Mesh, d.Now())
	v.DatabaseAway = d.Away()
	v.Alerts = Alerts(v)
	return v
}

// states are what can be decided of a node, by the words for it.
var states = map[string]pb.AdminState{
	"in": pb.AdminState_ADMIN_STATE_IN, "cordoned": pb.AdminState_ADMIN_STATE_CORDONED, "draining": pb.AdminState_ADMIN_STATE_DRAINING,
}

// role returns that of a node that is in the cluster.
func (d *Desk) role(name string) (string, bool) {
	n := d.Mesh.Ledger().Nodes[name]
	return n.GetRole(), n != nil
}
