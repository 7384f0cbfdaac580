package impair

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a proxy before target until t ends.
func serve(t *testing.T, cfg Config) *Proxy {
	t.Helper()
	p, err := New(cfg)
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

// listen opens a socket at host, closed at the end of t.
func listen(t *testing.T, host string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadBuffer(socketBuffer)
	t.Cleanup(func() { c.Close() })
	return c
}

const within = 5 * time.Second // far beyond any delay under test

// A parcel is what tests send: a number, and when it was sent.
type parcel struct {
	number int
	sent   time.Time
	from   netip.AddrPort
}

var begun = time.Now()

// send may be called from any goroutine.
func send(t *testing.T, from *net.UDPConn, to netip.AddrPort, number, size int) {
	t.Helper()
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(number))
	binary.BigEndian.PutUint64(b[4:], uint64(time.Since(begun)))
	if _, err := from.WriteToUDPAddrPort(b, to); err != nil {
		t.Errorf("send %d: %v", number, err)
	}
}

// receive waits for the next packet, and returns it and how long it was under way.
func receive(t *testing.T, at *net.UDPConn) (parcel, time.Duration) {
	t.Helper()
	p, took, err := receiveBy(at, time.Now().Add(within))
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return p, took
}

func receiveBy(at *net.UDPConn, deadline time.Time) (parcel, time.Duration, error) {
	var b [packetSize]byte
	_ = at.SetReadDeadline(deadline)
	n, from, err := at.ReadFromUDPAddrPort(b[:])
	now := time.Now()
	if err != nil {
		return parcel{}, 0, err
	}
	if n < 12 {
		return parcel{}, 0, fmt.Errorf("%d bytes", n)
	}
	p := parcel{int(binary.BigEndian.Uint32(b[:])), begun.Add(time.Duration(binary.BigEndian.Uint64(b[4:]))), from}
	return p, now.Sub(p.sent), nil
}

// until waits for cond by the deadline.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func TestBothWays(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			target, client := listen(t, host), listen(t, host)
			p := serve(t, Config{
				Listen: net.JoinHostPort(host, "0"), Target: target.LocalAddr().String(),
				Up: Path{Delay: 20 * time.Millisecond}, Down: Path{Delay: 30 * time.Millisecond},
			})
			for i := range 10 {
				send(t, client, p.Addr(), i, 1200)
				got, took := receive(t, target)
				if got.number != i || took < 20*time.Millisecond {
					t.Fatalf("up: packet %d after %v, want %d after 20 ms", got.number, took, i)
				}
				send(t, target, got.from, i, 1200)
				got, took = receive(t, client)
				if got.number != i || took < 30*time.Millisecond || got.from != p.Addr() {
					t.Fatalf("down: packet %d from %v after %v, want %d from %v after 30 ms", got.number, got.from, took, i, p.Addr())
				}
			}
			up, down := p.Stats()
			ten := Count{10, 12_000}
			if want := (Stats{In: ten, Out: ten}); up != want || down != want {
				t.Errorf("stats %+v and %+v, want %+v", up, down, want)
			}
		})
	}
}

// pair is a proxy with a target behind it and a client that the target knows.
type pair struct {
	*Proxy
	target, client *net.UDPConn
	outer          netip.AddrPort // the client's, on the target's side
}

func newPair(t *testing.T, cfg Config) *pair {
	t.Helper()
	s := &pair{target: listen(t, "127.0.0.1"), client: listen(t, "127.0.0.1")}
	cfg.Listen, cfg.Target = "127.0.0.1:0", s.target.LocalAddr().String()
	up, down := cfg.Up, cfg.Down
	cfg.Up, cfg.Down = Path{}, Path{}
	s.Proxy = serve(t, cfg)
	send(t, s.client, s.Addr(), 0, 12)
	got, _ := receive(t, s.target)
	s.outer = got.from
	s.Set(up, down)
	return s
}

// TestLossOnSockets: what was sent came, or was counted.
func TestLossOnSockets(t *testing.T) {
	s := newPair(t, Config{Up: Path{Loss: 0.1, Burst: 3, Delay: 5 * time.Millisecond}, Seed: 9})
	const n = 2000
	go func() {
		for i := range n {
			send(t, s.client, s.Addr(), i, 200)
			if i%50 == 49 {
				time.Sleep(time.Millisecond) // a pace that any socket keeps
			}
		}
	}()
	until(t, "all packets are told of", func() bool {
		up, _ := s.Stats()
		return up.In.Packets == n+1 && up.Out.Packets+up.Lost.Packets == n+1
	})
	up, _ := s.Stats()
	if share := float64(up.Lost.Packets) / n; share < 0.05 || share > 0.15 {
		t.Errorf("lost %v, want some 0.1", share)
	}
	last := -1
	for range up.Out.Packets - 1 {
		got, _ := receive(t, s.target)
		if got.number <= last {
			t.Fatalf("packet %d after %d", got.number, last)
		}
		last = got.number
	}
}

