package relay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
	"freshet/cluster/stream"
)

// A fault is what befalls the node, or the path to it, that an edge takes its stream from.
type fault struct {
	id     string
	about  string
	gap    time.Duration // what viewers may see of it at most
	second time.Duration // from the fault until the second upstream delivers, at most
	strike func(*failover, *side)
	mend   func(*failover, *side)
}

var cutPath = impair.Path{Cut: true}

func faults() []fault {
	paths := func(up, down impair.Path) func(*failover, *side) {
		return func(_ *failover, s *side) { s.path.Set(up, down) }
	}
	open := paths(impair.Path{}, impair.Path{})
	return []fault{
		{"kill", "an edge's upstream is killed", 300 * time.Millisecond, secondWithin,
			func(_ *failover, s *side) { s.node.Kill() },
			func(_ *failover, s *side) { s.node.Start() }},
		{"freeze", "an edge's upstream is frozen", 500 * time.Millisecond, secondWithin,
			func(_ *failover, s *side) { s.node.Freeze() },
			func(_ *failover, s *side) { s.node.Thaw() }},
		{"cut", "the path to an edge's upstream is cut", 500 * time.Millisecond, secondWithin, paths(cutPath, cutPath), open},
		{"cut-down", "the path from an edge's upstream is cut, not the one to it", 500 * time.Millisecond, secondWithin, paths(impair.Path{}, cutPath), open},
		{"cut-up", "the path to an edge's upstream is cut, not the one from it", 500 * time.Millisecond, deafWithin, paths(cutPath, impair.Path{}), open},
	}
}

// What every fault is held to, beside its gap.
const (
	secondWithin = 200 * time.Millisecond // until the second upstream delivers: suspect after 150 ms
	deafWithin   = 400 * time.Millisecond // the same where media still comes: suspect after 250 ms without an answer
	faultLasts   = 2500 * time.Millisecond
	mendWithin   = 60 * time.Second // until all is well again: links are dialled anew within 3 s, viewers come back
)

func failoverRows() []stand.Row {
	var all []stand.Row
	for _, f := range faults() {
		all = append(all, stand.Row{
			ID: f.id, About: f.about + ", again and again; the next one stands ready",
			Run: func(b *stand.Bench) []*report.Result { return []*report.Result{newFailover(b).run(f)} },
		})
	}
	return all
}

// A side is one of the two upstreams of the last edge, and the path to it.
type side struct {
	node *stand.Process
	path *impair.Proxy
}

// media returns how many bytes the upstream has sent towards the last edge.
func (s *side) media() uint64 {
	_, down := s.path.Stats()
	return down.In.Bytes
}

// A failover is an origin, two edges below it and one below these, each a process, with viewers at all
// edges: those at the middle ones take sound alone and keep the stream there.
type failover struct {
	b      *stand.Bench
	origin *stand.Process
	sides  [2]*side
	last   *stand.Process
	raw    *load.Raw
	seen   *arrivals // what the viewer at the last edge got
	frames load.Arrivals
}

const (
	faultTimes  = 30 // of each kind
	benchStream = "s"
	benchKey    = "publisher-key"
)

// oneLayer is sound and a picture of 2.5 Mbit/s.
func oneLayer() load.RawConfig {
	cfg := load.Simulcast()
	cfg.Layers = cfg.Layers[2:]
	cfg.Layers[0].RID = ""
	return cfg
}

func newFailover(b *stand.Bench) *failover {
	b.Helper()
	dir := b.TempDir()
	f := &failover{b: b, seen: newArrivals()}
	f.origin = b.Node(dir, "origin", testmesh.Origin, "--stream", benchStream+"="+benchKey)
	for i, name := range []string{"a", "b"} {
		n := b.Node(dir, "edge", name, "--shards", "1", "--upstream", testmesh.Origin+"="+f.origin.Relay)
		f.sides[i] = &side{node: n, path: proxy(b, n.Relay, impair.Path{}, impair.Path{})}
	}
	f.last = b.Node(dir, "edge", "last", "--shards", "1",
		"--upstream", "a="+f.sides[0].path.Addr().String(), "--upstream", "b="+f.sides[1].path.Addr().String())
	f.raw = publish(b, f.origin, benchStream, oneLayer())
	for _, s := range f.sides {
		b.Background("viewer at "+s.node.Name, func(ctx context.Context) error {
			watchAgain(ctx, load.PlayConfig{URL: s.node.WHEP(benchStream), NoVideo: true}, b)
			return nil
		})
	}
	b.Background("viewer", func(ctx context.Context) error {
		watchAgain(ctx, load.PlayConfig{
			URL: f.last.WHEP(benchStream), Arrivals: &f.frames, Packet: f.seen.packet,
		}, b)
		return nil
	})
	return f
}

// publish starts cfg's publisher of stream id at origin, and returns once it is connected.
func publish(b *stand.Bench, origin *stand.Process, id string, cfg load.RawConfig) *load.Raw {
	b.Helper()
	cfg.URL, cfg.Key = origin.WHIP(id), benchKey
	raw, _ := b.Publish(cfg)
	return raw
}

// An outcome is what one fault came to.
type outcome struct {
	gap      time.Duration // longest that the viewer saw, of sound or picture
	second   time.Duration // until the other upstream delivered; 0: it did not
	missing  int           // packets that the viewer never got
	repeated int           // that it got twice, under another number
	resent   int           // that it got again because it had asked before they came
	asked    int64         // key frames that the publisher was asked for
}

