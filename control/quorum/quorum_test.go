package quorum

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/proto"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

func TestThreeAgree(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	f := c.follower()
	changed := f.Changed()
	r := c.apply(f, placing("a", "origin-1", 0))
	if r.Err() != nil || r.Number != 1 {
		t.Fatalf("placed: %+v", r)
	}
	if r := c.apply(f, placing("a", "origin-2", 0)); !errors.Is(r.Err(), Refusal(pb.Verdict_VERDICT_STALE)) || r.Number != 1 {
		t.Errorf("placed again: %+v, %v", r, r.Err())
	}
	for _, n := range c.nodes {
		s, err := n.Read(c.within(5 * time.Second))
		if err != nil || s.Placements["a"].GetEpoch() != 1 {
			t.Errorf("%s reads %v, %v", n.name, s.Placements["a"], err)
		}
		if err := n.Ready(); err != nil {
			t.Errorf("%s: %v", n.name, err)
		}
	}
	c.same()
	select {
	case <-changed:
	default:
		t.Error("a change that nobody was told of")
	}
	if got := testutil.ToFloat64(f.m.writes.WithLabelValues(string(writeDone))); got != 1 {
		t.Errorf("%v writes done are counted, want 1", got)
	}
	c.until("its peers answer", func() bool {
		s := f.Status()
		return s.State == "follower" && s.Leader == c.leader().name && len(s.Peers) == 2 && s.Peers[0].Answers && s.Peers[1].Answers
	})
}

// The request decides whether an entry is taken again, not who brings it.
func TestSameRequest(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	e := placing("a", "origin-1", 0)
	e.Request = []byte("0123456789abcdef")
	first := c.apply(c.leader(), e)
	if second := c.apply(c.follower(), e); second != first {
		t.Errorf("%+v, then %+v", first, second)
	}
}

func TestRefusedBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.leader()
	before := n.Status().Last
	for _, e := range []*pb.Entry{
		{}, {Request: []byte("short"), Body: setting("a", "b").Body}, setting("a", string(make([]byte, ledger.MaxEntry))),
	} {
		if _, err := n.Apply(c.within(time.Second), e); !errors.Is(err, ledger.ErrMalformed) {
			t.Errorf("%v, want malformed", err)
		}
	}
	newer := setting("a", "b")
	newer.Version = ledger.Version + 1
	if _, err := n.Apply(c.within(time.Second), newer); !errors.Is(err, ErrTooNew) {
		t.Errorf("%v, want ErrTooNew", err)
	}
	// What a node of a newer release forwards is not for this leader.
	newer.Request = make([]byte, 16)
	a := n.answer(c.within(time.Second), &pb.QuorumCall{Body: &pb.QuorumCall_Apply{Apply: newer}})
	if got := a.GetRefused().GetFailure(); got != pb.Failure_FAILURE_TOO_NEW {
		t.Errorf("%v, want too new", got)
	}
	if now := n.Status().Last; now != before {
		t.Errorf("the log has %d entries, and had %d", now, before)
	}
}

// tooNew is an entry that a newer release has written.
func tooNew(t *testing.T) []byte {
	e := setting("a", "newer")
	e.Version, e.Request = ledger.Version+1, make([]byte, 16)
	b, err := proto.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A node that meets an entry of a newer release says so, keeps what it has, is not ready, and hides nothing of it in a
// snapshot, so that a newer release goes on where it stopped.
func TestEntryOfNewerRelease(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	c.apply(c.leader(), setting("a", "b"))
	c.same()
	before := c.snapshot(c.leader())
	if err := c.leader().raft.Load().Apply(tooNew(t), time.Second).Error(); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		for _, n := range c.nodes {
			c.until("it has stopped", func() bool { return errors.Is(n.Ready(), ErrTooNew) })
			if string(c.snapshot(n)) != string(before) {
				t.Errorf("%s: the ledger is another", n.name)
			}
			if _, err := n.machine.Snapshot(); !errors.Is(err, ErrTooNew) {
				t.Errorf("%s: a snapshot is made: %v", n.name, err)
			}
			if got := n.metric("freshet_quorum_stopped"); got != 1 {
				t.Errorf("%s: freshet_quorum_stopped is %v, want 1", n.name, got)
			}
			if n.State().Settings["a"] == nil {
				t.Errorf("%s: it says nothing any more", n.name)
			}
		}
	}
	check()
	_, err := c.nodes["c2"].Apply(c.within(300*time.Millisecond), setting("x", "y"))
	if !errors.Is(err, ErrTooNew) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write: %v, want ErrTooNew when its time is over", err)
	}
	for name, n := range c.nodes {
		c.end(n)
		c.start(name)
	}
	check()
}

