package member

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

func nodeNamed(name string) *memberlist.Node { return &memberlist.Node{Name: name} }

func TestMemberName(t *testing.T) {
	if got, want := memberName("edge-1", 0xab), "edge-1/00000000000000ab"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, want := range map[string]bool{
		"edge-1/00000000000000ab": true, "edge-1/00000000000000AB": false, "edge-1": false, "/00000000000000ab": false,
		"edge-1/ab": false, "edge-1/00000000000000ag": false, strings.Repeat("x", maxNode+1) + "/00000000000000ab": false,
	} {
		if node, id, ok := parseMember(name); ok != want || ok && (node != "edge-1" || id != 0xab) {
			t.Errorf("%s: got %s %x %v, want %v", name, node, id, ok, want)
		}
	}
}

func TestConfig(t *testing.T) {
	good := Config{Node: "a", Role: "edge", Listen: "127.0.0.1:0"}
	for name, f := range map[string]func(*Config){
		"listen without port":  func(c *Config) { c.Listen = "127.0.0.1" },
		"wildcard, no address": func(c *Config) { c.Listen = "0.0.0.0:7003" },
		"all, no address":      func(c *Config) { c.Listen = ":7003" },
		"seed without port":    func(c *Config) { c.Seeds = []string{"a"} },
	} {
		c := good
		f(&c)
		if c.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}

// What a node says is in the queue until it was sent, whatever is queued after it and however often it is replaced.
func TestQueue(t *testing.T) {
	for _, before := range [][]string{{"a", "a", "b", "c"}, {"a", "b", "a", "c", "b"}, {"a"}} {
		q := newQueue(func() int { return 5 })
		for round := range 3 {
			want := map[string]bool{}
			for _, name := range before {
				q.QueueBroadcast(&broadcast{name: name, b: []byte(name)})
				want[name] = true
			}
			for again := range tuned().RetransmitMult {
				got := map[string]bool{}
				for _, b := range q.GetBroadcasts(0, packetBytes) {
					got[string(b)] = true
				}
				if !maps.Equal(got, want) {
					t.Errorf("%v, round %d, packet %d: got %v", before, round, again, got)
				}
			}
		}
	}
}

// UDP and TCP get the same number, and a port that is taken is an error at once.
func TestListen(t *testing.T) {
	m := newMetrics(prometheus.NewRegistry())
	s, err := listen("127.0.0.1:0", "192.0.2.7:0", m)
	if err != nil {
		t.Fatal(err)
	}
	defer s.shut()
	if s.udp.LocalAddr().String() != s.tcp.Addr().String() {
		t.Errorf("UDP on %s, TCP on %s", s.udp.LocalAddr(), s.tcp.Addr())
	}
	if want := fmt.Sprintf("192.0.2.7:%d", s.port); s.address() != want {
		t.Errorf("advertises %s, want %s", s.address(), want)
	}
	if _, err := listen(s.tcp.Addr().String(), "", m); err == nil {
		t.Error("bound twice")
	}
	if _, err := listen("127.0.0.1:0", "example.org:1", m); err == nil {
		t.Error("a name is advertised")
	}
}

func TestPeers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "peers")
	p, started, err := loadPeers(file)
	if err != nil || started != 0 || len(p.known) != 0 {
		t.Fatalf("no file: %v, %d, %v", p.known, started, err)
	}
	now := time.Now()
	p.update(map[string]sighting{"a": {Alive, "127.0.0.1:1"}, "b": {Failed, "127.0.0.1:2"}, "c": {Suspect, "[::1]:3"}}, now)
	p.update(map[string]sighting{"a": {Failed, "127.0.0.1:1"}, "c": {Alive, "[::1]:3"}}, now)
	if err := p.save(17); err != nil {
		t.Fatal(err)
	}
	again, started, err := loadPeers(file)
	if err != nil || started != 17 || len(again.known) != 2 || again.known["c"].addr != "[::1]:3" {
		t.Fatalf("got %v, %d, %v", again.known, started, err)
	}
	again.update(map[string]sighting{"c": {Left, "[::1]:3"}}, now)
	if len(again.known) != 1 {
		t.Errorf("who left is kept: %v", again.known)
	}
	again.update(nil, now.Add(2*forgetPeer))
	if len(again.known) != 1 {
		t.Error("a node alone forgets whom it knew")
	}
	again.update(map[string]sighting{"d": {Alive, "127.0.0.1:4"}}, now.Add(2*forgetPeer))
	if len(again.known) != 1 || again.known["d"].addr == "" {
		t.Errorf("got %v, want d alone", again.known)
	}
	for i := range 2 * maxPeers {
		again.update(map[string]sighting{fmt.Sprint(i): {Alive, "127.0.0.1:1"}}, now)
	}
	if len(again.known) != maxPeers {
		t.Errorf("%d peers, want %d", len(again.known), maxPeers)
	}
	for _, bad := range []string{"\x00", "started x\n", "a 127.0.0.1\n", "a\n"} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := loadPeers(file); err == nil {
			t.Errorf("%q: taken", bad)
		}
	}
}

