package impair

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hear opens a listening socket at host, closed at the end of t.
func hear(t *testing.T, host string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// serveTCP runs a proxy before target until t ends.
func serveTCP(t *testing.T, cfg Config) *TCPProxy {
	t.Helper()
	p, err := NewTCP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	})
	return p
}

// call connects to addr.
func call(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * within))
	return c.(*net.TCPConn)
}

// take accepts the next connection.
func take(t *testing.T, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	_ = l.SetDeadline(time.Now().Add(within))
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * within))
	return c
}

// A line is a proxy with a connection through it, over which a byte has gone each way.
type line struct {
	*TCPProxy
	listener       *net.TCPListener
	client, target *net.TCPConn
}

func newLine(t *testing.T, cfg Config) *line {
	t.Helper()
	l := &line{listener: hear(t, "127.0.0.1")}
	cfg.Listen, cfg.Target = "127.0.0.1:0", l.listener.Addr().String()
	up, down := cfg.Up, cfg.Down
	cfg.Up, cfg.Down = Path{}, Path{}
	l.TCPProxy = serveTCP(t, cfg)
	l.client = call(t, l.Addr().String())
	l.target = take(t, l.listener)
	say(t, l.client, ".")
	hears(t, l.target, ".")
	say(t, l.target, ".")
	hears(t, l.client, ".")
	until(t, "all is counted", func() bool { up, down := l.Stats(); return up.Out.Bytes == 1 && down.Out.Bytes == 1 })
	l.Set(up, down)
	return l
}

// say writes text; it may be called from any goroutine.
func say(t *testing.T, c *net.TCPConn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Errorf("say %q: %v", text, err)
	}
}

// hears waits for text, and returns how long that took.
func hears(t *testing.T, c *net.TCPConn, text string) time.Duration {
	t.Helper()
	start := time.Now()
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
		t.Fatalf("heard %q, %v, want %q", b, err, text)
	}
	return time.Since(start)
}

// silent holds that c hears nothing for d.
func silent(t *testing.T, c *net.TCPConn, d time.Duration) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(d))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("heard %d bytes, %v, want nothing", n, err)
	}
	_ = c.SetDeadline(time.Now().Add(2 * within))
}

// broken holds that c is reset before it hears anything more.
func broken(t *testing.T, c *net.TCPConn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("heard %d bytes, %v, want a reset", n, err)
	}
}

// TestTCPDelay: what is said comes one way later, never earlier; opening takes a round trip.
func TestTCPDelay(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			l := hear(t, host)
			p := serveTCP(t, Config{
				Listen: net.JoinHostPort(host, "0"), Target: l.Addr().String(),
				Up: Path{Delay: 20 * time.Millisecond}, Down: Path{Delay: 30 * time.Millisecond},
			})
			start := time.Now()
			client := call(t, p.Addr().String())
			say(t, client, "first")
			target := take(t, l)
			if took := time.Since(start); took < 20*time.Millisecond {
				t.Errorf("dialled after %v, want 20 ms", took)
			}
			hears(t, target, "first")
			if took := time.Since(start); took < 70*time.Millisecond {
				t.Errorf("heard after %v, want 20 ms and 30 ms and 20 ms", took)
			}
			least := within
			for range 10 {
				start := time.Now()
				say(t, client, "ping")
				hears(t, target, "ping")
				if took := time.Since(start); took < 20*time.Millisecond {
					t.Errorf("up took %v, want 20 ms", took)
				}
				say(t, target, "pong")
				hears(t, client, "pong")
				least = min(least, time.Since(start))
			}
			t.Logf("the fastest round trip took %v", least)
			if least < 50*time.Millisecond || least > 60*time.Millisecond {
				t.Errorf("the fastest round trip took %v, want 50 to 60 ms", least)
			}
			until(t, "11 pieces of 45 bytes and 10 of 40 are counted", func() bool {
				up, down := p.Stats()
				return up == Stats{In: Count{11, 45}, Out: Count{11, 45}} && down == Stats{In: Count{10, 40}, Out: Count{10, 40}}
			})
		})
	}
}

