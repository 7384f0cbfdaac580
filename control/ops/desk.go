package ops

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"freshet/cluster/identity"
	"freshet/control/enrol"
	"freshet/control/roster"
	"freshet/control/route"
	pb "freshet/proto"
	"freshet/proto/jointoken"
	"freshet/proto/problem"
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
	Node    string
	At      string // host:port of the port for nodes, as others reach it
	Mesh    Mesh
	Acts    Acts
	Peers   Peers
	Journal *Journal
	Log     *slog.Logger
	Away    func() bool // the database
	Now     func() time.Time
}

// A Who asks for an act: a person on the console, or a command.
type Who struct {
	Person uuid.UUID  // zero: a command
	From   netip.Addr // of a person
	Node   string     // control node with whose directory a command asks
}

// noteTakes is how long what became of an act may take to be written down, after that.
const noteTakes = 5 * time.Second

// act does e for who. It is in the journal before it is done: nothing is done that nobody can read of.
func (d *Desk) act(ctx context.Context, who Who, e Entry, do func(context.Context) error) error {
	e.At, e.By, e.Asked, e.Outcome = d.Now().UTC().Truncate(time.Millisecond), d.Node, who.Node, Open
	log := d.Log.With("action", string(e.Action), "peer", e.Node)
	if who.Person != uuid.Nil {
		e.Person = &who.Person
		log = log.With("person", who.Person, "remote", who.From.String())
	} else {
		log = log.With("asked", who.Node)
	}
	name, err := d.Journal.add(ctx, e)
	if err != nil {
		log.WarnContext(ctx, "cluster not changed: that cannot be written down", "err", err)
		return err
	}
	e.Outcome, err = Done, do(ctx)
	if err != nil {
		log.WarnContext(ctx, "cluster not changed", "err", err)
		why := Problem(err).Detail
		e.Outcome, e.Why = Refused, strings.ToValidUTF8(why[:min(len(why), whyMost)], "")
	} else {
		log.InfoContext(ctx, "cluster changed")
	}
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTakes)
	defer cancel()
	if unwritten := d.Journal.set(noting, name, e); unwritten != nil {
		log.WarnContext(ctx, "the log of operations lacks what became of that", "err", unwritten)
	}
	return err
}

// View returns the mesh as it is now.
func (d *Desk) View() View {
	v := NewView(d.Node, d.Mesh, d.Now())
	v.DatabaseAway = d.Away()
	v.Alerts = Alerts(v)
	return v
}

// states are what can be decided of a node, by the words for it, and how that is called.
var states = map[string]struct {
	to     pb.AdminState
	action Action
}{
	"in":       {pb.AdminState_ADMIN_STATE_IN, TakeBack},
	"cordoned": {pb.AdminState_ADMIN_STATE_CORDONED, Cordon},
	"draining": {pb.AdminState_ADMIN_STATE_DRAINING, Drain},
}

// Invite makes a join token.
func (d *Desk) Invite(ctx context.Context, who Who, in Invitation) (Invited, error) {
	life := enrol.TokenLife
	if in.Seconds != 0 {
		life = time.Duration(in.Seconds) * time.Second
	}
	var t jointoken.Token
	err := d.act(ctx, who, Entry{Action: Token, Role: in.Role}, func(ctx context.Context) (err error) {
		t, err = d.Acts.Invite(ctx, in.Role, in.Region, life)
		return err
	})
	if err != nil {
		return Invited{}, err
	}
	return Invited{t.Text(), in.Role, in.Region, d.Now().Add(life).UTC().Truncate(time.Second), d.At}, nil
}

// Decide drains a node, cordons it, or takes it back.
func (d *Desk) Decide(ctx context.Context, who Who, node, state string) error {
	s, ok := states[state]
	if !ok {
		return problem.New(http.StatusUnprocessableEntity, "state-unknown", "No such state", "A node is in, cordoned or draining.")
	}
	if _, ok := d.role(node); !ok {
		return enrol.ErrUnregistered
	}
	return d.act(ctx, who, Entry{Action: s.action, Node: node}, func(ctx context.Context) error { return d.Acts.SetState(ctx, node, s.to) })
}

// Remove takes a node out of the cluster for good; a control node out of the quorum first.
func (d *Desk) Remove(ctx context.Context, who Who, node string) error {
	role, ok := d.role(node)
	if !ok {
		return enrol.ErrUnregistered
	}
	return d.act(ctx, who, Entry{Action: Remove, Node: node}, func(ctx context.Context) error {
		if role == identity.RoleControl {
			if err := d.Acts.Leave(ctx, node); err != nil {
				return err
			}
		}
		if err := d.Acts.Remove(ctx, node); err != nil {
			return err
		}
		// It knows the gossip key.
		if err := d.Acts.Rotate(ctx); err != nil && !errors.Is(err, roster.ErrRotating) {
			return err
		}
		return nil
	})
}

// Rotate changes the gossip key.
func (d *Desk) Rotate(ctx context.Context, who Who) error {
	return d.act(ctx, who, Entry{Action: GossipKeys}, d.Acts.Rotate)
}

// Resign changes the key that signs viewer tokens.
func (d *Desk) Resign(ctx context.Context, who Who) error {
	return d.act(ctx, who, Entry{Action: SigningKeys}, d.Acts.Resign)
}

// role returns that of a node that is in the cluster.
func (d *Desk) role(name string) (string, bool) {
	n := d.Mesh.Ledger().Nodes[name]
	return n.GetRole(), n != nil
}
