package estimate

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
)

const (
	tick    = 5 * time.Millisecond // of the simulation, as of the shard's loop
	mtu     = 1150
	audioBP = 50 * 120 * 8 // bits a second of sound
)

// A link is a bottleneck: all who use it wait in one queue.
type link struct {
	rate   func(at time.Duration) int64 // bits a second
	most   time.Duration                // what would wait longer is lost
	delay  time.Duration                // each way
	extra  func(at time.Duration) time.Duration
	loses  func(at time.Duration) bool
	free   time.Duration // when the queue is empty
	latest time.Duration // arrival; nothing overtakes
}

// carry returns when a packet that is sent at at arrives.
func (l *link) carry(at time.Duration, size int) (arrives time.Duration, ok bool) {
	start := max(at, l.free)
	if start-at > l.most || l.loses != nil && l.loses(at) {
		return 0, false
	}
	l.free = start + time.Duration(int64(size)*8*int64(time.Second)/l.rate(start))
	arrives = l.free + l.delay
	if l.extra != nil {
		arrives += l.extra(at)
	}
	l.latest = max(l.latest, arrives)
	return l.latest, true
}

func steady(bps int64) func(time.Duration) int64 { return func(time.Duration) int64 { return bps } }

type packet struct {
	n  uint16
	at time.Duration
}

type feedback struct {
	b  []byte
	at time.Duration
}

// A watcher is a viewer: an estimator at the edge, a receiver that reports by pion's recorder, and in between a link.
// Each second 30 frames of about the layer's rate and 50 packets of sound are sent; each 60th frame has four times the size.
type watcher struct {
	t     testing.TB
	e     *Estimator
	link  *link
	rnd   *rand.Rand
	rungs []int64       // bits a second
	rung  int           // -1: sound alone
	clock float64       // the receiver's speed ...
	set   time.Duration // ... and by what it was set

	recorder *twcc.Recorder
	way      []packet
	back     []feedback
	reportAt time.Duration
	probing  bool

	frame             int
	frameAt, audioAt  time.Duration
	changed, wentUp   time.Duration
	hold              time.Duration
	changes           int
	sent, probed      int
	unknown           int           // to the estimator, of packets told of
	lost              int           // of sound
	byRung            map[int]int   // ticks spent
	downAt, upAt      time.Duration // the first change since they were set to 0
	lowest, highestBP int64         // estimates since they were set to 0
}

func newWatcher(t testing.TB, l *link, path *Path, seed uint64) *watcher {
	return &watcher{
		t: t, e: New(path), link: l, rnd: rand.New(rand.NewPCG(seed, 1)), rungs: []int64{250_000, 800_000, 2_000_000}, rung: 2,
		clock: 1, recorder: twcc.NewRecorder(1), hold: 5 * time.Second, byRung: map[int]int{},
	}
}

// run has the watchers watch from one moment to another.
func run(from, to time.Duration, all ...*watcher) {
	for at := from; at < to; at += tick {
		for i := range all {
			all[(i+int(at/tick))%len(all)].step(at)
		}
	}
}

func (w *watcher) step(at time.Duration) {
	w.byRung[w.rung]++
	if at >= w.frameAt {
		w.frameAt = max(at, w.frameAt+time.Second/30)
		w.picture(at)
	}
	if at >= w.audioAt {
		w.audioAt = max(at, w.audioAt+time.Second/50)
		if !w.send(at, 120) {
			w.lost++
		}
	}
	w.receive(at)
	if at%(100*time.Millisecond) == 0 {
		w.choose(at)
	}
}

func (w *watcher) picture(at time.Duration) {
	if w.rung < 0 {
		return
	}
	mean := float64(w.rungs[w.rung]) / 8 / 30
	size := mean * 56 / 59 * (0.75 + w.rnd.Float64()/2)
	if w.frame%60 == 0 {
		size = 4 * mean
	}
	w.frame++
	n := 1 + int(size)/mtu
	for range n {
		w.send(at, int(size)/n)
	}
}