// TestTCPWhole: whatever the path, all bytes come, in order, both ways at once, and the ends pass.
func TestTCPWhole(t *testing.T) {
	bad := Path{Delay: 2 * time.Millisecond, Jitter: 5 * time.Millisecond, Reorder: true, Loss: 0.002, Rate: 100_000_000}
	l := newLine(t, Config{Up: bad, Down: bad, Seed: 4})
	const size = 2 << 20
	sums := make(chan [2][32]byte, 2)
	exchange := func(c *net.TCPConn, seed byte) {
		data := make([]byte, size)
		_, _ = rand.NewChaCha8([32]byte{seed}).Read(data)
		done := make(chan error, 1)
		go func() {
			_, err := c.Write(data)
			done <- errors.Join(err, c.CloseWrite())
		}()
		got, err := io.ReadAll(c)
		if err := errors.Join(err, <-done); err != nil || len(got) != size {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, size)
		}
		sums <- [2][32]byte{sha256.Sum256(data), sha256.Sum256(got)}
	}
	go exchange(l.client, 1)
	go exchange(l.target, 2)
	a, b := <-sums, <-sums
	if a[0] != b[1] || a[1] != b[0] {
		t.Error("what came is not what was sent")
	}
	until(t, "the connection has ended", func() bool { now, _ := l.Connections(); return now == 0 })
	up, down := l.Stats() // of a connection that has ended: complete
	if up.Out.Bytes != size+1 || down.Out.Bytes != size+1 || up.Lost.Packets == 0 || down.Lost.Packets == 0 {
		t.Errorf("stats %+v and %+v, want %d bytes out each and some lost", up, down, size+1)
	}
}

// TestTCPRate: connections share one rate.
func TestTCPRate(t *testing.T) {
	l := newLine(t, Config{Up: Path{Rate: 8_000_000}})
	second := call(t, l.Addr().String())
	other := take(t, l.listener)
	const size = 200_000 // 400,000 together: 0.4 s, and 4 % more for headers
	start := time.Now()
	go say(t, l.client, strings.Repeat("a", size))
	go say(t, second, strings.Repeat("b", size))
	done := make(chan error, 2)
	for _, c := range []*net.TCPConn{l.target, other} {
		go func() {
			_, err := io.ReadFull(c, make([]byte, size))
			done <- err
		}()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 400*time.Millisecond || took > 1200*time.Millisecond {
		t.Errorf("400 kB at 8 Mbit/s took %v, want some 414 ms", took)
	}
}

// TestTCPCut: nothing passes, all is open, and after the cut all comes, new connections too.
func TestTCPCut(t *testing.T) {
	l := newLine(t, Config{Up: Path{Cut: true}, Down: Path{Cut: true}})
	say(t, l.client, "up")
	say(t, l.target, "down")
	late := call(t, l.Addr().String())
	say(t, late, "late")
	silent(t, l.target, 150*time.Millisecond)
	silent(t, l.client, 150*time.Millisecond)
	if now, _ := l.Connections(); now != 2 {
		t.Errorf("%d connections, want 2", now)
	}
	if up, down := l.Stats(); up.Cut != (Count{1, 2}) || down.Cut != (Count{1, 4}) || up.Out.Bytes+down.Out.Bytes != 2 {
		t.Errorf("stats %+v and %+v, want a piece of 2 and one of 4 bytes cut, no more out than before", up, down)
	}
	l.Set(Path{}, Path{})
	hears(t, l.target, "up")
	hears(t, l.client, "down")
	hears(t, take(t, l.listener), "late")
}

// TestTCPCutOneWay: the other way goes on; an end waits for the heal like bytes do.
func TestTCPCutOneWay(t *testing.T) {
	l := newLine(t, Config{Up: Path{Cut: true}})
	say(t, l.client, "up")
	l.client.CloseWrite()
	for range 3 {
		say(t, l.target, "down")
		hears(t, l.client, "down")
	}
	silent(t, l.target, 150*time.Millisecond)
	l.Set(Path{}, Path{Cut: true})
	hears(t, l.target, "up")
	if n, err := l.target.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("heard %d bytes, %v, want the end", n, err)
	}
	say(t, l.target, "down")
	silent(t, l.client, 150*time.Millisecond)
	l.Set(Path{}, Path{})
	hears(t, l.client, "down")
}

// TestTCPUnderWay: what was let in before a cut arrives in it.
func TestTCPUnderWay(t *testing.T) {
	l := newLine(t, Config{Up: Path{Delay: 200 * time.Millisecond}})
	say(t, l.client, "before")
	until(t, "it is on its way", func() bool { up, _ := l.Stats(); return up.In.Packets == 2 })
	l.Set(Path{Cut: true}, Path{})
	say(t, l.client, "after")
	hears(t, l.target, "before")
	silent(t, l.target, 100*time.Millisecond)
}