// TestRateOnSockets: all clients share one rate.
func TestRateOnSockets(t *testing.T) {
	s := newPair(t, Config{Up: Path{Rate: 4_000_000, Buffer: time.Second}})
	other := listen(t, "127.0.0.1")
	const size, n = 1000 - overhead4, 50 // 2 ms each
	start := time.Now()
	for i := range n {
		send(t, s.client, s.Addr(), i, size)
		send(t, other, s.Addr(), i, size)
	}
	for range 2 * n {
		receive(t, s.target)
	}
	if took := time.Since(start); took < 200*time.Millisecond || took > time.Second {
		t.Errorf("100 packets of 2 ms took %v, want 200 ms", took)
	}
}

func TestCutOneWay(t *testing.T) {
	s := newPair(t, Config{Down: Path{Cut: true}})
	send(t, s.target, s.outer, 1, 100)
	until(t, "the packet is cut", func() bool {
		_, down := s.Stats()
		return down.Cut == Count{1, 100}
	})
	send(t, s.client, s.Addr(), 2, 100)
	if got, _ := receive(t, s.target); got.number != 2 {
		t.Errorf("up came %d, want 2", got.number)
	}
	s.Set(Path{}, Path{})
	send(t, s.target, s.outer, 3, 100)
	if got, _ := receive(t, s.client); got.number != 3 {
		t.Errorf("down came %d, want 3: the first that is not cut", got.number)
	}
}

func TestLiveChange(t *testing.T) {
	s := newPair(t, Config{Up: Path{Delay: 500 * time.Millisecond}})
	if up, down := s.Paths(); up != (Path{Delay: 500 * time.Millisecond}) || down != (Path{}) {
		t.Errorf("paths %+v and %+v", up, down)
	}
	send(t, s.client, s.Addr(), 1, 100)
	until(t, "the packet is on its way", func() bool { up, _ := s.Stats(); return up.In.Packets == 2 })
	s.Set(Path{Reorder: true}, Path{})
	send(t, s.client, s.Addr(), 2, 100)
	if got, took := receive(t, s.target); got.number != 2 || took > 400*time.Millisecond {
		t.Errorf("packet %d after %v, want 2 at once", got.number, took)
	}
	if got, took := receive(t, s.target); got.number != 1 || took < 500*time.Millisecond {
		t.Errorf("packet %d after %v, want 1 after 500 ms, as when it was sent", got.number, took)
	}
	defer func() {
		if recover() == nil {
			t.Error("a path that cannot be was taken")
		}
	}()
	s.Set(Path{Loss: 2}, Path{})
}

func TestRebind(t *testing.T) {
	s := newPair(t, Config{Up: Path{Delay: 500 * time.Millisecond}})
	send(t, s.client, s.Addr(), 1, 100)
	until(t, "the packet is on its way", func() bool { up, _ := s.Stats(); return up.In.Packets == 2 })
	s.Rebind()
	got, _ := receive(t, s.target)
	if got.number != 1 || got.from == s.outer {
		t.Errorf("packet %d from %v, want 1 from another address than %v", got.number, got.from, s.outer)
	}
	send(t, s.target, s.outer, 2, 100) // to nobody
	send(t, s.target, got.from, 3, 100)
	if got, _ := receive(t, s.client); got.number != 3 {
		t.Errorf("down came %d, want 3", got.number)
	}
	if now, evicted := s.Clients(); now != 1 || evicted != 0 {
		t.Errorf("%d clients, %d evicted, want 1 and 0", now, evicted)
	}
}

// TestClients: one client too many takes the place of the one that has been silent for longest.
func TestClients(t *testing.T) {
	s := newPair(t, Config{})
	second := listen(t, "127.0.0.1")
	send(t, second, s.Addr(), 1, 12)
	silent, _ := receive(t, s.target)
	send(t, s.target, s.outer, 2, 12) // the first was heard of after the second
	receive(t, s.client)
	for i := range maxClients - 1 {
		c := listen(t, "127.0.0.1")
		send(t, c, s.Addr(), i, 12)
		receive(t, s.target)
	}
	if now, evicted := s.Clients(); now != maxClients || evicted != 1 {
		t.Errorf("%d clients, %d evicted, want %d and 1", now, evicted, maxClients)
	}
	send(t, s.client, s.Addr(), 3, 12)
	if got, _ := receive(t, s.target); got.from != s.outer {
		t.Errorf("the first client has another address: %v, had %v", got.from, s.outer)
	}
	send(t, second, s.Addr(), 4, 12)
	if got, _ := receive(t, s.target); got.number != 4 || got.from == silent.from {
		t.Errorf("packet %d of the second client from %v, want 4 from a new address", got.number, got.from)
	}
}

// TestTooLarge: a datagram that no path carries is dropped and counted, and no other with it.
func TestTooLarge(t *testing.T) {
	s := newPair(t, Config{})
	send(t, s.client, s.Addr(), 1, packetSize+1)
	send(t, s.client, s.Addr(), 2, packetSize)
	if got, _ := receive(t, s.target); got.number != 2 {
		t.Errorf("packet %d came, want 2", got.number)
	}
	if up, _ := s.Stats(); up.Failed.Packets != 1 || up.In.Packets != 3 {
		t.Errorf("%+v, want 3 in and 1 failed", up)
	}
}

