package main

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/join"
	"freshet/cluster/member"
	"freshet/control"
	"freshet/control/keys"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

// certFlags say where a node keeps things and how it comes into its cluster.
type certFlags struct {
	Data  string   `default:".freshet" placeholder:"DIR" help:"Directory of the node's own files, its identity among them. Default .freshet."`
	Join  []string `placeholder:"HOST:PORT" help:"Control nodes (their --agents address) of the cluster to join. A node that has joined once needs no token, and this only to find control again where all of its addresses have changed."`
	Token string   `placeholder:"@FILE" secret:"all" help:"Join token, as freshet cluster token prints it; @FILE reads it from FILE."`
	CA    string   `placeholder:"DIR" help:"Instead of joining: directory of a development CA, made on first use, which nodes that are named by hand share."`
}

var errNowhere = badConfig("join", "this machine is in no cluster: give --join HOST:PORT and --token, which freshet cluster token prints on a control node")

// issue makes a certificate by the development CA.
func (f certFlags) issue(node, role string) (*identity.Identity, error) {
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return nil, badConfig("data", "%w", err)
	}
	ca, err := identity.OpenCA(f.CA)
	if err != nil {
		return nil, badConfig("ca", "%w", err)
	}
	id, err := ca.Issue(node, role)
	if err != nil {
		return nil, badConfig("node", "%w", err)
	}
	return id, nil
}

// enter returns the node's identity in its cluster: that which it has or, at its first start, what it gets by its token.
func (f certFlags) enter(p *program, node, role, region string) (*join.Joined, error) {
	id, err := identity.Open(f.Data)
	if err == nil {
		if id.Role != role || node != "" && node != id.Node {
			return nil, badConfig("data", "%s is that of %s %s", f.Data, id.Role, id.Node)
		}
		seed, err := join.ReadMesh(f.Data)
		if err != nil {
			return nil, badConfig("data", "%w", err)
		}
		// Names of control nodes outlive their addresses. The first control node of a cluster has nobody to ask.
		for _, at := range f.Join {
			if len(seed.Controls) > 0 && !slices.Contains(seed.Controls, at) {
				seed.Controls = append(seed.Controls, at)
			}
		}
		return &join.Joined{Identity: id, Region: seed.Region, Mesh: seed}, nil
	}
	if !errors.Is(err, identity.ErrNotJoined) {
		return nil, badConfig("data", "%w", err)
	}
	if len(f.Join) == 0 || f.Token == "" {
		return nil, errNowhere
	}
	text, err := secret("token", f.Token)
	if err != nil {
		return nil, err
	}
	token, err := jointoken.Parse(text)
	if err != nil {
		return nil, badConfig("token", "%w", err)
	}
	joined, err := join.Enrol(p.ctx, p.log, join.Config{
		Control: f.Join, Dir: f.Data, Node: node, Role: role, Region: region, Software: thisBuild().Version,
	}, token)
	if err != nil {
		return nil, err
	}
	p.log.Info("joined the cluster", "node", joined.Identity.Node, "role", role, "region", joined.Region)
	return joined, nil
}

// member returns the identity and the config of an origin or edge.
func (f mediaFlags) member(p *program, c *certFlags, name, role string) (*identity.Identity, nodeConfig, error) {
	if c.CA != "" {
		if name == "" {
			name = role + "-1"
		}
		cfg, err := f.node(c, name, role)
		if err != nil {
			return nil, cfg, err
		}
		id, err := c.issue(name, role)
		return id, cfg, err
	}
	for flag, given := range map[string]bool{"upstream": len(f.Upstream) > 0, "control": len(f.Control) > 0} {
		if given {
			return nil, nodeConfig{}, badConfig(flag, "goes with --ca: in a cluster it follows from where nodes are")
		}
	}
	joined, err := c.enter(p, name, role, f.Region)
	if err != nil {
		return nil, nodeConfig{}, err
	}
	if joined.Region != "" {
		f.Region = joined.Region
	}
	cfg, err := f.node(c, joined.Identity.Node, role)
	if err != nil {
		return nil, cfg, err
	}
	cfg.Mesh = &meshConfig{Dir: c.Data, Gossip: f.Gossip, Seed: joined.Mesh, Drains: true}
	if len(f.Advertise) > 0 {
		cfg.Mesh.Host = f.Advertise[0].String()
	}
	return joined.Identity, cfg, nil
}

// member returns the identity of a control node and its part in the cluster, nil with a development CA.
func (c *controlCommand) member(p *program, passphrase string) (*identity.Identity, *control.MeshConfig, error) {
	if c.CA != "" {
		if c.Node == "" {
			c.Node = roleControl + "-1"
		}
		id, err := c.issue(c.Node, roleControl)
		return id, nil, err
	}
	joined, err := c.enter(p, c.Node, roleControl, c.Region)
	if errors.Is(err, errNowhere) {
		return nil, nil, badConfig("data", "%s has no cluster: freshet cluster init begins one, --join and --token bring this machine into one that is there", c.Data)
	}
	if err != nil {
		return nil, nil, err
	}
	if joined.Secrets != nil {
		if _, err := keys.Take(c.Data, passphrase, joined.Secrets); err != nil {
			return nil, nil, err
		}
	}
	region := joined.Region
	if region == "" {
		region = defaultRegion
	}
	return joined.Identity, &control.MeshConfig{
		Dir: c.Data, Region: region, Position: c.At.position(), Host: c.Advertise, Gossip: c.Gossip,
	}, nil
}

// controlIdentity is that of the control node whose directory is dir: it has the CA at hand, and a key for life.
func controlIdentity(dir, node string, k *keys.Keys) (*identity.Identity, error) {
	key, err := identity.OpenKey(dir)
	if err != nil {
		return nil, err
	}
	return k.CA().IssueOver(key, node, roleControl)
}

// found makes a cluster in directory dir, of which node is the first.
func found(dir, node, region, passphrase string) (*keys.Keys, error) {
	_, err := identity.Open(dir)
	if !errors.Is(err, identity.ErrNotJoined) {
		if err == nil {
			err = badConfig("data", "%s is in a cluster already", filepath.Clean(dir))
		}
		return nil, err
	}
	k, err := keys.Open(dir, passphrase)
	if err != nil {
		return nil, badConfig("passphrase", "%w", err)
	}
	key, err := identity.OpenKey(dir)
	if err != nil {
		return nil, err
	}
	der, err := k.CA().Sign(identity.Subject{Node: node, Role: roleControl, Key: key.Public().(ed25519.PublicKey)}, time.Now())
	if err != nil {
		return nil, badConfig("node", "%w", err)
	}
	seed := &pb.MeshSeed{GossipKeys: [][]byte{keys.Random(member.KeySize)}, Region: region}
	if err := join.KeepMesh(dir, seed); err != nil {
		return nil, err
	}
	return k, identity.Keep(dir, der, k.CA().Certificate()) // the last, as it says that there is a cluster
}
