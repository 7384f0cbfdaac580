package impair

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// TestLinks runs two links through steps: each at its time, on the link that it names.
func TestLinks(t *testing.T) {
	target, client := listen(t, "127.0.0.1"), listen(t, "127.0.0.1")
	s, err := ParseScenario([]byte(strings.ReplaceAll(`
[[link]]
name = "a"
listen = "127.0.0.1:0"
target = "TARGET"
up = { delay = "1ms" }
[[link]]
name = "b"
listen = "127.0.0.1:0"
target = "TARGET"
[[step]]
at = "0s"
link = "b"
down = { loss = "1%" }
[[step]]
at = "1s"
link = "a"
up = { loss = "2%" }
rebind = true
[[step]]
at = "1050ms"
up = { cut = true }
`, "TARGET", target.LocalAddr().String())))
	if err != nil {
		t.Fatal(err)
	}
	links, err := NewLinks(*s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	start := time.Now()
	links.Report(start)
	go func() { done <- links.Run(ctx) }()
	defer cancel()

	a, b := links.proxies[0].(*Proxy), links.proxies[1]
	send(t, client, a.Addr(), 1, 100)
	first, _ := receive(t, target)
	send(t, client, a.Addr(), 2, 100)
	receive(t, target)
	until(t, "the second step", func() bool { up, _ := a.Paths(); return up.Loss > 0 })
	if took := time.Since(start); took < time.Second {
		t.Errorf("the second step came after %v, want 1 s", took)
	}
	until(t, "the last step", func() bool { up, _ := b.Paths(); return up.Cut })
	r := links.Total(start.Add(2 * time.Second))
	ra, rb := r.Links[0], r.Links[1]
	for _, row := range []struct{ what, got, want string }{
		{"a up", ra.Up.Path.String(), "cut"}, {"a down", ra.Down.Path.String(), "clear"},
		{"b up", rb.Up.Path.String(), "cut"}, {"b down", rb.Down.Path.String(), "loss 1%"},
	} {
		if row.got != row.want {
			t.Errorf("%s is %q, want %q", row.what, row.got, row.want)
		}
	}
	if up := ra.Up; up.Out != (Count{2, 200}) || up.Bitrate != 800 || ra.Clients != 1 || rb.Clients != 0 {
		t.Errorf("total %+v, want 2 packets at 800 bit/s, 1 client of a, none of b", r)
	}

	// The rebinding of the second step took hold of a.
	a.Set(Path{}, Path{})
	send(t, client, a.Addr(), 3, 100)
	if got, _ := receive(t, target); got.from == first.from {
		t.Errorf("the client is still at %v", got.from)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}

// TestLinksTCP: a link of TCP takes the same steps.
func TestLinksTCP(t *testing.T) {
	target := hear(t, "127.0.0.1")
	s, err := ParseScenario([]byte(strings.ReplaceAll(`
[[link]]
name = "control"
network = "tcp"
listen = "127.0.0.1:0"
target = "TARGET"
[[step]]
at = "0s"
up = { delay = "10ms" }
[[step]]
at = "500ms"
rebind = true
`, "TARGET", target.Addr().String())))
	if err != nil {
		t.Fatal(err)
	}
	links, err := NewLinks(*s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	start := time.Now()
	links.Report(start)
	go func() { done <- links.Run(ctx) }()
	defer cancel()
	p := links.proxies[0]
	until(t, "the first step", func() bool { up, _ := p.Paths(); return up.Delay > 0 })
	client := call(t, p.Addr().String())
	say(t, client, "here")
	far := take(t, target)
	hears(t, far, "here")
	broken(t, client) // by the second step
	broken(t, far)
	if took := time.Since(start); took < 500*time.Millisecond {
		t.Errorf("the second step came after %v, want 500 ms", took)
	}
	until(t, "the connection has ended", func() bool { return links.Total(time.Now()).Links[0].Clients == 0 })
	if r := links.Total(time.Now()).Links[0]; r.Network != TCP || r.Up.Out != (Count{1, 4}) || r.Up.Path.String() != "delay 10ms" {
		t.Errorf("total %+v, want a piece of 4 bytes on a TCP link of 10 ms", r)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}

// TestNewLinksUndoes: where one link cannot be, none stays.
func TestNewLinksUndoes(t *testing.T) {
	free := listen(t, "127.0.0.1")
	addr := free.LocalAddr().String()
	free.Close()
	_, err := NewLinks(Scenario{Links: []Link{
		{"a", UDP, Config{Listen: addr, Target: "127.0.0.1:1"}}, {"b", UDP, Config{Listen: addr, Target: "127.0.0.1:1"}},
	}})
	if err == nil || !strings.HasPrefix(err.Error(), `link "b": listen: `) {
		t.Fatalf("%v, want that b has no address", err)
	}
	links, err := NewLinks(Scenario{Links: []Link{{"a", UDP, Config{Listen: addr, Target: "127.0.0.1:1"}}}})
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	links.proxies[0].discard()
}

// TestLinksSeeds: no two links have the same luck, nor the two directions of one.
func TestLinksSeeds(t *testing.T) {
	cfg := Config{Listen: "127.0.0.1:0", Target: "127.0.0.1:1"}
	links, err := NewLinks(Scenario{Seed: 5, Links: []Link{{"a", UDP, cfg}, {"b", UDP, cfg}}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for _, p := range links.proxies {
		seen[p.(*Proxy).up.wire.draws.Uint64()] = true
		seen[p.(*Proxy).down.wire.draws.Uint64()] = true
		p.discard()
	}
	if len(seen) != 4 {
		t.Errorf("%d different draws of 4 directions", len(seen))
	}
}

func TestWriteReport(t *testing.T) {
	count := func(n uint64) Count { return Count{n, 100 * n} }
	link := LinkReport{
		Name: "ocean", Listen: "127.0.0.1:9000", Target: "127.0.0.1:8091", Clients: 256, Evicted: 2,
		Up: WayReport{Path: Path{Delay: 50 * time.Millisecond, Jitter: time.Millisecond, Loss: 0.02, Burst: 5}, Bitrate: 4_200_000,
			Stats: Stats{In: count(450), Out: count(440), Lost: count(9), Overflowed: count(1)}},
		Down: WayReport{Path: Path{Rate: 2_000_000, Buffer: time.Second}, Stats: Stats{In: count(3), Cut: count(2), Failed: count(1), Missed: 4}},
	}
	for _, row := range []struct {
		name string
		r    Report
		json bool
		want string
	}{
		{"first", Report{Links: []LinkReport{link}}, false, "ocean listens on 127.0.0.1:9000 for 127.0.0.1:8091\n"},
		{"total", Report{Elapsed: time.Second, Final: true, Links: []LinkReport{link}}, false, "" +
			"  total  ocean  up        450 in     440 out    4.200 Mbit/s, 9 lost, 1 overflowed | delay 50ms, jitter 1ms, loss 2% in runs of 5\n" +
			"  total  ocean  down        3 in       0 out    0.000 Mbit/s, 2 cut, 1 FAILED, 4 MISSED | rate 2Mbit, buffer 1s\n" +
			"  total  ocean  more than 256 clients: 2 gave way to others\n"},
		{"tcp", Report{Elapsed: time.Second, Links: []LinkReport{{Name: "c", Network: TCP, Refused: 3}}}, false, "" +
			"   1.0s  c  up          0 in       0 out    0.000 Mbit/s | clear\n" +
			"   1.0s  c  down        0 in       0 out    0.000 Mbit/s | clear\n" +
			"   1.0s  c  more than 256 connections: 3 refused\n"},
		{"json", Report{Elapsed: 1500 * time.Millisecond, Links: []LinkReport{link}}, true, `{"elapsed_s":1.5,"final":false,"links":[` +
			`{"name":"ocean","listen":"127.0.0.1:9000","target":"127.0.0.1:8091","clients":256,"evicted":2,` +
			`"up":{"path":"delay 50ms, jitter 1ms, loss 2% in runs of 5","bitrate":4200000,"in":{"packets":450,"bytes":45000},"out":{"packets":440,"bytes":44000},` +
			`"lost":{"packets":9,"bytes":900},"overflowed":{"packets":1,"bytes":100},"cut":{"packets":0,"bytes":0},"failed":{"packets":0,"bytes":0},"missed":0},` +
			`"down":{"path":"rate 2Mbit, buffer 1s","bitrate":0,"in":{"packets":3,"bytes":300},"out":{"packets":0,"bytes":0},` +
			`"lost":{"packets":0,"bytes":0},"overflowed":{"packets":0,"bytes":0},"cut":{"packets":2,"bytes":200},"failed":{"packets":1,"bytes":100},"missed":4}}]}` + "\n"},
	} {
		var b bytes.Buffer
		if err := WriteReport(&b, row.r, row.json); err != nil {
			t.Fatal(err)
		}
		if b.String() != row.want {
			t.Errorf("%s: got\n%swant\n%s", row.name, b.String(), row.want)
		}
	}
}
