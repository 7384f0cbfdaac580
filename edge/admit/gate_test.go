package admit

import (
	"testing"
	"time"
)

// door is a gate whose edge sends what a test says, tick by tick.
type door struct {
	*Gate
	now  time.Time
	work Work
	rate Rate // what goes out
}

func newDoor(capacity Rate) *door {
	d := &door{Gate: NewGate(capacity), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	d.tick(1)
	return d
}

// tick lets n times Every pass.
func (d *door) tick(n int) (l Load) {
	for range n {
		d.now = d.now.Add(Every)
		d.work.Packets += d.rate.Packets * int64(Every) / int64(time.Second)
		d.work.Bytes += d.rate.Bits / 8 * int64(Every) / int64(time.Second)
		l = d.Tick(d.now, []Work{d.work}, map[string]Rate{"s": viewer})
	}
	return l
}

// enter has n viewers come, and returns those who got in.
func (d *door) enter(n int) (in []*Place) {
	for range n {
		if p, why := d.Enter("s"); why == Open {
			in = append(in, p)
		}
	}
	return in
}

// A rush between two ticks lets in as many as there is place for, and not one more.
func TestRushFillsTheEdge(t *testing.T) {
	d := newDoor(edge)
	in := d.enter(200)
	if len(in) != 10 || d.Full() != FullRate {
		t.Fatalf("let in %d, full %q; want 10, %q", len(in), d.Full(), FullRate)
	}
	if got := d.Share(); got < 1 {
		t.Errorf("an edge that refuses tells a load of %v", got)
	}
	// They go live and show in what is sent: joining falls to nothing, and the edge stays full.
	for _, p := range in {
		p.Live()
	}
	d.rate = edge
	if l := d.tick(1); l.Joining != edge {
		t.Errorf("joining just after the media began: got %+v, want %+v", l.Joining, edge)
	}
	if l := d.tick(settleTicks + 1); l.Joining != (Rate{}) || l.Sent != edge {
		t.Errorf("after %v: joining %+v, sent %+v; want nothing and %+v", settle, l.Joining, l.Sent, edge)
	}
	if n := len(d.enter(5)); n != 0 {
		t.Errorf("a full edge let in %d", n)
	}
}

// Places of viewers who never got media, or went before, are there for others.
func TestPlacesComeBack(t *testing.T) {
	d := newDoor(edge)
	in := d.enter(11) // one too many
	in[0].Leave()
	in[0].Leave() // once more changes nothing
	if n := len(d.enter(3)); n != 0 {
		t.Errorf("one left a full edge: let in %d, want 0: places are kept until there is some room", n)
	}
	in[1].Leave()
	if n := len(d.enter(3)); n != 2 {
		t.Errorf("two left: let in %d, want 2", n)
	}
	in[2].Live()
	in[2].Leave() // it shows in what was sent; that passes by itself
	d.tick(settleTicks + 2)
	if l := d.tick(1); l.Joining != (Rate{900, 7_200_000}) {
		t.Errorf("joining: got %+v, want that of 9", l.Joining)
	}
}

// An edge that stays near its limit does not refuse and admit in turn.
func TestFullStaysFull(t *testing.T) {
	d := newDoor(edge)
	d.rate = Rate{910, 0}
	d.tick(windowTicks)
	turns, was := 0, d.Full()
	for i := range 100 {
		d.rate.Packets = 880 + int64(i/windowTicks%2)*40 // 880 has place for one, 920 has not
		d.tick(1)
		if p, why := d.Enter("s"); why == Open {
			p.Leave()
		}
		if now := d.Full(); now != was {
			turns, was = turns+1, now
		}
	}
	if turns > 1 || was != FullRate {
		t.Errorf("turned %d times, at last %q; want once, %q", turns, was, FullRate)
	}
	d.rate = Rate{500, 0}
	d.tick(windowTicks)
	if why := d.Full(); why != Open {
		t.Errorf("half empty: got %q, want open without a viewer who asks", why)
	}
}

// A viewer of a stream that nobody knows yet is expected to be typical.
func TestUnknownStreamIsTypical(t *testing.T) {
	d := newDoor(Rate{Packets: 2*Typical().Packets + 1})
	n := 0
	for range 5 {
		if _, why := d.Enter("new"); why == Open {
			n++
		}
	}
	if n != 2 {
		t.Errorf("let in %d, want 2", n)
	}
}

func TestMeter(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	step := func(m *meter, busy time.Duration, batches, late int64, w *[2]Work) Load {
		at = at.Add(Every)
		w[0].Packets, w[0].Bytes = w[0].Packets+100, w[0].Bytes+1000
		w[1].Busy, w[1].Batches, w[1].Late = w[1].Busy+busy, w[1].Batches+batches, w[1].Late+late
		return m.add(at, []Work{w[0], w[1]})
	}
	var m meter
	var w [2]Work
	if l := step(&m, 0, 0, 0, &w); l != (Load{}) {
		t.Errorf("the first look: got %+v, want nothing", l)
	}
	if l := step(&m, Every/2, 2, 2, &w); l != (Load{Sent: Rate{400, 32_000}, Busy: 0.5}) {
		t.Errorf("the second: got %+v, want half busy, and too few batches to be late", l)
	}
	for range windowTicks {
		step(&m, Every/4, 20, 5, &w)
	}
	if l := step(&m, Every/4, 20, 5, &w); l != (Load{Sent: Rate{400, 32_000}, Busy: 0.25, Late: 0.25}) {
		t.Errorf("a whole window: got %+v, want a quarter busy and late", l)
	}
	at = at.Add(-time.Hour)
	if l := step(&m, 0, 0, 0, &w); l != (Load{}) {
		t.Errorf("a clock that was set back: got %+v, want nothing", l)
	}
}

// What every offer costs first is next to nothing.
func TestRefusalAllocatesNothing(t *testing.T) {
	d := newDoor(Rate{Packets: 1})
	if n := testing.AllocsPerRun(1000, func() { d.Enter("s") }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

// Standbys are refused before viewers are, and take no viewer's place; told to play, they are let in as a viewer is.
func TestStandbysGoLast(t *testing.T) {
	d := newDoor(edge) // ten of viewer
	d.rate = Rate{Packets: 500}
	d.tick(windowTicks)
	var by []*Place
	for {
		p, why := d.Stand("s")
		if why != Open {
			if why != FullRate {
				t.Fatalf("refused for %q, want %q", why, FullRate)
			}
			break
		}
		by = append(by, p)
	}
	if len(by) != 4 {
		t.Fatalf("%d stand by at an edge with room for five, want 4: below %v of it", len(by), shareOpen)
	}
	if d.Full() != Open {
		t.Errorf("full for viewers by refused standbys: %q", d.Full())
	}
	in := d.enter(10)
	if len(in) != 5 {
		t.Fatalf("%d viewers got in beside standbys, want 5", len(in))
	}
	if why := by[0].Play(); why != FullRate {
		t.Errorf("a standby plays at a full edge: %q, want %q", why, FullRate)
	}
	for _, p := range in[:3] {
		p.Leave()
	}
	if why := by[0].Play(); why != Open || by[0].Play() != Open {
		t.Errorf("a standby plays where there is room: %q", why)
	}
	by[0].Live()
	by[0].Pause()
	by[1].Play()
	by[1].Pause()
	for _, p := range append(by, in...) {
		p.Leave()
		p.Leave()
	}
	if d.standbys != 0 || d.standing != (Rate{}) {
		t.Errorf("all have left: %d, %+v", d.standbys, d.standing)
	}
	d.rate = Rate{}
	if l := d.tick(settleTicks + 2); l.Joining != (Rate{}) {
		t.Errorf("all have left: %+v are joining", l.Joining)
	}
}

// Where no capacity is known there is a bound, too, and it is told apart.
func TestStandbysAreBounded(t *testing.T) {
	d := newDoor(Rate{})
	for range standbysMost {
		if _, why := d.Stand("s"); why != Open {
			t.Fatal(why)
		}
	}
	if _, why := d.Stand("s"); why != FullStandbys {
		t.Errorf("one more: %q, want %q", why, FullStandbys)
	}
	if n := len(d.enter(1)); n != 1 {
		t.Error("a viewer is refused for standbys")
	}
}