func (w *watcher) send(at time.Duration, size int) bool {
	n := w.e.Number(at, size)
	w.sent += size
	arrives, ok := w.link.carry(at, size)
	if ok {
		w.way = append(w.way, packet{n, arrives})
	}
	return ok
}

// receive lets arrive what arrives, and brings feedback to the edge, through its bytes.
func (w *watcher) receive(at time.Duration) {
	for len(w.way) > 0 && w.way[0].at <= at {
		w.recorder.Record(2, w.way[0].n, int64(w.clock*float64(w.way[0].at.Microseconds()))+1e9+w.set.Microseconds())
		w.way = w.way[1:]
	}
	if at >= w.reportAt {
		w.reportAt = at + 100*time.Millisecond
		for _, p := range w.recorder.BuildFeedbackPacket() {
			b, err := p.Marshal()
			if err != nil {
				w.t.Fatal(err)
			}
			w.back = append(w.back, feedback{b, at + w.link.delay})
		}
	}
	for len(w.back) > 0 && w.back[0].at <= at {
		p, rest, err := Next(w.back[0].b)
		if err != nil || len(rest) > 0 || !IsFeedback(p) {
			w.t.Fatalf("pion's feedback: %d bytes left, %v", len(rest), err)
		}
		f, err := ParseFeedback(p)
		if err != nil {
			w.t.Fatal(err)
		}
		w.unknown += w.e.Feedback(at, &f)
		w.back = w.back[1:]
	}
}

// need is what rung i brings, sound included.
func (w *watcher) need(i int) int64 {
	if i < 0 {
		return audioBP
	}
	return w.rungs[i] + audioBP
}

// choose is a layer choice as the edge has one: down at once, up after a hold that doubles with each try that fails.
func (w *watcher) choose(at time.Duration) {
	bps := w.e.BPS(at)
	if bps == 0 {
		return
	}
	if w.lowest == 0 || bps < w.lowest {
		w.lowest = bps
	}
	w.highestBP = max(w.highestBP, bps)
	switch {
	case w.rung > 0 && bps < w.need(w.rung)*9/10 && at-w.changed > 500*time.Millisecond:
		for w.rung > 0 && bps < w.need(w.rung) {
			w.rung--
		}
		if w.wentUp > 0 && at-w.wentUp < 10*time.Second {
			w.hold = min(2*w.hold, time.Minute)
		}
		w.change(at, &w.downAt)
	case w.rung < len(w.rungs)-1 && at-w.changed > w.hold:
		want := w.need(w.rung+1) * 11 / 10
		if w.probing && bps < want {
			if size := w.e.Probe(at, want); size > 0 {
				for range ProbePackets {
					w.send(at, size)
				}
				w.probed += ProbePackets * size
			}
		}
		if bps >= want && w.e.MayRise(at) {
			w.rung++
			w.e.Rose(at)
			w.wentUp = at
			w.change(at, &w.upAt)
		}
	case w.changed == w.wentUp && at-w.wentUp > 20*time.Second: // it went well
		w.hold = 5 * time.Second
	}
}

func (w *watcher) change(at time.Duration, first *time.Duration) {
	w.changed, w.frame = at, 0
	w.changes++
	if *first == 0 {
		*first = at
	}
}

// forget begins to watch for what comes anew.
func (w *watcher) forget() {
	w.downAt, w.upAt, w.changes, w.lost, w.sent, w.probed, w.lowest, w.highestBP = 0, 0, 0, 0, 0, 0, 0, 0
	w.byRung = map[int]int{}
}

// share returns which part of the time since forget was spent at rung i.
func (w *watcher) share(i int) float64 {
	all := 0
	for _, n := range w.byRung {
		all += n
	}
	return float64(w.byRung[i]) / float64(all)
}
