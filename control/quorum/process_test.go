package quorum

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/bench/report"
	pb "freshet/proto"
)

// childEnv has this test's program run one control node, which the variable names, instead of tests.
const childEnv = "FRESHET_TEST_QUORUM_NODE"

// socket is where the node at addr listens; a folder stands for the network.
func socket(dir, addr, protocol string) string {
	return filepath.Join(dir, addr+"."+filepath.Base(filepath.Dir(protocol)))
}

func unixLine(dir, addr, protocol string) (Line, error) {
	l := Line{Dial: func(ctx context.Context, to string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket(dir, to, protocol))
	}}
	at := socket(dir, addr, protocol)
	if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
		return l, err // a node that was killed has left it
	}
	var err error
	l.Listener, err = net.Listen("unix", at)
	return l, err
}

// child is one control node in a process of its own, until standard input ends.
func child(name string) error {
	dir := os.Getenv(childEnv + "_DIR")
	raftLine, err := unixLine(dir, addrOf(name), RaftALPN)
	if err != nil {
		return err
	}
	calls, err := unixLine(dir, addrOf(name), CallALPN)
	if err != nil {
		return err
	}
	q, err := New(
		Config{Node: name, Advertise: addrOf(name), Dir: filepath.Join(dir, name), Bootstrap: name == "c1"},
		Deps{Log: discard(), Metrics: prometheus.NewRegistry(), Raft: raftLine, Calls: calls, Now: time.Now})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return q.Run(ctx)
}

// A process is a control node that can be killed and frozen.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// A group is three of them that vote, and a fourth node in this process, which does not.
type group struct {
	testing.TB
	dir  string
	all  map[string]*process
	asks *Quorum
}

func newGroup(t testing.TB) *group {
	dir, err := os.MkdirTemp("", "q") // short: a socket's path has 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	g := &group{TB: t, dir: dir, all: map[string]*process{}}
	t.Cleanup(func() {
		for _, p := range g.all {
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
			_ = p.stdin.Close()
			_ = p.cmd.Wait()
		}
		_ = os.RemoveAll(dir)
	})
	for _, name := range []string{"c1", "c2", "c3"} {
		g.start(name)
	}
	raftLine, err := unixLine(dir, addrOf("asks"), RaftALPN)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := unixLine(dir, addrOf("asks"), CallALPN)
	if err != nil {
		t.Fatal(err)
	}
	g.asks, err = New(
		Config{Node: "asks", Advertise: addrOf("asks"), Dir: filepath.Join(dir, "asks"), Seeds: []string{addrOf("c1")}},
		Deps{Log: discard(), Metrics: prometheus.NewRegistry(), Raft: raftLine, Calls: calls, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- g.asks.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"c2", "c3", "asks"} {
		if err := g.asks.Join(g.within(20*time.Second), name, addrOf(name)); err != nil {
			t.Fatal(err)
		}
	}
	g.until("it follows", func() bool { return g.asks.Ready() == nil })
	g.until("all three have all", func() bool { return g.follow(3) })
	return g
}

func (g *group) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	g.Cleanup(cancel)
	return ctx
}

func (g *group) until(what string, ok func() bool) {
	g.Helper()
	late := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(late) {
			g.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (g *group) start(name string) {
	g.Helper()
	self, err := os.Executable()
	if err != nil {
		g.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+name, childEnv+"_DIR="+g.dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		g.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		g.Fatal(err)
	}
	g.all[name] = &process{cmd, stdin}
}

// probe asks name how it is, nil where it does not say.
func (g *group) probe(name string) *pb.ProbeAnswer {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	a, err := g.asks.pool.call(ctx, addrOf(name), &pb.QuorumCall{Body: &pb.QuorumCall_Probe{Probe: &pb.ProbeCall{}}})
	if err != nil {
		return nil
	}
	return a.GetProbe()
}

// follow says whether n nodes vote and all have the same log.
func (g *group) follow(n int) bool {
	last := map[uint64]bool{}
	for name := range g.all {
		p := g.probe(name)
		if p == nil || p.Voters != uint32(n) {
			return false
		}
		last[p.Last] = true
	}
	return len(last) == 1
}

// leader returns who says that it leads.
func (g *group) leader() string {
	g.Helper()
	is := ""
	g.until("a leader", func() bool {
		for name := range g.all {
			if p := g.probe(name); p != nil && p.Leads {
				is = name
				return true
			}
		}
		return false
	})
	return is
}

// A leader whose process is killed, or frozen and goes on later, is replaced within 2 s; what it had acknowledged stays,
// and what it believes when it wakes up harms nobody (R6, R8, R21).
func TestProcessDeath(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long: make unit-long")
	}
	deaths := 6
	if testing.Short() {
		deaths = 2
	}
	for _, death := range []string{"kill", "freeze"} {
		t.Run(death, func(t *testing.T) {
			before := report.ReadCounters()
			g := newGroup(t)
			var took []time.Duration
			var epoch uint64
			write := func() {
				t.Helper()
				r, err := g.asks.Apply(g.within(20*time.Second), placing("a", []string{"o1", "o2"}[epoch%2], epoch))
				if err != nil || r.Err() != nil || r.Number != epoch+1 {
					t.Fatalf("%+v, %v: want epoch %d", r, err, epoch+1)
				}
				epoch = r.Number
			}
			for range deaths {
				for range 20 {
					write()
				}
				name := g.leader()
				dead := g.all[name]
				signal := syscall.SIGKILL
				if death == "freeze" {
					signal = syscall.SIGSTOP
				}
				if err := dead.cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				from := time.Now()
				write()
				took = append(took, time.Since(from))
				for range 20 {
					write()
				}
				if death == "freeze" {
					// What it is asked while it is frozen it answers when it wakes up, as the leader that it was.
					stale := make(chan *pb.QuorumAnswer, 1)
					go func() {
						a, _ := g.asks.pool.call(g.within(10*time.Second), addrOf(name), &pb.QuorumCall{Body: &pb.QuorumCall_Read{Read: &pb.ReadCall{}}})
						stale <- a
					}()
					during(t.Context(), 50*time.Millisecond) // so that the question waits there
					if err := dead.cmd.Process.Signal(syscall.SIGCONT); err != nil {
						t.Fatal(err)
					}
					if a := <-stale; a.GetRead() != nil {
						t.Errorf("%s reads as the leader that it was: %v", name, a)
					}
				} else {
					_ = dead.cmd.Wait()
					_ = dead.stdin.Close()
					g.start(name)
				}
				g.until("it follows", func() bool { return g.follow(3) })
			}
			if most, void := line(t, "R6", death, took, before); most > 2*time.Second {
				if void {
					t.Skipf("VOID: %v without writes, on a machine more than 90 %% busy", most)
				}
				t.Errorf("%v without writes, want 2 s at most", most)
			}
			if death == "kill" { // all at once
				for _, p := range g.all {
					_ = p.cmd.Process.Kill()
				}
				for name, p := range g.all {
					_ = p.cmd.Wait()
					_ = p.stdin.Close()
					g.start(name)
				}
				from := time.Now()
				write()
				line(t, "R21", death, []time.Duration{time.Since(from)}, before)
				if took := time.Since(from); took > 5*time.Second {
					t.Errorf("back after %v, want 5 s at most", took)
				}
			}
		})
	}
}
