package relay

import (
	"slices"
	"testing"
	"time"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
)

func layer(rank int) stream.Format {
	f := videoFormat
	f.RID, f.Rank = string(rune('a'+rank)), rank
	return f
}

func later20(n int) time.Time { return start.Add(time.Duration(n) * 20 * time.Millisecond) }

// gone returns the numbers that wait to be told as gone.
func (sh *shelf) gone(flow int) (all []int) {
	for _, span := range sh.served[flow].left.told {
		for n := range int(span.Count) {
			all = append(all, int(span.First)+n)
		}
	}
	return all
}

// A flow that is held back costs its ring nothing, goes on at a key frame, and what it left out is told.
func TestShedAndReturn(t *testing.T) {
	sh := newShelf(layer(0), layer(1))
	asked := 0
	sh.flows = nil
	f := stream.New("b", 1, nil, []stream.Format{layer(1)}, func(*stream.Flow) { asked++ }).Flows[0]
	s := newServed(9, f, nil)
	sh.flows, sh.served = []*stream.Flow{f}, []*served{s}
	sh.add(s)
	for n := range 10 {
		sh.fill(0, n, n == 0, later20(n))
	}
	sh.drain(later20(10))
	sh.fill(0, 10, false, later20(10)) // waits in the queue when the path is found full
	if !sh.shedNow(s, true, later20(10)) || sh.shedNow(s, true, later20(10)) {
		t.Error("shed twice")
	}
	for n := 11; n < 100; n++ {
		sh.fill(0, n, n%60 == 0, later20(n))
	}
	if got := sh.drain(later20(100)); len(got) != 0 {
		t.Fatalf("held, and %v goes", got)
	}
	sh.shedNow(s, false, later20(100)) // the key frame of number 60 is 800 ms old
	if asked != 1 {
		t.Errorf("asked for %d key frames, want 1", asked)
	}
	sh.fill(0, 100, false, later20(100))
	sh.fill(0, 101, true, later20(101))
	sh.fill(0, 102, false, later20(102))
	if got, want := sh.drain(later20(102)), [][2]int{{9, 101}, {9, 102}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := sh.gone(0); len(got) != 91 || got[0] != 10 || got[90] != 100 {
		t.Errorf("told as gone: %v", got)
	}
	r := f.Ring // what was left out is not sent because it is asked for, what was sent is
	again := []*ring.Packet{r.Get(r.Near(9)), r.Get(r.Near(50)), r.Get(r.Near(100)), r.Get(r.Near(101))}
	if n := sh.resend(s, again); n != 2 {
		t.Errorf("%d packets go again, want 2", n)
	}
}

// A flow that returns just behind a key frame goes back to it, and asks for none.
func TestReturnToFreshKeyFrame(t *testing.T) {
	sh := newShelf(layer(1))
	for n := range 10 {
		sh.fill(0, n, n == 0, later20(n))
	}
	sh.drain(later20(10))
	sh.shedNow(sh.served[0], true, later20(10))
	for n := 10; n < 30; n++ {
		sh.fill(0, n, n == 20, later20(n))
	}
	sh.shedNow(sh.served[0], false, later20(30))
	got := sh.drain(later20(30))
	if len(got) != 10 || got[0] != [2]int{1, 20} {
		t.Errorf("got %v", got)
	}
	if gone := sh.gone(0); len(gone) != 10 || gone[0] != 10 {
		t.Errorf("told as gone: %v", gone)
	}
}

// A layer that nobody watched begins anew as at a join: with the newest group, then live.
func TestIdleAndBack(t *testing.T) {
	sh := newShelf(layer(1))
	s := sh.served[0]
	for n := range 10 {
		sh.fill(0, n, n == 0, later20(n))
	}
	sh.drain(later20(10))
	group := s.begun.Load()
	sh.idleNow(s, true, false, later20(10))
	if s.begun.Load() == group {
		t.Error("a group of before goes on")
	}
	for n := 10; n < 30; n++ {
		sh.fill(0, n, n == 20, later20(n))
	}
	b := sh.idleNow(s, false, false, later20(30))
	sh.fill(0, 30, false, later20(30))
	if b == nil || uint16(b.next) != 20 || uint16(b.end) != 30 || b.over() {
		t.Fatalf("begins with %+v", b)
	}
	if got, want := sh.drain(later20(30)), [][2]int{{1, 30}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if sh.idleNow(s, false, false, later20(31)) != nil {
		t.Error("began twice")
	}
	sh.shedNow(s, true, later20(31))
	sh.idleNow(s, true, false, later20(31))
	if s.shed || sh.shedNow(s, true, later20(31)) {
		t.Error("a flow that nobody watches counts among those held back for want of room")
	}
	sh.setBar(bar{full: true})
	if sh.idleNow(s, false, false, later20(31)) != nil || !s.shed || s.unwatch != nil {
		t.Error("a flow that there is no room for goes on because it is watched again")
	}
	sh.remove(s)
	sh.idleNow(s, true, false, later20(32))
	sh.shedNow(s, false, later20(32))
	sh.fill(0, 31, true, later20(32))
	if got := sh.drain(later20(32)); len(got) != 0 || s.unwatch != nil {
		t.Errorf("removed, and %v goes", got)
	}
}

// A layer that is watched again within the group with which it stopped has left out nothing.
func TestBackWithinItsGroup(t *testing.T) {
	sh := newShelf(layer(1))
	s := sh.served[0]
	for n := range 10 {
		sh.fill(0, n, n == 0, later20(n))
	}
	sh.drain(later20(10))
	sh.idleNow(s, true, false, later20(10))
	for n := 10; n < 15; n++ {
		sh.fill(0, n, false, later20(n))
	}
	b := sh.idleNow(s, false, false, later20(15))
	if b == nil || uint16(b.next) != 0 || uint16(b.end) != 15 {
		t.Fatalf("begins with %+v", b)
	}
	sh.fill(0, 15, false, later20(15))
	sh.drain(later20(15))
	if gone := sh.gone(0); len(gone) != 0 {
		t.Errorf("told as gone: %v", gone)
	}
	r := s.flow.Ring
	if n := sh.resend(s, []*ring.Packet{r.Get(r.Near(12))}); n != 1 {
		t.Error("what the group brings cannot be asked for again")
	}
}

// A layer that was asleep on its way here has an old group: nobody begins with that.
func TestWakeWithoutOldGroup(t *testing.T) {
	for _, row := range []struct {
		name   string
		pulled bool
		wanted bool
		age    time.Duration
		group  bool
	}{
		{"at the origin", false, false, time.Hour, true},
		{"on its way", true, true, time.Second, true},
		{"lets go only now", true, false, 100 * time.Millisecond, true},
		{"asleep", true, false, 2 * time.Second, false},
		{"woken a moment ago", true, true, 10 * time.Second, false},
	} {
		sh := newShelf(layer(1))
		if row.wanted {
			sh.flows[0].Want()
		}
		sh.fill(0, 1, true, start)
		now := start.Add(row.age)
		sh.idleNow(sh.served[0], true, row.pulled, now)
		if b := sh.idleNow(sh.served[0], false, row.pulled, now); (b != nil) != row.group {
			t.Errorf("%s: group %v, want %v", row.name, b != nil, row.group)
		}
	}
	sh := newShelf(layer(1))
	sh.fill(0, 1, true, start)
	sh.flows[0].SetShed(true)
	sh.idleNow(sh.served[0], true, true, start)
	if sh.idleNow(sh.served[0], false, true, start) != nil {
		t.Error("a group of a flow that is held back above")
	}
}

func TestLeftOut(t *testing.T) {
	var l leftOut
	l.begin(10)
	l.begin(15)
	if !l.waits(12) || l.waits(9) || l.over(12) {
		t.Error("the open run is another")
	}
	l.end(5) // a repair of before
	if !l.open {
		t.Error("ended by an older one")
	}
	l.end(20)
	for seq, want := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		if l.over(seq) != want {
			t.Errorf("%d is over: %v", seq, !want)
		}
	}
	l.add(20, 21)
	if l.next != 1 || !l.over(20) || len(l.told) != 1 || l.told[0].Count != 11 {
		t.Errorf("a run that goes on is not kept as one: %+v", l)
	}
	l.add(100, 1e6) // hours: only what may be asked for is told
	n := 0
	for _, span := range l.told[1:] {
		n += int(span.Count)
	}
	if n != maxGone || !l.over(500e3) {
		t.Errorf("%d numbers told", n)
	}
	lost := 0
	for i := range int64(2 * maxTold) {
		lost += l.add(2e6+10*i, 2e6+10*i+1)
	}
	if len(l.told) != maxTold || lost != 2*maxTold-(maxTold-1-(maxGone+254)/255) {
		t.Errorf("%d spans wait, %d were lost", len(l.told), lost)
	}
}

// A flow's rate is that of two seconds, what carries it included.
func TestFlowRate(t *testing.T) {
	sh := newShelf(videoFormat, audioFormat)
	var video, audio flowRate
	for n := range 1000 {
		now := start.Add(time.Duration(n) * 10 * time.Millisecond)
		sh.fill(0, n, n%200 == 0, now)
		sh.fill(1, n, false, now)
		if n%20 != 0 {
			continue
		}
		video.read(sh.flows[0], now)
		audio.read(sh.flows[1], now)
		v, a := video.last, audio.last
		want := float64(len(packet(sh.flows[0], 0, false, 100))+packetCost) * 8 * 100
		if n > 0 && (v < want*0.99 || v > want*1.01 || a < 2*want*0.99 || a > 2*want*1.01) {
			t.Fatalf("at %d: video %.0f, audio %.0f, want %.0f and twice that", n, v, a, want)
		}
	}
}

// A layer that is watched again has the rate of before until there is a new one.
func TestRateAfterGap(t *testing.T) {
	sh := newShelf(videoFormat)
	var m flowRate
	now, n := start, 0
	play := func(every, d time.Duration, each func(passed time.Duration)) {
		for passed := time.Duration(0); passed < d; passed += congestEvery {
			m.read(sh.flows[0], now)
			each(passed)
			for range int(congestEvery / every) {
				sh.fill(0, n, false, now)
				n++
			}
			now = now.Add(congestEvery)
		}
	}
	play(10*time.Millisecond, 3*time.Second, func(time.Duration) {})
	before := m.last
	now = now.Add(10 * time.Second) // on this node or not, nothing of it was written
	play(20*time.Millisecond, 3*time.Second, func(passed time.Duration) {
		want := before
		if passed >= rateLeast {
			want /= 2
		}
		if m.last < want*0.99 || m.last > want*1.01 {
			t.Errorf("after %v: %.0f, want %.0f", passed, m.last, want)
		}
	})
}

// What must wait for the controller where a layer begins on a path of that kind.
func TestBar(t *testing.T) {
	for _, row := range []struct {
		name  string
		b     bar
		rank  int
		rate  float64
		stops bool
	}{
		{"wide path", bar{}, 1, 1e6, false},
		{"full path", bar{full: true}, 1, 0, true},
		{"base layer of a full path", bar{full: true, shed: true}, 0, 1e6, false},
		{"behind the first held back", bar{shed: true, rank: 1}, 2, 0, true},
		{"beside the first held back", bar{shed: true, rank: 1}, 1, 0, true},
		{"before the first held back", bar{shed: true, rank: 2}, 1, 0, false},
		{"more than is left", bar{known: true, spare: 9e5}, 1, 1e6, true},
		{"less than is left", bar{known: true, spare: 11e5}, 1, 1e6, false},
	} {
		s := newShelf(layer(row.rank)).served[0]
		s.rate.last = row.rate
		if got := row.b.stops(s); got != row.stops {
			t.Errorf("%s: stopped %v, want %v", row.name, got, row.stops)
		}
	}
}