// memberlist may log as fast as it likes.
func TestScribe(t *testing.T) {
	var out lines
	now := time.Unix(1000, 0)
	var suspects []string
	s := &scribe{
		log: slog.New(slog.NewTextHandler(&out, nil)), m: newMetrics(prometheus.NewRegistry()),
		now: func() time.Time { return now }, suspect: func(name string) { suspects = append(suspects, name) },
	}
	for i := range 100 {
		fmt.Fprintf(s, "[WARN] memberlist: Got ping for unexpected node 'n%d/x' from=127.0.0.1:%d\n", i, i)
		fmt.Fprintf(s, "[DEBUG] memberlist: Stream connection from=127.0.0.1:%d\n", i)
	}
	fmt.Fprint(s, "[INFO] memberlist: Suspect b/0123456789abcdef has failed, no acks received\n")
	if got := strings.Count(out.String(), "unexpected"); got != lineRate {
		t.Errorf("%d lines of one message in a second, want %d", got, lineRate)
	}
	if strings.Contains(out.String(), "Stream connection") {
		t.Error("debug lines are written")
	}
	if len(suspects) != 1 || suspects[0] != "b/0123456789abcdef" {
		t.Errorf("suspects: %v", suspects)
	}
	now = now.Add(time.Second)
	fmt.Fprint(s, "[WARN] memberlist: Got ping for unexpected node 'n/x'\n")
	if got := strings.Count(out.String(), "unexpected"); got != lineRate+1 {
		t.Error("nothing is written in the next second")
	}
	for i := range 10 * maxLines {
		fmt.Fprintf(s, "[ERR] memberlist: %s happened\n", strings.Repeat("x", i+1))
	}
	if len(s.lines) > maxLines+1 {
		t.Errorf("%d kinds of lines are told apart", len(s.lines))
	}
}

// BenchmarkExchange merges what 1,000 nodes with a stream each have said: all new, as on a join; and the next of it again and
// again, all known, as every 30 s.
func BenchmarkExchange(b *testing.B) {
	ms := newMesh(b)
	from := newTable("from", boot{1, 1}, mustIssue(b, ms, "from"), newMetrics(prometheus.NewRegistry()))
	now := time.Now()
	for i := range 1000 {
		name := fmt.Sprintf("node-%04d", i)
		m := ms.make(name, nil).closed()
		m.facts = &pb.NodeState{Announcements: []*pb.Announcement{{Stream: "sample", Epoch: 1 << 60, Live: true, Hops: 2, Viewers: 500, Upstream: "hub-yul-1"}}}
		m.speak(&voice{}, false)
		for id, s := range m.table.signers {
			from.signers[id] = s
		}
		from.nodes[name] = m.table.nodes[name]
	}
	all := from.all(now)
	for _, known := range []bool{false, true} {
		b.Run(map[bool]string{false: "new", true: "known"}[known], func(b *testing.B) {
			to := ms.make("to", nil).closed()
			g := gossip{to.Member}
			b.ReportAllocs()
			b.SetBytes(int64(len(all)))
			for b.Loop() {
				if !known {
					to.table.nodes, to.table.signers = map[string]*held{}, map[string]*signer{}
				}
				g.MergeRemoteState(all, false)
			}
			if len(to.table.nodes) != 1000 {
				b.Fatalf("%d nodes", len(to.table.nodes))
			}
		})
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			from.all(now)
		}
	})
}

// BenchmarkSpeak is what a node with 16 streams does each second.
func BenchmarkSpeak(b *testing.B) {
	m := newMesh(b).make("a", nil).closed()
	m.facts = &pb.NodeState{}
	for i := range 16 {
		m.facts.Announcements = append(m.facts.Announcements, &pb.Announcement{Stream: fmt.Sprintf("stream-%d", i), Epoch: 1 << 60, Live: true, Upstream: "hub-yul-1"})
	}
	v := &voice{}
	b.ReportAllocs()
	for b.Loop() {
		m.speak(v, false)
	}
}

func mustIssue(t testing.TB, ms *mesh, name string) *identity.Identity {
	t.Helper()
	id, err := ms.ca.Issue(name, identity.RoleEdge)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