// A node that cannot follow does not lead.
func TestStoppedLeaderHandsOver(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	old := c.leader()
	old.machine.mu.Lock()
	old.machine.stop(errors.Join(ledger.ErrTooNew, errors.New("test")))
	old.machine.mu.Unlock()
	r, err := old.Apply(c.within(10*time.Second), setting("a", "b"))
	if err != nil || r.Err() != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if c.leader() == old {
		t.Error("it still leads")
	}
	if _, err := old.Read(c.within(5 * time.Second)); !errors.Is(err, ErrTooNew) {
		t.Errorf("it reads: %v, want ErrTooNew", err)
	}
}

// A node that was away for longer than the log reaches back is given a snapshot.
func TestSnapshotIsInstalled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s: make unit-long")
	}
	t.Parallel()
	c := newCluster(t, 3)
	away := c.follower()
	c.kill(away)
	for _, name := range c.running() {
		r := c.nodes[name].raft.Load()
		cfg := r.ReloadableConfig()
		cfg.TrailingLogs = 4
		if err := r.ReloadConfig(cfg); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		c.apply(c.leader(), placing("a", []string{"o1", "o2"}[i%2], uint64(i)))
	}
	for _, name := range c.running() {
		if err := c.nodes[name].raft.Load().Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
	}
	c.apply(c.leader(), setting("a", "b"))
	back := c.revive(away.name)
	c.until("it has all", func() bool { return back.State().Placements["a"].GetEpoch() == 50 && back.State().Settings["a"] != nil })
	c.same()
	// It can be started again from that.
	c.end(back)
	c.start(away.name)
	c.same()
}

func TestMalformedSnapshotIsRefused(t *testing.T) {
	m := newMachine(discard())
	m.ApplyBatch([]*raft.Log{{Index: 7, Data: entryBytes(t, setting("a", "b"))}})
	for _, b := range [][]byte{[]byte("garbage"), {0x08, 0x00}, nil} {
		if err := m.Restore(&reader{b}); !errors.Is(err, ledger.ErrMalformed) {
			t.Errorf("%x: %v, want malformed", b, err)
		}
	}
	if m.index() != 7 || m.trouble() != nil {
		t.Errorf("at %d, %v: want what it had before", m.index(), m.trouble())
	}
	if err := m.Restore(&reader{[]byte{0x08, ledger.Version + 1}}); !errors.Is(err, ErrTooNew) || !errors.Is(m.trouble(), ErrTooNew) {
		t.Errorf("%v, %v: want ErrTooNew", err, m.trouble())
	}
	if m.view().Settings["a"] == nil {
		t.Error("the old state is gone")
	}
}

// A node whose only snapshot is broken does not start with nothing.
func TestBrokenSnapshotOnDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.leader()
	c.apply(n, setting("a", "b"))
	if err := n.raft.Load().Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	c.end(n)
	files, err := filepath.Glob(filepath.Join(c.dir, "c1", "snapshots", "*", "state.bin"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := c.built("c1")
	if err := again.Run(t.Context()); err == nil {
		t.Fatal("it runs")
	}
}

// Two processes on one directory would vote twice.
func TestOneProcessADirectory(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.leader()
	second := c.built("c1")
	if err := second.Run(t.Context()); err == nil {
		t.Error("a second one runs on the same log")
	}
}

// The side of a partition that has a majority goes on; the other neither acknowledges nor reads anything.
func TestPartition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cut  func(net *network, leader string, others []string)
	}{
		{"cut off", func(n *network, l string, others []string) { n.isolate(l, others...) }},
		{"hears nobody", func(n *network, l string, others []string) { n.cutWay(others[0], l); n.cutWay(others[1], l) }},
		{"is not heard", func(n *network, l string, others []string) { n.cutWay(l, others[0]); n.cutWay(l, others[1]) }},
	} {
		t.Run(c.name, func(t *testing.T) { partition(t, c.cut) })
	}
}

func partition(t *testing.T, cut func(net *network, leader string, others []string)) {
	c := newCluster(t, 3)
	old := c.leader()
	c.apply(old, placing("a", "origin-1", 0))
	cut(c.net, addrOf(old.name), c.others(old.name))
	var other *node
	for _, name := range c.running(old.name) {
		other = c.nodes[name]
	}
	from := time.Now()
	if r := c.apply(other, placing("a", "origin-2", 1)); r.Number != 2 {
		t.Errorf("%+v, want epoch 2", r)
	}
	t.Logf("written after %v", time.Since(from).Round(time.Millisecond))
	if r, err := old.Apply(c.within(time.Second), placing("a", "origin-3", 1)); err == nil && r.Err() == nil {
		t.Errorf("the old leader has acknowledged %+v", r)
	}
	if s, err := old.Read(c.within(time.Second)); err == nil && s.Placements["a"].GetEpoch() < 2 {
		t.Errorf("the old leader reads epoch %d", s.Placements["a"].GetEpoch())
	}
	c.net.mendAll()
	s, err := old.Read(c.within(10 * time.Second))
	if err != nil || s.Placements["a"].GetOrigin() != "origin-2" {
		t.Errorf("healed, it reads %v, %v", s.Placements["a"], err)
	}
	c.same()
}

