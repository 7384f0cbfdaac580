package egress

import (
	"io"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// far is the far end of a part that runs in this process.
func far(t *testing.T, wg *sync.WaitGroup, name string) *pipe {
	t.Helper()
	in, toPart := io.Pipe()
	fromPart, out := io.Pipe()
	wg.Go(func() {
		if err := Part(t.Context(), name, in, out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = out.Close() // who still reads is told
	})
	t.Cleanup(func() { _ = toPart.Close() })
	return newPipe(fromPart, toPart)
}

// An edge sends fake viewers all that is written, heeds what they report, and sends again what they ask for.
func TestFakeViewers(t *testing.T) {
	const viewers = 40
	var wg sync.WaitGroup
	sinks, edge := far(t, &wg, PartSinks), far(t, &wg, PartEdge)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var ports sinksReady
	ok(sinks.say(sinksOrder{viewers}))
	ok(sinks.hear(&ports))
	var ready edgeReady
	ok(edge.say(edgeOrder{Viewers: ports.Ports, Shards: 2, Millis: 2000}))
	ok(edge.hear(&ready))
	if len(ports.Ports) != viewers || len(ready.Ports) != 2 {
		t.Fatalf("%d viewers at %d shards", len(ports.Ports), len(ready.Ports))
	}
	ok(sinks.say(feedbackOrder(ready)))
	ok(edge.say(struct{}{}))
	var found edgeFound
	ok(edge.hear(&found))
	ok(sinks.say(struct{}{}))
	var fed sinksFound
	ok(sinks.hear(&fed))
	wg.Wait()
	t.Logf("%+v, %+v", found, fed)
	if want := viewers * packetsASecond; found.Asked < want || found.Asked > 3*want {
		t.Errorf("%d packets were asked for in 2 s, want about %d", found.Asked, 2*want)
	}
	if found.Dropped != 0 || found.Sent < found.Asked*9/10 {
		t.Errorf("sent %d, dropped %d of %d", found.Sent, found.Dropped, found.Asked)
	}
	if fed.Reports < viewers || found.Reports == 0 || found.Resent == 0 {
		t.Errorf("%d reports; %d packets were asked for again, %d sent again", fed.Reports, found.Reports, found.Resent)
	}
}

// The floor sends the load, and what it costs is a plausible figure.
func TestFloor(t *testing.T) {
	s, err := newSink(0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(s.fd) }()
	f, err := newFloor([]uint16{s.port, s.port})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.close() }()
	f.round(packetsOf(1), videoSize)
	f.round(1, soundSize)
	if f.packets != 10 || f.refused != 0 {
		t.Errorf("%d packets, %d calls refused", f.packets, f.refused)
	}
	var b [2048]byte
	if n, _, err := unix.Recvfrom(s.fd, b[:], 0); n != videoSize || err != nil {
		t.Errorf("the first packet has %d bytes, want %d; %v", n, videoSize, err)
	}
}

// What was found is held to the goals.
func TestJudge(t *testing.T) {
	good := edgeFound{Asked: 1000, Sent: 1000, MicrosEach: 1.3, Cores: 1.7, RSS: 140e6}
	for _, row := range []struct {
		name   string
		change func(*edgeFound)
		missed string
	}{
		{"good", func(*edgeFound) {}, ""},
		{"dear", func(f *edgeFound) { f.MicrosEach = 1.5 }, "mix-ratio-7"},
		{"lossy", func(f *edgeFound) { f.Dropped = 6 }, "mix-sent-7"},
		{"busy", func(f *edgeFound) { f.Cores = 1.9 }, "mix-cores-7"},
		{"large", func(f *edgeFound) { f.RSS = 151e6 }, "mix-memory-7"},
	} {
		f := good
		row.change(&f)
		missed := ""
		for _, g := range judge(7, f, 1) {
			if !g.OK {
				missed += g.ID
			}
		}
		if missed != row.missed {
			t.Errorf("%s: missed %q, want %q", row.name, missed, row.missed)
		}
	}
}