// run breaks what the last edge takes its stream from, and mends it, as often as asked.
func (f *failover) run(kind fault) *report.Result {
	b := f.b
	var all []outcome
	for i := range b.Times(faultTimes) {
		active, other := f.ready()
		o := f.strike(kind, active, other)
		kind.mend(f, active)
		b.Tell("%s %d of %d, at %s: gap %v, second after %v, %d missing, %d twice, %d key frames asked for",
			kind.id, i+1, b.Times(faultTimes), active.node.Name, o.gap.Round(time.Millisecond), o.second.Round(time.Millisecond), o.missing, o.repeated, o.asked)
		all = append(all, o)
	}
	return judge(kind, all)
}

// ready waits until both upstreams carry the stream, the last edge has links to both, and takes the stream
// from one of them, which it returns first.
func (f *failover) ready() (active, other *side) {
	f.b.Helper()
	f.b.Until("both upstreams carry the stream, one of them to the last edge", mendWithin, func() bool {
		for _, s := range f.sides {
			if !f.carries(s.node) {
				return false
			}
		}
		m, err := stand.Scrape(f.b.Context(), f.last.URL)
		if err != nil || m.Sum("freshet_relay_links", `direction="up"`) != 2 {
			return false
		}
		var had [2]uint64
		for i, s := range f.sides {
			had[i] = s.media()
		}
		f.b.During(300*time.Millisecond, "which upstream delivers")
		a, b := f.sides[0].media()-had[0] > 3*mediaPace, f.sides[1].media()-had[1] > 3*mediaPace
		if a == b {
			return false
		}
		for _, s := range f.sides { // what a node that stood still had in its socket is over by now
			if !f.carries(s.node) {
				return false
			}
		}
		active, other = f.sides[0], f.sides[1]
		if b {
			active, other = other, active
		}
		return true
	})
	return active, other
}

// carries says whether packets come to n.
func (f *failover) carries(n *stand.Process) bool {
	const packets = "freshet_relay_received_packets_total"
	before, err := stand.Scrape(f.b.Context(), n.URL)
	if err != nil || before.Sum("freshet_relay_pulled_streams") < 1 {
		return false
	}
	f.b.During(100*time.Millisecond, "packets at "+n.Name)
	after, err := stand.Scrape(f.b.Context(), n.URL)
	return err == nil && after.Sum(packets) > before.Sum(packets)
}

// strike breaks active and returns what the viewer saw.
func (f *failover) strike(kind fault, active, other *side) outcome {
	b := f.b
	b.Helper()
	asked, from := f.keysAsked(), f.seen.mark()
	twice, resent := f.seen.repeated()
	at := time.Now()
	kind.strike(f, active)
	var o outcome
	o.second = f.second(other, at)
	b.During(faultLasts-time.Since(at), kind.id)
	to, now := f.seen.mark(), time.Now()
	for _, k := range []stream.Kind{stream.Audio, stream.Video} {
		gap, _, ok := f.frames.Longest(k, at, now)
		if !ok {
			b.Fatalf("the viewer had no %v before the fault", k)
		}
		o.gap = max(o.gap, gap)
	}
	b.During(500*time.Millisecond, "stragglers")
	for layer := range 2 {
		o.missing += f.seen.holes(layer, from, to)
	}
	o.repeated, o.resent = f.seen.repeated()
	o.repeated, o.resent, o.asked = o.repeated-twice, o.resent-resent, f.keysAsked()-asked
	return o
}

// second returns how long after at the other upstream began to deliver, 0 where it did not in time to matter.
func (f *failover) second(other *side, at time.Time) time.Duration {
	type sample struct {
		at    time.Time
		bytes uint64
	}
	var recent []sample
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-f.b.Context().Done():
			f.b.Fatal("told to stop")
		case now := <-tick.C:
			if now.Sub(at) > faultLasts {
				return 0
			}
			s := sample{now, other.media()}
			recent = append(recent, s)
			for now.Sub(recent[0].at) > 100*time.Millisecond {
				recent = recent[1:]
			}
			if s.bytes-recent[0].bytes > mediaPace {
				return max(time.Millisecond, now.Sub(at))
			}
		}
	}
}

func (f *failover) keysAsked() int64 {
	s := f.raw.Stats().Layers[0]
	return s.PLI + s.FIR
}

// judge puts all outcomes of kind together.
func judge(kind fault, all []outcome) *report.Result {
	r := &report.Result{ID: kind.id, Target: fmt.Sprintf(
		"viewers' gap p99 at most %v, second subscription within %v, 0 packets missing or twice, 0 key frames asked for", kind.gap, kind.second)}
	var gaps, seconds []time.Duration
	var missing, repeated, resent, never int
	var asked int64
	for _, o := range all {
		gaps = append(gaps, o.gap)
		missing, repeated, asked = missing+o.missing, repeated+o.repeated, asked+o.asked
		resent += o.resent
		if o.second == 0 {
			never++
			continue
		}
		seconds = append(seconds, o.second)
	}
	slices.Sort(gaps)
	slices.Sort(seconds)
	r.Set("times", len(all))
	if len(all) == 0 {
		r.Want(false, "nothing was broken")
		return r
	}
	r.Set("gap_p50_ms", report.MS(gaps[len(gaps)/2]))
	r.AtMost("gap_p99_ms", report.MS(gaps[min(len(gaps)-1, len(gaps)*99/100)]), report.MS(kind.gap))
	r.Set("gap_max_ms", report.MS(gaps[len(gaps)-1]))
	if len(seconds) > 0 {
		r.Set("second_p50_ms", report.MS(seconds[len(seconds)/2]))
		r.AtMost("second_max_ms", report.MS(seconds[len(seconds)-1]), report.MS(kind.second))
	}
	r.AtMost("no_second", float64(never), 0)
	r.AtMost("missing", float64(missing), 0)
	r.AtMost("repeated", float64(repeated), 0)
	r.Set("resent", resent)
	r.AtMost("key_frames_asked", float64(asked), 0)
	return r
}
