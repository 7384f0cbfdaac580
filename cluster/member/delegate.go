package member

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/memberlist"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// maxExchange is how much of states one exchange over TCP brings, in bytes: five times what 1,000 nodes with a stream or two
// each have, and less than half of what memberlist takes.
const maxExchange = 8 << 20

// gossip is a Member as memberlist calls it, from goroutines of memberlist's own, at times with its locks held: nothing
// here may call memberlist or wait.
type gossip struct{ *Member }

// NodeMeta is empty: what is signed does not fit in memberlist's 512 bytes.
func (g gossip) NodeMeta(int) []byte { return nil }

// NotifyMsg takes one gossiped message and, where it is news, passes it on.
func (g gossip) NotifyMsg(b []byte) {
	if len(b) > packetBytes {
		g.m.drop(oversize)
		return
	}
	msg := &pb.MeshMessage{}
	if err := proto.Unmarshal(b, msg); err != nil {
		g.m.drop(malformed)
		return
	}
	now := g.now()
	fresh := false
	if len(msg.Certificate) > 0 {
		fresh = g.learnOne(msg.Certificate, now)
	}
	switch {
	case msg.State != nil:
		if s := g.mergeOne(msg.State, 0, now); s != nil {
			g.pass(&broadcast{name: stateName(s)}, msg)
		}
	case fresh:
		g.pass(&broadcast{name: certificateName(msg.Certificate)}, msg)
	case len(msg.Certificate) == 0:
		g.m.drop(malformed)
	}
}

// learnOne learns a certificate, counts where it was not taken, and tells whether it was news.
func (g gossip) learnOne(der []byte, now time.Time) bool {
	fresh, why := g.table.learn(der, now)
	if !fresh && why != known {
		g.m.drop(why)
	}
	return fresh
}

// mergeOne merges, counts, and returns what the state says where it was news.
func (g gossip) mergeOne(signed *pb.SignedState, age time.Duration, now time.Time) *pb.NodeState {
	s, why := g.table.merge(signed, age, now)
	if why != taken {
		g.m.drop(why)
		return nil
	}
	g.m.taken.Inc()
	return s
}

func (g gossip) GetBroadcasts(overhead, limit int) [][]byte {
	return g.queue.GetBroadcasts(overhead, limit)
}

func (g gossip) LocalState(bool) []byte { return g.table.all(g.now()) }

// MergeRemoteState takes what the other end of an exchange holds.
func (g gossip) MergeRemoteState(b []byte, _ bool) {
	if len(b) > maxExchange {
		g.m.drop(oversize)
		return
	}
	all := &pb.MeshState{}
	if err := proto.Unmarshal(b, all); err != nil {
		g.m.drop(malformed)
		return
	}
	now := g.now()
	for i, der := range all.Certificates {
		if i >= maxMembers {
			g.m.drop(oversize)
			break
		}
		g.learnOne(der, now)
	}
	for _, h := range all.States {
		g.mergeOne(h.State, time.Duration(h.AgeMs)*time.Millisecond, now)
	}
}

var errRefused = errors.New("refused")

// NotifyAlive refuses members that cannot be nodes of this mesh.
func (g gossip) NotifyAlive(peer *memberlist.Node) error {
	node, _, ok := parseMember(peer.Name)
	if !ok {
		g.m.refuse(badName)
		return fmt.Errorf("%w: name is not NODE/BOOT", errRefused)
	}
	t := g.table
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case node != t.self && (t.names[node] || t.outcasts[peer.Name]):
		g.m.refuse(banned)
		return fmt.Errorf("%w: the node was removed from the cluster", errRefused)
	case t.members[peer.Name] == nil && len(t.members) >= maxMembers:
		g.m.refuse(tooMany)
		return fmt.Errorf("%w: %d members are known", errRefused, maxMembers)
	}
	return nil
}

// NotifyJoin hears that a process is there, or is back.
func (g gossip) NotifyJoin(n *memberlist.Node) {
	g.table.setPresence(n.Name, Alive, n.Address(), g.now())
	if n.Name != g.name {
		g.log.Info("member joined", "peer", n.Name, "remote", n.Address())
	}
}

// NotifyLeave hears that a process failed or left; its own last word tells which.
func (g gossip) NotifyLeave(n *memberlist.Node) {
	status := g.table.setPresence(n.Name, Failed, n.Address(), g.now())
	g.log.Info("member gone", "peer", n.Name, "remote", n.Address(), "reason", status)
	if node, _, ok := parseMember(n.Name); ok {
		g.here.ForgetNode(node)
	}
}

func (g gossip) NotifyUpdate(*memberlist.Node) {}

// setPresence notes what memberlist says of a process, and returns it: Left instead of Failed where the process said so.
func (t *table) setPresence(name string, s Status, addr string, now time.Time) Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	if node, id, ok := parseMember(name); ok && s == Failed {
		if h := t.nodes[node]; h != nil && h.boot.id == id && h.parts[0] != nil && h.parts[0].state.Leaving {
			s = Left
		}
	}
	t.members[name] = &presence{status: s, since: now, addr: addr}
	t.notify()
	return s
}

// suspect notes that this node's own probe of a process got no answer.
func (t *table) suspect(name string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.members[name]; p != nil && p.status == Alive {
		p.status, p.since = Suspect, now
		t.notify()
	}
}

// AckPayload brings this node's coordinate to who probed it.
func (g gossip) AckPayload() []byte {
	c := writeCoordinate(g.here.GetCoordinate())
	if c == nil {
		return nil
	}
	b, err := proto.Marshal(c)
	if err != nil {
		return nil
	}
	return b
}

// NotifyPingComplete takes the round trip and the coordinate of who answered a probe.
func (g gossip) NotifyPingComplete(other *memberlist.Node, rtt time.Duration, payload []byte) {
	node, _, ok := parseMember(other.Name)
	if !ok || len(payload) == 0 {
		return // an answer by TCP brings none
	}
	c, err := parseCoordinate(payload)
	if err == nil {
		_, err = g.here.Update(node, c, rtt)
	}
	if err != nil {
		g.m.coordinates.Inc()
	}
}