// TestDeadTarget: nobody there, then somebody: the proxy goes on.
func TestDeadTarget(t *testing.T) {
	s := newPair(t, Config{})
	addr := s.target.LocalAddr().(*net.UDPAddr)
	s.target.Close()
	for i := range 100 {
		send(t, s.client, s.Addr(), i, 100)
	}
	until(t, "all were tried", func() bool { up, _ := s.Stats(); return up.Out.Packets+up.Failed.Packets == 101 })
	again, err := net.ListenUDP("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	send(t, s.client, s.Addr(), 200, 100)
	got, _ := receive(t, again)
	if got.number != 200 || got.from != s.outer {
		t.Errorf("packet %d from %v, want 200 from %v", got.number, got.from, s.outer)
	}
}

// TestRefusal: the error that ICMP brings about one packet does not cost the next.
func TestRefusal(t *testing.T) {
	nobody := listen(t, "127.0.0.1")
	nobody.Close()
	o, err := dial(nobody.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer o.conn.Close()
	var out outbox
	for i := range 10 {
		p := numbered(i, 100)
		if out.write(o.batch, []*packet{p}, false); !p.sent {
			t.Errorf("packet %d was not sent", i)
		}
	}
}

// TestMissed: what the socket could not hold is not lost in silence.
func TestMissed(t *testing.T) {
	if controlSize == 0 {
		t.Skip("this system does not tell")
	}
	target, client := listen(t, "127.0.0.1"), listen(t, "127.0.0.1")
	p, err := New(Config{Listen: "127.0.0.1:0", Target: target.LocalAddr().String()})
	if err != nil {
		t.Fatal(err)
	}
	_ = p.front.SetReadBuffer(1) // the least that the kernel gives
	const n = 100
	for i := range n {
		send(t, client, p.Addr(), i, 1200)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	until(t, "what was held is through", func() bool { up, _ := p.Stats(); return up.Out.Packets > 0 && up.Out == up.In })
	send(t, client, p.Addr(), n, 1200) // the count comes with what follows
	until(t, "the rest is counted", func() bool { up, _ := p.Stats(); return up.Missed+up.In.Packets == n+1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if up, _ := p.Stats(); up.Missed == 0 {
		t.Errorf("%+v: none missed", up)
	}
}

func TestNewRefuses(t *testing.T) {
	taken := listen(t, "127.0.0.1").LocalAddr().String()
	socket := listen(t, "127.0.0.1")
	free := socket.LocalAddr().String()
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
		{Config{Listen: taken, Target: "127.0.0.1:1"}, "listen: listen udp " + taken},
	} {
		if _, err := New(row.cfg); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %s…", row.cfg, err, row.want)
		}
	}
}

// TestDirect: where there is nothing to wait for, the reader's goroutine sends.
func TestDirect(t *testing.T) {
	for _, row := range []struct {
		path    Path
		sending bool // an older packet is not out yet
		want    uint64
	}{{Path{}, false, 1}, {Path{Loss: 0.000001}, false, 1}, {Path{Delay: 1}, false, 0}, {Path{}, true, 0}} {
		l, err := newLane(newWire(1, 1, overhead4, row.path), func(_ *outbox, list []*packet) { list[0].sent = true })
		if err != nil {
			t.Fatal(err)
		}
		defer l.alarm.close()
		l.sending = row.sending
		l.put([]*packet{numbered(0, 100)}, 0, new(outbox))
		if got := l.stats().Out.Packets; got != row.want {
			t.Errorf("%v, sending %v: %d packets out at once, want %d", row.path, row.sending, got, row.want)
		}
	}
}

// TestLaneAllocs: a packet on its way through a lane costs no memory but its own, from the pool.
func TestLaneAllocs(t *testing.T) {
	made, fresh := 0, packets.New
	packets.New = func() any { made++; return new(packet) }
	defer func() { packets.New = fresh }()
	const batches = 200
	for _, path := range []Path{{}, {Delay: time.Nanosecond}} {
		l, err := newLane(newWire(1, 1, overhead4, path), func(_ *outbox, list []*packet) {
			for _, p := range list {
				p.sent = true
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer l.alarm.close()
		var out outbox
		var c client
		list, due := make([]*packet, 0, batchSize), make([]*packet, 0, batchSize)
		allocs := testing.AllocsPerRun(1, func() {
			made = 0
			for range batches {
				list = list[:0]
				for range batchSize {
					p := packets.Get().(*packet)
					p.n, p.client = 1000, &c
					list = append(list, p)
				}
				l.put(list, 0, &out)
				for due = l.take(due); len(due) > 0; due = l.take(due) {
					l.send(nil, due)
				}
			}
		})
		if own := int(allocs) - made; own > batches/10 {
			t.Errorf("%+v: %d allocs in %d batches, want none", path, own, batches)
		}
		if st := l.stats(); st.Out.Packets != 2*batches*batchSize {
			t.Errorf("%+v: %d packets out, want %d", path, st.Out.Packets, 2*batches*batchSize)
		}
	}
}
