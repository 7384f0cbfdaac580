package egress

import (
	"context"
	"encoding/binary"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"freshet/edge/estimate"
)

// shortFloor is enough to see that a bare loop runs.
const shortFloor = 20 * time.Millisecond

// fewProcesses is a crew whose parts are processes of the test's own binary.
func fewProcesses(t *testing.T) *crew {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &crew{start: processes(binary, t.Output()), tell: t.Logf, shards: 2}
}

// few measures a, and checks that the edge sent what it should and took what it was told.
func few(t *testing.T, a audience) *finding {
	t.Helper()
	f, err := fewProcesses(t).measure(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v; sinks: %d reports, %d NACKs", f.edge.Windows, f.sinks.Reports, f.sinks.Nacks)
	dropped, hostile, switches := f.edge.sum(func(w window) int { return w.Dropped }), f.edge.sum(func(w window) int { return w.Hostile }), f.edge.sum(func(w window) int { return w.Switches })
	if dropped != 0 || hostile != 0 || switches != 0 {
		t.Errorf("%d packets dropped, %d hostile, %d viewers went elsewhere: want 0", dropped, hostile, switches)
	}
	taken, unknown := f.edge.sum(func(w window) int { return w.Feedbacks }), f.edge.sum(func(w window) int { return w.Unknown })
	if a.key > 0 && taken > 0 {
		t.Errorf("%d feedbacks were taken of viewers who give none", taken)
	} else if a.key == 0 && taken < a.viewers/2 || unknown > taken*packetsASecond/4 { // a busy machine tells some too early
		t.Errorf("%d feedbacks taken of %d viewers, %d packets of them unknown", taken, a.viewers, unknown)
	}
	seconds := (time.Duration(a.windows) * a.each).Seconds()
	asked, sent := f.edge.sum(func(w window) int { return w.Asked }), f.edge.sum(func(w window) int { return w.Sent })
	if sent < asked*9/10 {
		t.Errorf("sent %d of %d packets", sent, asked)
	}
	if want := float64(a.viewers*packetsASecond) * seconds; float64(asked) < want*.8 || float64(asked) > want*1.6 {
		t.Errorf("%d packets were asked for in %v s, want about %v", asked, seconds, want)
	}
	if len(f.floors) != 2 || len(f.edge.Windows) != a.windows {
		t.Fatalf("%d floors and %d windows, want 2 and %d", len(f.floors), len(f.edge.Windows), a.windows)
	}
	return f
}

// An edge sends fake viewers all that is written, heeds what they report, and sends again what they ask for.
func TestMix(t *testing.T) {
	t.Parallel()
	f := few(t, audience{viewers: 40, windows: 2, each: 800 * time.Millisecond, floor: shortFloor})
	nacks, resent := f.edge.sum(func(w window) int { return w.Nacks }), f.edge.sum(func(w window) int { return w.Resent })
	if f.sinks.Nacks == 0 || nacks == 0 || resent == 0 {
		t.Errorf("%d NACKs sent, %d packets asked for, %d sent again: want some", f.sinks.Nacks, nacks, resent)
	}
	results := mixResults("40", f)
	for i, id := range mixIDs("40") {
		if v, ok := results[i].Value("value"); results[i].ID != id || !ok || v <= 0 {
			t.Errorf("result %d: got %v, want %s with a value", i, results[i], id)
		}
	}
}

// Viewers who know only AES-CM get the same, and their reports open.
func TestCM(t *testing.T) {
	t.Parallel()
	a := cmAudience(20, 1500*time.Millisecond)
	a.floor = shortFloor
	f := few(t, a)
	results := cmResults(f)
	for i, id := range cmIDs {
		if v, ok := results[i].Value("value"); results[i].ID != id || !ok || v <= 0 {
			t.Errorf("result %d: got %v, want %s with a value", i, results[i], id)
		}
	}
}

// Watched viewers say when large key frames came, and sound about them.
func TestKeyFrame(t *testing.T) {
	t.Parallel()
	a := keyAudience(16, 2, 2600*time.Millisecond)
	f := few(t, a)
	results, err := keyResults("keyframe", 2, f)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range keyIDs("keyframe") {
		if results[i].ID != id {
			t.Errorf("result %d is %s, want %s", i, results[i].ID, id)
		}
		t.Log(results[i])
	}
	if got, _ := results[5].Value("value"); got != 1 {
		t.Errorf("key frames came to %v of those watched, want all", got)
	}
	if watching, _ := results[5].Value("watched"); watching != 8 {
		t.Errorf("%v watched, want 8", watching)
	}
	if missing, ok := results[4].Value("missing"); !ok || missing != 0 {
		t.Errorf("%v of the sound is missing", missing)
	}
	for i := range 2 { // spreads of few viewers: over nothing, and not seconds
		if v, _ := results[i].Value("value"); v <= 0 || v > 1000 {
			t.Errorf("%s: %v ms", results[i].ID, v)
		}
	}
}

// The floor sends the load, and what it costs is a plausible figure.
func TestFloor(t *testing.T) {
	s, err := newSink(0, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(s.fd) }()
	f, err := newFloor([]uint16{s.port, s.port}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.close() }()
	f.round(packetsOf(1), 0)
	f.round(0, 1)
	if f.packets != 10 || f.refused != 0 {
		t.Errorf("%d packets, %d calls refused", f.packets, f.refused)
	}
	var b [2048]byte
	if n, _, err := unix.Recvfrom(s.fd, b[:], 0); n != videoSize || err != nil {
		t.Errorf("the first packet has %d bytes, want %d; %v", n, videoSize, err)
	}
	f.packets = 0
	for n := range framesASecond / 2 { // a second: two frames a call
		f.frame(n)
	}
	if want := 2 * packetsASecond; f.packets != want {
		t.Errorf("a second of frames has %d packets to two viewers, want %d", f.packets, want)
	}
	f.packets = 0
	for n := range 5 {
		f.tick(n)
	}
	if want := 2 * packetsASecond; f.packets != want {
		t.Errorf("a second of ticks has %d packets to two viewers, want %d", f.packets, want)
	}
	f.packets = 0
	f.round(keyPackets, 0)
	if f.packets != 2*keyPackets || f.refused != 0 {
		t.Errorf("a key frame: %d packets, %d calls refused", f.packets, f.refused)
	}
}

// What was found is held to the goals.
func TestMixGoals(t *testing.T) {
	good := window{Seconds: 1, Asked: 1000, Sent: 1003, MicrosEach: 1.3, Cores: 1.7, RSS: 140e6, Feedbacks: 7}
	for _, row := range []struct {
		name   string
		change func(*finding)
		missed string
	}{
		{"good", func(*finding) {}, ""},
		{"dear", func(f *finding) { f.edge.Windows[0].MicrosEach = 1.5 }, "mix-ratio-7"},
		{"lossy", func(f *finding) { f.edge.Windows[0].Dropped = 6 }, "mix-sent-7"},
		{"without picture", func(f *finding) { f.edge.Windows[0].Sent = 900 }, "mix-sent-7"},
		{"busy", func(f *finding) { f.edge.Windows[0].Cores = 1.9 }, "mix-cores-7"},
		{"large", func(f *finding) { f.edge.Windows[0].RSS = 151e6 }, "mix-memory-7"},
		{"deaf", func(f *finding) { f.edge.Windows[0].Feedbacks = 6 }, "mix-feedback-7"},
		{"misled", func(f *finding) { f.edge.Windows[0].Unknown = 100 }, "mix-feedback-7"},
		{"at war", func(f *finding) { f.edge.Windows[0].Hostile = 1 }, "mix-feedback-7"},
		{"unsteady", func(f *finding) { f.edge.Windows[0].Switches = 1 }, "mix-feedback-7"},
	} {
		f := finding{audience: audience{viewers: 7}, floors: []floorFound{{Frame: []float64{1, 1}}}, edge: edgeFound{Windows: []window{good}}}
		row.change(&f)
		missed := ""
		for _, r := range mixResults("7", &f) {
			if !r.OK() {
				missed += r.ID
			}
		}
		if missed != row.missed {
			t.Errorf("%s: missed %q, want %q", row.name, missed, row.missed)
		}
	}
}

// Of viewers 0 to 7 at two shards, two of each are watched. Their key frames and sound are held to what is asked.
func TestKeyGoals(t *testing.T) {
	const ms = int64(time.Millisecond)
	const t0, bare = 5_000_000 * ms, 1_000_000 * ms
	base := func() *finding {
		f := &finding{audience: audience{viewers: 8, every: 2}, floors: []floorFound{{Keys: []int64{bare, bare + 100*ms}}}, edge: edgeFound{Keys: []int64{t0, t0 + 2000*ms}}}
		for i, n := range []int{0, 1, 4, 5} {
			after := int64(10*i+5) * ms
			for _, k := range f.floors[0].Keys {
				f.plain = append(f.plain, arrival{n, k + after, 0})
			}
			for _, k := range f.edge.Keys {
				f.sinks.Keys = append(f.sinks.Keys, arrival{n, k + after*6/5, k})
				for s := int64(-100); s < 500; s += 20 {
					f.sinks.Sound = append(f.sinks.Sound, arrival{n, k + s*ms + 2*ms, k + s*ms})
				}
			}
		}
		return f
	}
	for _, row := range []struct {
		name   string
		change func(*finding)
		missed string
	}{
		{"good", func(*finding) {}, ""},
		{"slow", func(f *finding) {
			for i := range f.sinks.Keys {
				f.sinks.Keys[i].At += int64(f.sinks.Keys[i].Viewer) * 20 * ms
			}
		}, "keyframe-spread keyframe-ratio keyframe-median "},
		{"late", func(f *finding) {
			for i := range f.sinks.Keys {
				f.sinks.Keys[i].At += 20 * ms
			}
		}, "keyframe-median "},
		{"sound waits once", func(f *finding) {
			for i := range f.sinks.Sound {
				if f.sinks.Sound[i].Written == t0+20*ms {
					f.sinks.Sound[i].At += 40 * ms
					break
				}
			}
		}, "keyframe-sound "},
		{"sound elsewhere does not count", func(f *finding) {
			for i := range f.sinks.Sound {
				if f.sinks.Sound[i].Written == t0-100*ms {
					f.sinks.Sound[i].At += 40 * ms
				}
			}
		}, ""},
		{"sound is lost", func(f *finding) { f.sinks.Sound = f.sinks.Sound[:len(f.sinks.Sound)-16] }, "keyframe-sound "},
		{"one gets none", func(f *finding) { f.sinks.Keys = f.sinks.Keys[:len(f.sinks.Keys)-1] }, "keyframe-got "},
	} {
		f := base()
		row.change(f)
		results, err := keyResults("keyframe", 2, f)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		missed := ""
		for _, r := range results {
			if !r.OK() {
				missed += r.ID + " "
			}
		}
		if missed != row.missed {
			t.Errorf("%s: missed %q, want %q", row.name, missed, row.missed)
		}
		if v, _ := results[0].Value("value"); v != 60 { // 30 ms between two of two a shard
			t.Errorf("%s: floor %v ms, want 60", row.name, v)
		}
	}
	empty := base()
	empty.sinks.Keys = nil
	if _, err := keyResults("keyframe", 2, empty); err == nil {
		t.Error("no key frame came: want an error")
	}
}

// What is told is numbers that were sent, each once, and all of them.
func TestTeller(t *testing.T) {
	begun := time.Unix(1000, 0)
	rate := func(at time.Duration) uint16 { return uint16(65000 + at.Seconds()*packetsASecond) } // wraps around
	var tell teller
	next, came := uint16(0), 0
	for i := range 12 {
		at := time.Duration(i) * time.Second
		tell.saw(rate(at), begun.Add(at))
		now := at + time.Second
		b := tell.append(nil, 1, 2, begun.Add(now), begun)
		if i == 0 {
			if len(b) > 0 {
				t.Fatal("told before it was known from where on")
			}
			next = rate(now-tellsAfter) + 1
			continue
		}
		if _, err := estimate.ParseFeedback(b); err != nil || len(b)%4 != 0 {
			t.Fatalf("feedback %d: %d bytes, %v", i, len(b), err)
		}
		base, n := binary.BigEndian.Uint16(b[12:]), binary.BigEndian.Uint16(b[14:])
		if int16(base-next) > 1 || int16(base-next) < -1 {
			t.Fatalf("feedback %d begins at %d, want %d", i, base, next)
		}
		next = base + n
		came += int(n)
		if ahead := int16(next - 1 - rate(now-tellsAfter/2)); ahead > 0 {
			t.Errorf("feedback %d: %d packets that were hardly sent", i, ahead)
		}
	}
	if want := 11 * packetsASecond; came < want-5 || came > want+5 {
		t.Errorf("told of %d packets, want %d", came, want)
	}
	if b := tell.append(nil, 1, 2, begun.Add(time.Minute), begun); b != nil {
		t.Error("told without having seen anything since")
	}
	tell.saw(5, begun.Add(2*time.Minute)) // a jump: begins anew
	if b := tell.append(nil, 1, 2, begun.Add(2*time.Minute), begun); b != nil {
		t.Errorf("told across a jump: %x", b)
	}
}

func TestQuantile(t *testing.T) {
	g := gathered{buckets: map[string]map[float64]uint64{"w": {1: 10, 2: 30, 4: 40}}}
	for _, row := range []struct{ q, want float64 }{{.25, 1}, {.5, 1.5}, {.75, 2}, {1, 4}, {.125, .5}} {
		if got := g.quantile("w", row.q); got != row.want {
			t.Errorf("quantile %v: got %v, want %v", row.q, got, row.want)
		}
	}
	if got := g.quantile("none", .5); got != 0 {
		t.Errorf("no histogram: got %v", got)
	}
}

// An edge that sends nothing has no cost.
func TestOverloadHasNoCost(t *testing.T) {
	for _, f := range []edgeFound{{}, {Windows: []window{{Sent: 1}, {Asked: 100}}}} {
		if f.check() == nil {
			t.Errorf("%+v: want an error", f)
		}
	}
	if err := (&edgeFound{Windows: []window{{Sent: 1}}}).check(); err != nil {
		t.Error(err)
	}
}

// A part that is unknown, or that ends before it has answered, is an error of the crew.
func TestPartFails(t *testing.T) {
	c := fewProcesses(t)
	for _, name := range []string{"nobody", partFloor} {
		p, err := c.start(t.Context(), name, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.say([]string{"not an order"}); err == nil {
			err = p.hear(new(floorFound))
			if err == nil {
				t.Errorf("%s answered what is no order", name)
			}
		}
		if err := p.end(); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.measure(ctx, mixAudience(1, time.Second)); err == nil {
		t.Error("told to stop: want an error")
	}
}