// TestTCPReset: a connection that breaks at one end breaks at the other, one way later.
func TestTCPReset(t *testing.T) {
	const delay = 50 * time.Millisecond
	t.Run("by the client", func(t *testing.T) {
		l := newLine(t, Config{Up: Path{Delay: delay}})
		start := time.Now()
		reset(l.client)
		broken(t, l.target)
		if took := time.Since(start); took < delay {
			t.Errorf("told after %v, want %v", took, delay)
		}
	})
	t.Run("by a target that has gone", func(t *testing.T) {
		l := newLine(t, Config{Down: Path{Delay: delay}})
		l.target.Close() // its end of the connection: the client may still write, and then is told
		if n, err := l.client.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Fatalf("heard %d bytes, %v, want the end", n, err)
		}
		start := time.Now()
		for told := error(nil); told == nil; {
			if _, told = l.client.Write([]byte("x")); time.Since(start) > within {
				t.Fatal("not told that nobody listens")
			}
		}
		if took := time.Since(start); took < delay {
			t.Errorf("told after %v, want %v", took, delay)
		}
		until(t, "the connection has ended", func() bool { now, _ := l.Connections(); return now == 0 })
		if up, _ := l.Stats(); up.Failed.Packets == 0 || up.In.Bytes != up.Out.Bytes+up.Failed.Bytes {
			t.Errorf("%+v, want some failed, and all told of", up)
		}
	})
	t.Run("by nobody there", func(t *testing.T) {
		l := hear(t, "127.0.0.1")
		l.Close()
		p := serveTCP(t, Config{Listen: "127.0.0.1:0", Target: l.Addr().String(), Down: Path{Delay: delay}})
		start := time.Now()
		broken(t, call(t, p.Addr().String()))
		if took := time.Since(start); took < delay {
			t.Errorf("told after %v, want %v", took, delay)
		}
	})
	t.Run("by a rebinding", func(t *testing.T) {
		l := newLine(t, Config{Up: Path{Cut: true}, Down: Path{Cut: true}})
		l.Rebind()
		broken(t, l.client)
		broken(t, l.target)
	})
}

// TestTCPPressure: who sends to someone who does not read is held up, and nothing is lost by it.
func TestTCPPressure(t *testing.T) {
	l := newLine(t, Config{})
	_ = l.target.SetReadBuffer(tcpBuffer)
	_ = l.client.SetWriteBuffer(tcpBuffer)
	block := bytes.Repeat([]byte("pressure"), 8<<10)
	sent := 0
	for {
		_ = l.client.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := l.client.Write(block)
		sent += n
		if err != nil {
			break
		}
		if sent > 64<<20 {
			t.Fatalf("%d bytes sent, and nobody read any", sent)
		}
	}
	up, _ := l.Stats()
	if held := up.In.Bytes - up.Out.Bytes; held > (window+2)*segmentSize {
		t.Errorf("%d bytes under way, want %d at most", held, (window+2)*segmentSize)
	}
	l.client.CloseWrite()
	if n, err := io.Copy(io.Discard, l.target); err != nil || n != int64(sent) {
		t.Errorf("%d bytes came, %v, want %d", n, err, sent)
	}
}

// TestTCPRefuses: one connection too many is reset and counted, and there is room again after one has gone.
func TestTCPRefuses(t *testing.T) {
	l := newLine(t, Config{})
	for range maxClients - 1 {
		call(t, l.Addr().String())
		take(t, l.listener)
	}
	broken(t, call(t, l.Addr().String()))
	if now, refused := l.Connections(); now != maxClients || refused != 1 {
		t.Errorf("%d connections, %d refused, want %d and 1", now, refused, maxClients)
	}
	reset(l.client)
	until(t, "one has gone", func() bool { now, _ := l.Connections(); return now == maxClients-1 })
	next := call(t, l.Addr().String())
	say(t, next, "room")
	hears(t, take(t, l.listener), "room")
}

func TestNewTCPRefuses(t *testing.T) {
	taken := hear(t, "127.0.0.1").Addr().String()
	socket := hear(t, "127.0.0.1")
	free := socket.Addr().String()
	socket.Close()
	for _, row := range []struct {
		cfg  Config
		want string
	}{
		{Config{Listen: "127.0.0.1:0", Target: "127.0.0.1:1", Up: Path{Loss: 2}}, "up: loss: want a share"},
		{Config{Listen: "127.0.0.1:0", Target: "127.0.0.1:1", Down: Path{Delay: -1}}, "down: delay: want 0"},
		{Config{Listen: "127.0.0.1:0"}, "target: want HOST:PORT"},
		{Config{Listen: "127.0.0.1:0", Target: "127.0.0.1:0"}, "target: want HOST:PORT"},
		{Config{Listen: free, Target: free}, "target: " + free + " is where the proxy itself listens"},
		{Config{Listen: "127.0.0.1:0", Target: "here"}, "target: address here: missing port"},
		{Config{Listen: "here", Target: "127.0.0.1:1"}, "listen: address here: missing port"},
		{Config{Listen: taken, Target: "127.0.0.1:1"}, "listen: listen tcp " + taken},
	} {
		if _, err := NewTCP(row.cfg); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %s…", row.cfg, err, row.want)
		}
	}
}
