package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"freshet/control/ops"
)

// clusterCommand is the group of commands for whoever runs a cluster.
type clusterCommand struct {
	Init    clusterInitCommand    `cmd:"" help:"Begin a cluster: make its CA, its keys and the first control node's directory."`
	Token   clusterTokenCommand   `cmd:"" help:"Print a join token, which lets one machine in, once."`
	Status  clusterStatusCommand  `cmd:"" help:"Show how the cluster does: quorum, nodes, streams and what is wrong."`
	Members clusterMembersCommand `cmd:"" help:"List the nodes."`
	Streams clusterStreamsCommand `cmd:"" help:"List the streams and where they are placed."`
	Tree    clusterTreeCommand    `cmd:"" help:"Draw the way of an event's streams, hop by hop."`
	Drain   clusterDrainCommand   `cmd:"" help:"Have a node give away its viewers and streams, so that it can be stopped."`
	Undrain clusterUndrainCommand `cmd:"" help:"Take a drained or cordoned node back."`
	Cordon  clusterCordonCommand  `cmd:"" help:"Have a node take nothing new, and keep what it has."`
	Remove  clusterRemoveCommand  `cmd:"" help:"Take a node out of the cluster for good. Its certificate is refused from then on."`
	Keys    clusterKeysCommand    `cmd:"" help:"Look after the keys of the cluster."`
	Why     clusterWhyCommand     `cmd:"" help:"Say why a viewer's session was sent to its edge, and the way of its streams there, hop by hop."`
}

type clusterInitCommand struct {
	outputFlag
	Data       string `default:".freshet" placeholder:"DIR" help:"Directory to make. Default .freshet."`
	Node       string `default:"control-1" help:"Name of the first control node. Default control-1."`
	Region     string `default:"local" placeholder:"NAME" help:"Where it stands. Default local."`
	Passphrase string `placeholder:"@FILE" secret:"all" help:"Seals the file of control's secret keys. Default a key beside it."`
}

// Run makes the cluster's first directory.
func (c *clusterInitCommand) Run(p *program) error {
	passphrase, err := secret("passphrase", c.Passphrase)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return badConfig("data", "%w", err)
	}
	k, err := found(c.Data, c.Node, c.Region, passphrase)
	if err != nil {
		return err
	}
	return c.print(p.stdout, map[string]string{"node": c.Node, "region": c.Region, "data": c.Data, "ca": k.CA().Fingerprint()}, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "Cluster with CA %s\nNext, here:       freshet control --data %s --advertise IP\n"+
			"then, here:       freshet cluster token --role edge --region yul --data %s\nand on a machine: freshet edge --join IP:8081 --token @FILE\n",
			k.CA().Fingerprint(), c.Data, c.Data)
	})
}

