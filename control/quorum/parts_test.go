package quorum

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/proto"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func entryBytes(t testing.TB, e *pb.Entry) []byte {
	t.Helper()
	e.Version, e.Request = ledger.Version, make([]byte, 16)
	b, err := proto.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A reader is a snapshot that comes in.
type reader struct{ b []byte }

func (r *reader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

func (*reader) Close() error { return nil }

// alone is a quorum that does not run.
func alone(t testing.TB, dial func(context.Context, string) (net.Conn, error)) *Quorum {
	t.Helper()
	q, err := New(Config{Node: "c1", Advertise: "c1:1", Dir: t.TempDir()},
		Deps{Log: discard(), Metrics: prometheus.NewRegistry(), Calls: Line{Dial: dial}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Raft's log is heard up to 10 lines a second of each message, and the rest counted.
func TestLogIsSampled(t *testing.T) {
	q := alone(t, nil)
	var b bytes.Buffer
	now := time.Unix(1000, 0)
	l := newLogger(slog.New(slog.NewTextHandler(&b, nil)), q.m, func() time.Time { return now })
	for range 50 {
		l.Error("no answer", "peer", "c2")
		l.Named("x").With("a", 1).Info("other", "n", hclog.Fmt("%d", 7))
		l.Debug("not heard at all")
	}
	if n := strings.Count(b.String(), "no answer"); n != linesPerSecond {
		t.Errorf("%d lines of one message, want %d", n, linesPerSecond)
	}
	if n := strings.Count(b.String(), "\n"); n != 2*linesPerSecond {
		t.Errorf("%d lines, want %d", n, 2*linesPerSecond)
	}
	if got := testutil.ToFloat64(q.m.unsaid); got != 80 {
		t.Errorf("%v lines are counted as unsaid, want 80", got)
	}
	now = now.Add(time.Second)
	l.Error("no answer", "peer", "c2")
	if n := strings.Count(b.String(), "no answer"); n != linesPerSecond+1 {
		t.Errorf("nothing is heard in the next second")
	}
	if !strings.Contains(b.String(), "level=WARN") || strings.Contains(b.String(), "level=ERROR") {
		t.Errorf("an error of Raft's is handled, and a warning: %s", b.String()[:100])
	}
	for i := range 2 * maxMessages {
		l.Info(fmt.Sprint("message ", i))
	}
}

// Who sends half a call, or nothing, does not keep its connection.
func TestSlowCaller(t *testing.T) {
	for _, c := range []struct {
		name string
		sent []byte
		want time.Duration
	}{{"nothing", nil, idleIn}, {"half a call", []byte{100, 1, 2}, messageWait}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := alone(t, nil)
				mine, there := net.Pipe()
				begun := time.Now()
				done := make(chan time.Duration)
				go func() {
					q.hear(t.Context(), there)
					done <- time.Since(begun)
				}()
				if c.sent != nil {
					if _, err := mine.Write(c.sent); err != nil {
						t.Error(err)
					}
				}
				if took := <-done; took != c.want {
					t.Errorf("closed after %v, want %v", took, c.want)
				}
				_ = mine.Close()
			})
		})
	}
}

// A call that gets no answer ends with its context, and its connection with it; one that was answered is used again.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		dialled, answering := 0, true
		dial := func(ctx context.Context, addr string) (net.Conn, error) {
			mu.Lock()
			dialled++
			mu.Unlock()
			mine, there := net.Pipe()
			go func() {
				w := newWire(there)
				for {
					if err := w.receive(&pb.QuorumCall{}); err != nil {
						_ = there.Close()
						return
					}
					mu.Lock()
					a := answering
					mu.Unlock()
					if a {
						_ = w.send(&pb.QuorumAnswer{Body: &pb.QuorumAnswer_Changed{Changed: &pb.Changed{}}})
					}
				}
			}()
			return mine, nil
		}
		p := newPool(dial)
		call := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := p.call(ctx, "c2:1", &pb.QuorumCall{})
			return err
		}
		for range 5 {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		}
		if dialled != 1 {
			t.Errorf("%d connections for calls one after the other, want 1", dialled)
		}
		time.Sleep(idleOut) // by the bubble's clock
		if err := call(); err != nil || dialled != 2 {
			t.Errorf("%v, %d connections: one that was idle for long is used", err, dialled)
		}
		mu.Lock()
		answering = false
		mu.Unlock()
		begun := time.Now()
		if err := call(); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("%v after %v, want a deadline after 1 s", err, time.Since(begun))
		}
		mu.Lock()
		answering = true
		mu.Unlock()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := call(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(p.idle["c2:1"]); n > maxIdle {
			t.Errorf("%d connections wait, want %d at most", n, maxIdle)
		}
		p.close()
		if err := call(); err != nil {
			t.Errorf("after close: %v", err)
		}
		if len(p.idle) != 0 {
			t.Error("a connection is kept after close")
		}
	})
}

// A layer takes so many connections, and none is left when it closes.
func TestLayer(t *testing.T) {
	n := newNetwork(t)
	q := alone(t, nil)
	there, here := newLayer(n.line("c1:1", RaftALPN), "c1:1", q.m), newLayer(n.line("c2:1", RaftALPN), "c2:1", q.m)
	var all sync.WaitGroup
	accepted := make(chan net.Conn, maxRaftConns)
	all.Go(func() {
		for {
			c, err := there.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	})
	var conns []net.Conn
	for range maxRaftConns {
		c, err := here.Dial("c1:1", 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	one, err := here.Dial("c1:1", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_ = one.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := one.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one too many: %v, want EOF", err)
	}
	if got := testutil.ToFloat64(q.m.refused.WithLabelValues(string(refusedRaftFull))); got != 1 {
		t.Errorf("%v are counted, want 1", got)
	}
	_ = there.Close()
	all.Wait()
	for range maxRaftConns {
		c := <-accepted
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a connection outlives its layer")
		}
		_ = c.Close()
	}
	there.wait()
	for _, c := range append(conns, one) {
		_ = c.Close()
		_ = c.Close() // twice is once
	}
	_ = here.Close()
	here.wait()
	if _, err := here.Dial("c1:1", time.Second); err == nil {
		t.Error("a layer that has closed dials")
	}
}

// Errors are on the other side of the line what they were on this.
func TestFailures(t *testing.T) {
	for f, err := range failures {
		if got := failureOf(fmt.Errorf("x: %w", err)); got != f {
			t.Errorf("%v: %v, want %v", err, got, f)
		}
	}
	for n := range pb.Failure_name {
		f := pb.Failure(n)
		if got := failureOf(errorOf(f)); f != pb.Failure_FAILURE_UNSPECIFIED && got != f {
			t.Errorf("%v comes out as %v", f, got)
		}
		if f != pb.Failure_FAILURE_UNSPECIFIED && failures[f] == nil {
			t.Errorf("%v has no error", f)
		}
	}
}
