package member

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

const (
	droppedStates = "freshet_member_dropped_states_total"
	refusedThings = "freshet_member_refused_total"
)

func TestWrongKey(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	a := ms.start("a", nil)
	b := ms.start("b", []string{a.Addr()}, func(c *Config, _ *Deps) { c.Keys = [][]byte{bytes.Repeat([]byte{8}, KeySize)} })
	a.counts(5*time.Second, refusedThings, string(wrongKey), 0)
	b.counts(5*time.Second, "freshet_member_joins_total", "failed", 0)
	base := a.counter(refusedThings, string(wrongKey))
	packet(t, b, a) // by UDP, too
	a.counts(time.Second, refusedThings, string(wrongKey), base)
	for _, n := range []*node{a, b} {
		if got := len(n.Nodes()); got != 1 {
			t.Errorf("%s sees %v", n.cfg.Node, n.statuses())
		}
	}
}

// packet makes from tell to something by UDP.
func packet(t *testing.T, from, to *node) {
	t.Helper()
	at, err := net.ResolveUDPAddr("udp", to.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := from.socket.send(bytes.Repeat([]byte{1}, 100), at); err != nil {
		t.Fatal(err)
	}
}

func TestClearText(t *testing.T) {
	t.Parallel()
	a := newMesh(t).start("a", nil)
	for _, network := range []string{"udp", "tcp"} {
		base := a.counter(refusedThings, string(clearText))
		conn, err := net.Dial(network, a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte{8, 1, 2, 3}); err != nil { // a message of a user's, as memberlist has it
			t.Fatal(err)
		}
		a.counts(2*time.Second, refusedThings, string(clearText), base)
		conn.Close()
	}
}

// Who has the gossip key but a certificate of another CA is a member, and no node.
func TestForeignCA(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	a := ms.start("a", nil)
	other := &mesh{t: t, ca: openCA(t), key: ms.key}
	b := other.start("b", []string{a.Addr()})
	a.counts(5*time.Second, droppedStates, string(foreign), 0)
	b.counts(5*time.Second, droppedStates, string(foreign), 0)
	a.until(5*time.Second, func() error {
		if _, alive := a.table.seen(); len(alive) != 2 {
			return fmt.Errorf("%d members, want 2", len(alive))
		}
		return nil
	})
	if got := a.statuses(); len(got) != 1 {
		t.Errorf("a sees %v", got)
	}
}

func TestRemovedNode(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	nodes := ms.five()
	a, e := nodes[0], nodes[4]
	for _, n := range nodes[:4] {
		n.SetRemoved([]identity.Removed{{Node: "e"}})
	}
	want := all(Alive, "a", "b", "c", "d")
	for _, n := range nodes[:4] {
		n.sees(100*time.Millisecond, want) // at once, not when its silence is noticed
	}
	a.counts(2*time.Second, refusedThings, string(banned), 0)
	// A new process under the name comes to nothing either.
	e.stop()
	ms.start("e", []string{a.Addr()})
	a.counts(5*time.Second, droppedStates, string(removedNode), 0)
	for _, n := range nodes[:4] {
		n.sees(100*time.Millisecond, want)
	}
	// Until it is let in again.
	for _, n := range nodes[:4] {
		n.SetRemoved(nil)
	}
	want["e"] = Alive
	for _, n := range nodes[:4] {
		n.sees(40*time.Second, want)
	}
}

// A node whose clock is an hour off, either way, is one like any other: nothing that it says carries a time that counts. Only
// certificates do. One that is behind refuses those made within the last hour, less the five minutes they are backdated; so
// it sees none of the young nodes here, and they see it.
func TestSkewedClock(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	skew := func(d time.Duration) func(*Config, *Deps) {
		return func(_ *Config, deps *Deps) { deps.Now = func() time.Time { return time.Now().Add(d) } }
	}
	a := ms.start("a", nil)
	b := ms.start("b", []string{a.Addr()})
	ahead := ms.start("ahead", []string{a.Addr()}, skew(time.Hour))
	minutes := ms.start("minutes", []string{a.Addr()}, skew(-5*time.Minute))
	behind := ms.start("behind", []string{a.Addr()}, skew(-time.Hour))
	want := all(Alive, "a", "b", "ahead", "minutes", "behind")
	for _, n := range []*node{a, b, ahead, minutes} {
		n.sees(5*time.Second, want)
	}
	behind.counts(5*time.Second, droppedStates, string(future), 0)
	if got := behind.statuses(); len(got) > 1 {
		t.Errorf("an hour behind, certificates of tomorrow are taken: %v", got)
	}
	ahead.set(func(s *pb.NodeState) { s.Viewers = 5 })
	b.until(2*time.Second, func() error {
		if n, _ := b.Node("ahead"); n.State.Viewers != 5 {
			return fmt.Errorf("ahead has %d viewers, want 5", n.State.Viewers)
		}
		return nil
	})
}

// A world is a table and nodes that sign for it.
type world struct {
	t   *testing.T
	tab *table
	ca  *identity.CA
	ids map[string]*identity.Identity
	now time.Time
}

func newWorld(t *testing.T) *world {
	ms := newMesh(t)
	w := &world{t: t, ca: ms.ca, ids: map[string]*identity.Identity{}, now: time.Now()}
	for _, name := range []string{"a", "b"} {
		id, err := ms.ca.Issue(name, identity.RoleEdge)
		if err != nil {
			t.Fatal(err)
		}
		w.ids[name] = id
	}
	w.tab = ms.make("here", nil).closed().table
	return w
}

// again returns another certificate of a node, which runs out after all before it.
func (w *world) again(name string) *identity.Identity {
	w.t.Helper()
	id, err := w.ca.Issue(name, identity.RoleEdge)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// only returns the one signer that is known.
func (t *table) only(tb testing.TB) *signer {
	tb.Helper()
	for _, s := range t.signers {
		if len(t.signers) == 1 {
			return s
		}
	}
	tb.Fatalf("%d signers", len(t.signers))
	return nil
}

// closed gives up the port of a node that does not run.
func (n *node) closed() *node {
	n.socket.shut()
	return n
}

func (w *world) learn(name string) {
	w.t.Helper()
	_, cert := w.sign(name, nil)
	if _, why := w.tab.learn(cert, w.now); why != taken && why != known {
		w.t.Fatalf("certificate of %s: %s", name, why)
	}
}

func (w *world) sign(name string, b []byte) (sig, cert []byte) {
	w.t.Helper()
	sig, cert, err := w.ids[name].Sign(domain, b)
	if err != nil {
		w.t.Fatal(err)
	}
	return sig, cert
}

// say returns a state of a, signed by whom, with changes.
func (w *world) say(whom string, f func(*pb.NodeState)) *pb.SignedState {
	w.t.Helper()
	s := &pb.NodeState{Node: "a", Boot: 1, StartedMs: 1000, Version: 10, Role: "edge"}
	if f != nil {
		f(s)
	}
	b, err := proto.Marshal(s)
	if err != nil {
		w.t.Fatal(err)
	}
	sig, cert := w.sign(whom, b)
	return signedState(b, sig, cert)
}

func TestMerge(t *testing.T) {
	as := func(f func(*pb.NodeState)) func(*world) *pb.SignedState {
		return func(w *world) *pb.SignedState { return w.say("a", f) }
	}
	tests := []struct {
		name string
		say  func(*world) *pb.SignedState
		age  time.Duration
		late time.Duration // after version 10 of process 1 was heard
		want reason
	}{
		{"the same", as(nil), 0, 0, known},
		{"the next", as(func(s *pb.NodeState) { s.Version = 11 }), 0, 0, taken},
		{"an older version", as(func(s *pb.NodeState) { s.Version = 9 }), 0, 0, older},
		{"an older process", as(func(s *pb.NodeState) { s.Boot, s.StartedMs, s.Version = 2, 999, 99 }), 0, 0, older},
		{"an older process, when the newer is silent", as(func(s *pb.NodeState) { s.Boot, s.StartedMs, s.Version = 2, 999, 99 }), 0, stateLife + time.Second, taken},
		{"a newer process", as(func(s *pb.NodeState) { s.Boot, s.StartedMs, s.Version = 2, 1001, 1 }), 0, 0, taken},
		{"a process a year ahead", as(func(s *pb.NodeState) { s.Boot, s.StartedMs, s.Version = 2, 1<<50, 1 }), 0, 0, taken},
		{"another part of the same age", as(func(s *pb.NodeState) { s.Part = 1 }), 0, 0, taken},
		{"held by others for long", as(func(s *pb.NodeState) { s.Version = 11 }), stateLife - time.Second, 0, taken},
		{"held by others for too long", as(func(s *pb.NodeState) { s.Version = 11 }), stateLife + time.Second, 0, expired},
		{"signed by another node", func(w *world) *pb.SignedState { return w.say("b", func(s *pb.NodeState) { s.Version = 11 }) }, 0, 0, misnamed},
		{"in another role", as(func(s *pb.NodeState) { s.Version, s.Role = 11, "control" }), 0, 0, misnamed},
		{"altered", func(w *world) *pb.SignedState {
			s, other := w.say("a", func(s *pb.NodeState) { s.Version = 11 }), w.say("a", func(s *pb.NodeState) { s.Version = 12 })
			s.State = other.State
			return s
		}, 0, 0, forged},
		{"certificate unknown", func(w *world) *pb.SignedState {
			s := w.say("a", func(s *pb.NodeState) { s.Version = 11 })
			s.Certificate[0] ^= 1
			return s
		}, 0, 0, stranger},
		{"certificate run out", as(func(s *pb.NodeState) { s.Version = 11 }), 0, identity.LeafLife + time.Minute, expired},
		{"too large", as(func(s *pb.NodeState) { s.Version, s.Software = 11, strings.Repeat("x", maxSigned) }), 0, 0, oversize},
		{"text too long", as(func(s *pb.NodeState) { s.Version, s.Software = 11, strings.Repeat("x", maxText+1) }), 0, 0, malformed},
		{"no version", as(func(s *pb.NodeState) { s.Version = 0 }), 0, 0, malformed},
		{"part beyond the last", as(func(s *pb.NodeState) { s.Part = maxParts + 1 }), 0, 0, malformed},
		{"off the map", as(func(s *pb.NodeState) { s.Version, s.Lat = 11, 91 }), 0, 0, malformed},
		{"coordinate of few dimensions", as(func(s *pb.NodeState) { s.Version, s.Coordinate = 11, &pb.Coordinate{Vec: []float32{1}} }), 0, 0, malformed},
		{"coordinate on the moon", as(func(s *pb.NodeState) {
			s.Version, s.Coordinate = 11, &pb.Coordinate{Vec: []float32{2.5, 0, 0, 0, 0, 0, 0, 0}}
		}), 0, 0, malformed},
		{"nothing", func(*world) *pb.SignedState { return nil }, 0, 0, malformed},
		{"removed", func(w *world) *pb.SignedState {
			w.tab.setRemoved([]identity.Removed{{Node: "a"}})
			return w.say("a", func(s *pb.NodeState) { s.Version = 11 })
		}, 0, 0, removedNode},
		{"this very node, an earlier process", func(w *world) *pb.SignedState {
			w.tab.self, w.tab.own = "a", boot{2000, 7}
			return w.say("a", func(s *pb.NodeState) { s.Version = 11 })
		}, 0, 0, older},
		{"this very node, a later process", func(w *world) *pb.SignedState {
			w.tab.self, w.tab.own = "a", boot{500, 7}
			return w.say("a", func(s *pb.NodeState) { s.Version = 11 })
		}, 0, 0, superseded},
		{"this very node, come back", func(w *world) *pb.SignedState {
			w.tab.self, w.tab.own = "a", boot{1000, 1}
			return w.say("a", func(s *pb.NodeState) { s.Version = 11 })
		}, 0, 0, known},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.learn("a")
			w.learn("b")
			if _, why := w.tab.merge(w.say("a", nil), 0, w.now); why != taken {
				t.Fatalf("the first: %s", why)
			}
			if _, got := w.tab.merge(tt.say(w), tt.age, w.now.Add(tt.late)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What a dead process said may come around for long; only one that goes on speaking has replaced this one.
func TestSupersededByTheLivingAlone(t *testing.T) {
	w := newWorld(t)
	w.learn("a")
	w.tab.self, w.tab.own = "a", boot{500, 7}
	is := func() bool {
		select {
		case <-w.tab.replaced:
			return true
		default:
			return false
		}
	}
	for range 3 {
		w.tab.merge(w.say("a", nil), 0, w.now)
	}
	w.tab.merge(w.say("a", func(s *pb.NodeState) { s.Version = 9 }), 0, w.now)
	if is() {
		t.Error("replaced by what was said once")
	}
	w.tab.merge(w.say("a", func(s *pb.NodeState) { s.Version = 11 }), 0, w.now)
	if !is() {
		t.Error("not replaced by one that speaks on")
	}
}

// No more than maxNodes are held, and a node may hold two certificates.
func TestTableBounds(t *testing.T) {
	w := newWorld(t)
	w.learn("a")
	for i := range maxNodes {
		w.tab.nodes[fmt.Sprint(i)] = &held{heard: w.now}
	}
	if _, got := w.tab.merge(w.say("a", nil), 0, w.now); got != full {
		t.Errorf("one node more: got %q, want %q", got, full)
	}
	w.tab.sweep(w.now.Add(stateLife + time.Second))
	if _, got := w.tab.merge(w.say("a", nil), 0, w.now); got != taken {
		t.Errorf("after the others were forgotten: got %q", got)
	}
	first := certificateID(w.tab.only(t).der)
	for range 2 { // as after two renewals
		w.ids["a"] = w.again("a")
		w.learn("a")
	}
	if len(w.tab.signers) != 2 || w.tab.signers[first] != nil {
		t.Errorf("%d certificates of one node are held, the first of three among them: %v", len(w.tab.signers), w.tab.signers[first] != nil)
	}
	if _, got := w.tab.learn(make([]byte, identity.MaxCertificate+1), w.now); got != oversize {
		t.Errorf("a certificate too long: got %q, want %q", got, oversize)
	}
}

// A message of the greatest size, and memberlist's own around it, fits packetBytes: or it would never be sent.
func TestPacket(t *testing.T) {
	t.Parallel()
	ms := newMesh(t)
	a, b := ms.make("a", nil), ms.make("b", nil)
	most := 0
	send := a.socket.send
	a.socket.send = func(p []byte, to *net.UDPAddr) error {
		a.mu.Lock()
		most = max(most, len(p))
		a.mu.Unlock()
		return send(p, to)
	}
	a.start()
	b.cfg.Seeds = []string{a.Addr()}
	b.start()
	a.sees(3*time.Second, all(Alive, "a", "b"))
	a.queue.QueueBroadcast(&broadcast{name: "x", b: make([]byte, maxMessage)})
	a.until(3*time.Second, func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if most < maxMessage || most > packetBytes {
			return fmt.Errorf("largest packet has %d bytes, want more than %d and at most %d", most, maxMessage, packetBytes)
		}
		return nil
	})
	b.counts(2*time.Second, droppedStates, string(malformed), 0)
}

func TestKeysInOrder(t *testing.T) {
	n := newMesh(t).make("a", nil).closed()
	second, third := bytes.Repeat([]byte{2}, KeySize), bytes.Repeat([]byte{3}, KeySize)
	for name, err := range map[string]error{
		"short":       n.AddKey([]byte("short")),
		"use unknown": n.UseKey(second),
		"remove used": n.RemoveKey(n.cfg.Keys[0]),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for range 2 { // the second time changes nothing
		if err := n.AddKey(second); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.AddKey(third); err == nil {
		t.Error("a third key: taken")
	}
	for _, keys := range [][][]byte{nil, {second[:16]}, {second, third, n.cfg.Keys[0]}} {
		if _, err := newRing(keys); err == nil {
			t.Errorf("%d keys: taken", len(keys))
		}
	}
}

// Whatever comes from who has the key: no panic, and no node.
func FuzzMessage(f *testing.F) {
	n := newMesh(f).make("here", nil).closed()
	n.speak(&voice{}, false)
	for _, b := range n.queue.GetBroadcasts(0, packetBytes) {
		f.Add(b)
	}
	c, _ := proto.Marshal(&pb.MeshMessage{Certificate: []byte("x"), State: &pb.SignedState{}})
	f.Add(c)
	f.Fuzz(func(t *testing.T, b []byte) {
		gossip{n.Member}.NotifyMsg(b)
		gossip{n.Member}.MergeRemoteState(b, true)
		gossip{n.Member}.NotifyPingComplete(nodeNamed("b/0123456789abcdef"), time.Millisecond, b)
		if len(n.table.nodes) != 1 {
			t.Fatalf("%d nodes", len(n.table.nodes))
		}
	})
}

// FuzzState holds a state that is taken to be the same when it is written and read again.
func FuzzState(f *testing.F) {
	for _, s := range []*pb.NodeState{
		{Node: "a", Boot: 1, StartedMs: 1, Version: 1, Role: "edge", Coordinate: &pb.Coordinate{Vec: make([]float32, dimensions)}},
		{Node: "a", Boot: 1, StartedMs: 1, Version: 1, Part: 3, Announcements: []*pb.Announcement{announcement(1)}},
	} {
		b, err := proto.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b)
		if err != nil {
			return
		}
		again, err := proto.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseState(again)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, back, protocmp.Transform()); d != "" {
			t.Fatal(d)
		}
	})
}

// TestVersions holds the set of HashiCorp's modules that builds together: newer ones drop what raft's log store needs.
func TestVersions(t *testing.T) {
	b, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"memberlist v0.6.0", "serf v0.10.2", "go-metrics v0.6.0"} {
		if !strings.Contains(string(b), "github.com/hashicorp/"+want) {
			t.Errorf("go.mod does not have %s", want)
		}
	}
}