// print prints v as JSON, or what text writes.
func (f outputFlag) print(w io.Writer, v any, text func(io.Writer)) error {
	if f.Output == outputJSON {
		return json.NewEncoder(w).Encode(v)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	text(t)
	return t.Flush()
}

type clusterTokenCommand struct {
	outputFlag
	clusterFlags
	Role   string        `required:"" enum:"origin,edge,control" help:"What the machine becomes: origin, edge or control."`
	Region string        `placeholder:"NAME" help:"Where it stands. Default where the node says."`
	For    time.Duration `placeholder:"TIME" help:"How long the token is good, 24h at most. Default 10m."`
}

// Run prints a token.
func (c *clusterTokenCommand) Run(p *program) error {
	var out ops.Invited
	in := ops.Invitation{Role: c.Role, Region: c.Region, Seconds: int(c.For.Seconds())}
	if err := c.ask(p.ctx, http.MethodPost, "/tokens", in, &out); err != nil {
		return err
	}
	if c.Output == outputJSON {
		return json.NewEncoder(p.stdout).Encode(out)
	}
	_, err := fmt.Fprintln(p.stdout, out.Token)
	return err
}

// view asks for the mesh.
func (f clusterFlags) view(p *program) (ops.View, error) {
	var v ops.View
	err := f.ask(p.ctx, http.MethodGet, "/mesh", nil, &v)
	return v, err
}

type clusterStatusCommand struct {
	outputFlag
	clusterFlags
}

// Run shows how the cluster does.
func (c *clusterStatusCommand) Run(p *program) error {
	v, err := c.view(p)
	if err != nil {
		return err
	}
	return c.print(p.stdout, v, func(w io.Writer) { writeStatus(w, v) })
}

type clusterMembersCommand struct {
	outputFlag
	clusterFlags
}

// Run lists the nodes.
func (c *clusterMembersCommand) Run(p *program) error {
	v, err := c.view(p)
	if err != nil {
		return err
	}
	return c.print(p.stdout, v.Nodes, func(w io.Writer) { writeMembers(w, v) })
}

type clusterStreamsCommand struct {
	outputFlag
	clusterFlags
}

// Run lists the streams.
func (c *clusterStreamsCommand) Run(p *program) error {
	v, err := c.view(p)
	if err != nil {
		return err
	}
	return c.print(p.stdout, v.Streams, func(w io.Writer) { writeStreams(w, v) })
}

type clusterTreeCommand struct {
	outputFlag
	clusterFlags
	Event string `arg:"" help:"The event's name in its address, or a stream's id."`
}

// Run draws the trees of an event's streams.
func (c *clusterTreeCommand) Run(p *program) error {
	v, err := c.view(p)
	if err != nil {
		return err
	}
	streams := []ops.Stream{}
	for _, s := range v.Streams {
		if s.Event == c.Event || s.ID == c.Event {
			streams = append(streams, s)
		}
	}
	if len(streams) == 0 {
		return fmt.Errorf("no stream of %s is on, or about to be; freshet cluster streams lists those that are", c.Event)
	}
	return c.print(p.stdout, streams, func(w io.Writer) { writeTrees(w, streams, v) })
}

// nodeFlags are for commands that do something to a node.
type nodeFlags struct {
	outputFlag
	clusterFlags
	Node string `arg:"" help:"Name of the node."`
}

// decide writes a decision and says what follows.
func (f nodeFlags) decide(p *program, state, text string) error {
	if err := f.ask(p.ctx, http.MethodPut, "/nodes/"+f.Node+"/state", ops.Decision{State: state}, &struct{}{}); err != nil {
		return err
	}
	return f.print(p.stdout, map[string]string{"node": f.Node, "state": state}, func(w io.Writer) { _, _ = fmt.Fprintf(w, text+"\n", f.Node) })
}

type clusterDrainCommand struct {
	nodeFlags
	Wait time.Duration `default:"60s" placeholder:"TIME" help:"How long to wait until the node has given away all it can; 0 does not wait. Default 60s."`
}

// Run drains a node, and shows how its viewers go.
func (c *clusterDrainCommand) Run(p *program) error {
	if err := c.ask(p.ctx, http.MethodPut, "/nodes/"+c.Node+"/state", ops.Decision{State: "draining"}, &struct{}{}); err != nil {
		return err
	}
	left, err := c.empties(p)
	if err != nil {
		return err
	}
	return c.print(p.stdout, map[string]any{"node": c.Node, "state": "draining", "viewers": left}, func(w io.Writer) {
		if left == 0 {
			_, _ = fmt.Fprintf(w, "%s serves nobody now and may be stopped. freshet cluster undrain takes it back.\n", c.Node)
		} else {
			_, _ = fmt.Fprintf(w, "%s is draining; %d viewers are left.\n", c.Node, left)
		}
	})
}

// empties waits until the node has no viewers, and no stream begins there. It returns how many are left.
func (c *clusterDrainCommand) empties(p *program) (int, error) {
	late := time.After(c.Wait)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	told := -1
	for {
		v, err := c.view(p)
		if err != nil {
			return 0, err
		}
		left := 0
		for _, n := range v.Nodes {
			if n.Node == c.Node {
				left = n.Viewers
			}
		}
		for _, s := range v.Streams {
			if s.Live && s.Origin == c.Node {
				left++
			}
		}
		if left == 0 {
			return 0, nil
		}
		if left != told && c.Output != outputJSON {
			_, _ = fmt.Fprintf(p.stderr, "%s: %d left\n", c.Node, left)
			told = left
		}
		select {
		case <-tick.C:
		case <-late:
			return left, nil
		case <-p.ctx.Done():
			return left, nil
		}
	}
}

type clusterUndrainCommand struct{ nodeFlags }

// Run takes a node back.
func (c *clusterUndrainCommand) Run(p *program) error {
	return c.decide(p, "in", "%s takes viewers and streams again.")
}

type clusterCordonCommand struct{ nodeFlags }

// Run cordons a node.
func (c *clusterCordonCommand) Run(p *program) error {
	return c.decide(p, "cordoned", "%s takes nothing new and keeps what it has.")
}

type clusterRemoveCommand struct {
	nodeFlags
	Yes bool `help:"Do not ask."`
}

// Run removes a node.
func (c *clusterRemoveCommand) Run(p *program) error {
	if !c.Yes {
		return badConfig("yes", "%s is taken out for good, and what it serves breaks off: drain it first, then say --yes", c.Node)
	}
	if err := c.ask(p.ctx, http.MethodDelete, "/nodes/"+c.Node, nil, &struct{}{}); err != nil {
		return err
	}
	return c.print(p.stdout, map[string]string{"node": c.Node, "state": "removed"}, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s is out of the cluster. Its certificate is refused, and the gossip key changes.\n", c.Node)
	})
}

type clusterKeysCommand struct {
	Rotate clusterRotateCommand `cmd:"" help:"Change the gossip key, or the one that signs viewer tokens, while the mesh runs."`
}

type clusterRotateCommand struct {
	outputFlag
	clusterFlags
	Signing bool `help:"Change the key that signs viewer tokens instead. That happens by itself every 30 days."`
}

// Run begins a rotation.
func (c *clusterRotateCommand) Run(p *program) error {
	if c.Signing {
		if err := c.ask(p.ctx, http.MethodPost, "/signing-keys", nil, &struct{}{}); err != nil {
			return err
		}
		return c.print(p.stdout, map[string]bool{"rotating": true}, func(w io.Writer) {
			_, _ = fmt.Fprintln(w, "Nodes are told of a new signing key. It signs in ten minutes, and the old one counts for 45 more.")
		})
	}
	if err := c.ask(p.ctx, http.MethodPost, "/gossip-keys", nil, &struct{}{}); err != nil {
		return err
	}
	return c.print(p.stdout, map[string]bool{"rotating": true}, func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "A new gossip key is on its way. It is used once all nodes have it, and the old one is forgotten once all use it.")
	})
}

type clusterWhyCommand struct {
	outputFlag
	clusterFlags
	Session string `arg:"" help:"Id of the session."`
}

// Run says why a session is where it is.
func (c *clusterWhyCommand) Run(p *program) error {
	var e ops.Explanation
	if err := c.ask(p.ctx, http.MethodGet, "/sessions/"+strings.TrimSpace(c.Session), nil, &e); err != nil {
		return err
	}
	return c.print(p.stdout, e, func(w io.Writer) { writeWhy(w, e) })
}

func orDash(s string) string { return cmp.Or(s, "-") }