// A node that was down for a while has caught up soon after, whatever Raft thinks of it by then.
func TestBackSoon(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	c := newCluster(t, 3)
	away := c.follower()
	c.crash(away)
	// Raft alone would try again after 5.1 s, and then after 10.2 s.
	until := time.Now().Add(6 * time.Second)
	for i := 0; time.Now().Before(until); i++ {
		c.apply(c.leaderBut(away), setting("a", string(rune('a'+i%26))))
		during(t.Context(), 50*time.Millisecond)
	}
	want := c.leaderBut(away).machine.index()
	away = c.revive(away.name)
	c.until("it runs", func() bool { return away.raft.Load() != nil })
	from := time.Now()
	c.until("it is caught up", func() bool { return away.machine.index() >= want })
	if took := time.Since(from); took > 2*time.Second {
		t.Errorf("caught up after %v, want 2 s at most", took)
	}
}

// While the disk of a leader is full another leads; while all are, nothing is written.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	old := c.leader()
	c.full.Store(old.name, true)
	c.until("another leads", func() bool { return c.leader() != old })
	if got := old.metric("freshet_quorum_disk_full"); got != 1 {
		t.Errorf("freshet_quorum_disk_full is %v, want 1", got)
	}
	if !errors.Is(old.Ready(), ErrDiskFull) {
		t.Errorf("ready: %v, want ErrDiskFull", old.Ready())
	}
	if r := c.apply(old, setting("a", "b")); r.Err() != nil {
		t.Errorf("%+v", r)
	}
	for name := range c.nodes {
		c.full.Store(name, true)
	}
	c.until("all are full", func() bool {
		for _, n := range c.nodes {
			if n.Ready() == nil {
				return false
			}
		}
		return true
	})
	if _, err := c.leader().Apply(c.within(5*time.Second), setting("a", "c")); !errors.Is(err, ErrDiskFull) {
		t.Errorf("%v, want ErrDiskFull", err)
	}
	if _, err := c.follower().Apply(c.within(5*time.Second), setting("a", "c")); !errors.Is(err, ErrDiskFull) {
		t.Errorf("from a follower: %v, want ErrDiskFull", err)
	}
	c.full.Clear()
	c.until("there is room", func() bool { return c.leader().Ready() == nil })
	c.apply(c.leader(), setting("a", "c"))
}

func TestUsed(t *testing.T) {
	if u, err := used(t.TempDir()); err != nil || u <= 0 || u > 1 {
		t.Errorf("%v, %v", u, err)
	}
	if _, err := used("/nowhere"); err == nil {
		t.Error("a directory that is not there has room")
	}
}

// What is no call ends its connection, is counted, and harms nobody.
func TestGarbage(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	n := c.leader()
	r := rand.New(rand.NewPCG(1, 1))
	for _, protocol := range []string{CallALPN, RaftALPN} {
		for i := range 20 {
			conn, err := c.net.line("stranger:1", protocol).Dial(t.Context(), addrOf("c1"))
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 1+r.IntN(2000))
			for j := range b {
				b[j] = byte(r.Uint32())
			}
			if i == 0 && protocol == CallALPN {
				b = binary.AppendUvarint(nil, 1<<40) // a message of a terabyte
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = conn.Write(b)
			_ = conn.Close()
		}
	}
	c.until("it is counted", func() bool { return testutil.ToFloat64(n.m.refused.WithLabelValues(string(refusedMalformed))) > 0 })
	c.apply(n, setting("a", "b"))
}

func TestConfig(t *testing.T) {
	good := Config{Node: "c1", Advertise: "c1:1", Dir: "x"}
	for _, bad := range []Config{
		{Advertise: good.Advertise, Dir: good.Dir}, {Node: good.Node, Dir: good.Dir}, {Node: good.Node, Advertise: "c1", Dir: good.Dir},
		{Node: good.Node, Advertise: good.Advertise},
	} {
		if _, err := New(bad, Deps{Log: discard(), Metrics: prometheus.NewRegistry(), Now: time.Now}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	q, err := New(good, Deps{Log: discard(), Metrics: prometheus.NewRegistry(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := q.Apply(ctx, setting("a", "b")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before Run: %v", err)
	}
	close(q.closed)
	if _, err := q.Apply(t.Context(), setting("a", "b")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Run: %v", err)
	}
}
