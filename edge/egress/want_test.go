package egress

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"freshet/cluster/stream"
)

// An upstream stands for the nodes above in the tests of wants: it carries the lowest layer always, the others
// from a round trip after they are wanted until that long after they are not, and has a key frame made a
// round trip after it is asked.
type upstream struct {
	*tape
	trip  time.Duration
	until map[*stream.Flow]time.Time // carried up to then
	from  map[*stream.Flow]time.Time // and not before
	asks  int
	keyAt time.Time
}

func newUpstream(r *rig, trip time.Duration) *upstream {
	u := &upstream{
		tape: r.tape("floor", 1, "q", "h", "f"), trip: trip,
		from: map[*stream.Flow]time.Time{}, until: map[*stream.Flow]time.Time{},
	}
	for _, f := range u.s.Flows {
		u.until[f] = r.now.Add(5 * time.Second) // a new stream comes whole at first
		f.OnWanted(func(f *stream.Flow) {
			if f.Wanted() {
				if !r.now.Before(u.until[f]) {
					u.from[f] = r.now.Add(trip)
				}
				u.until[f] = r.now.Add(time.Hour)
			} else {
				u.until[f] = r.now.Add(trip)
			}
		})
	}
	u.carries = func(f *stream.Flow) bool {
		return f.Format.Rank == 0 || !f.Shed() && !r.now.Before(u.from[f]) && r.now.Before(u.until[f])
	}
	return u
}

// due writes what has come by now. A group is 5 s long; who asks has a key frame of all layers.
func (u *upstream) due() {
	if u.asked != u.asks {
		u.asks, u.keyAt = u.asked, u.r.now.Add(u.trip)
	}
	u.tape.due(func(n int) bool {
		if !u.keyAt.IsZero() && !u.r.now.Before(u.keyAt) {
			u.keyAt = time.Time{}
			return true
		}
		return n%150 == 0
	})
}

func (u *upstream) pass(d time.Duration, clients ...*client) {
	u.r.step(d, func() {
		u.due()
		for _, c := range clients {
			c.read()
		}
	})
	for _, c := range clients {
		c.send(&rtcp.ReceiverReport{SSRC: 1}) // it lives
	}
}

func (u *upstream) wanted() (which string) {
	for _, f := range u.s.Flows {
		if f.Format.Kind == stream.Video && f.Wanted() {
			which += f.Format.RID
		}
	}
	return which
}

func (c *client) choose(sel Selection) {
	c.r.s.now = c.r.now.Sub(c.r.s.started)
	c.v.askedAt = 0
	c.r.s.selected(c.v, sel, c.r.s.now)
}

// seen says what c got from packet number from on: the longest gap between packets, the layers in order, and
// the age of the oldest packet when it came.
func (c *client) seen(u *upstream, from int) (gap, oldest time.Duration, layers []int) {
	all, at := c.video()
	for i := max(from, 1); i < len(all); i++ {
		gap = max(gap, at[i].Sub(at[i-1]))
		oldest = max(oldest, at[i].Sub(u.at(frameOf(&all[i]))))
		if n := layerOf(&all[i]); len(layers) == 0 || layers[len(layers)-1] != n {
			layers = append(layers, n)
		}
	}
	return gap, oldest, layers
}

func (c *client) count() int {
	all, _ := c.video()
	return len(all)
}

func is(got []int, want ...int) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] {
			return false
		}
	}
	return true
}

// Phones on the lowest layer leave the others asleep; who goes up has the layer woken, and sees the old one
// until it is there.
func TestSleepingLayerWakesForWhoAsks(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 150*time.Millisecond)
	u.due()
	c := r.join(u.s, "one", Form{Type: 96}, Form{Type: 111})
	u.pass(time.Second, c)
	if got := u.wanted(); got != "f" {
		t.Errorf("a new viewer wants %q, want f", got)
	}
	c.choose(Selection{Fixed: true, RID: "q"})
	u.pass(20*time.Second, c)
	if got := u.wanted(); got != "q" {
		t.Errorf("wanted while one layer is watched: %q, want q", got)
	}
	for i, rid := range []string{"f", "h"} {
		before := c.count()
		c.choose(Selection{Fixed: true, RID: rid})
		u.pass(time.Second, c)
		gap, oldest, layers := c.seen(u, before)
		if gap > 50*time.Millisecond || oldest > 50*time.Millisecond+frameWait {
			t.Errorf("to %s: gap of %v, oldest packet %v", rid, gap, oldest)
		}
		if want := [][]int{{0, 2}, {2, 1}}[i]; !is(layers, want...) {
			t.Errorf("to %s: layers %v, want %v", rid, layers, want)
		}
		u.pass(10*time.Second, c)
		if got := u.wanted(); got != rid {
			t.Errorf("wanted: %q, want %s", got, rid)
		}
	}
	contiguous(t, c)
}

// Who joins while the top sleeps sees the best there is at once, and the top when it has come; of the group
// that the top's ring still has nobody sees anything.
func TestJoinWhileTheTopSleeps(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 150*time.Millisecond)
	u.due()
	phone := r.join(u.s, "phone", Form{Type: 96}, Form{Type: 111})
	u.pass(time.Second, phone)
	phone.choose(Selection{Fixed: true, RID: "q"})
	for _, asleep := range []time.Duration{4 * time.Second, 9 * time.Second, time.Minute} {
		t.Run(asleep.String(), func(t *testing.T) {
			u.pass(asleep, phone)
			top := u.s.Flows[2]
			if _, ok := top.Ring.Newest(); !ok || top.Wanted() {
				t.Fatalf("the top has no old group (%v) or is wanted", ok)
			}
			joined := r.now
			c := r.join(u.s, asleep.String(), Form{Type: 96}, Form{Type: 111})
			u.pass(4*time.Second, phone, c)
			all, at := c.video()
			if len(all) == 0 || at[0].Sub(joined) > 10*time.Millisecond {
				t.Fatal("no picture at once")
			}
			for i := range all {
				if layerOf(&all[i]) == 2 && u.at(frameOf(&all[i])).Before(joined) {
					t.Fatalf("frame of %v before the join on the layer that slept", joined.Sub(u.at(frameOf(&all[i]))))
				}
			}
			if gap, _, layers := c.seen(u, 0); gap > 100*time.Millisecond || !is(layers, 0, 2) {
				t.Errorf("gap %v, layers %v", gap, layers)
			}
			contiguous(t, c)
			r.s.end(c.v, ReasonLeft)
			u.pass(wantFor+2*u.trip+time.Second, phone)
		})
	}
}

// While the woken layer has packets but no key frame yet, its ring has the old group and a hole: nobody begins
// there, whether who woke it, who joins or who asks for a picture.
func TestWokenLayerWithoutAKeyFrame(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 50*time.Millisecond)
	keys := func(n int) bool { return n == 0 || n == 30 || n == 600 } // whoever asks
	pass := func(d time.Duration, clients ...*client) {
		r.step(d, func() {
			u.tape.due(keys)
			for _, c := range clients {
				c.read()
			}
		})
	}
	u.tape.due(keys)
	one := r.join(u.s, "one", Form{Type: 96}, Form{Type: 111})
	pass(500*time.Millisecond, one)
	one.choose(Selection{Fixed: true, RID: "q"})
	pass(10*time.Second, one) // of which the top is carried for 3 s
	woken := r.now
	one.choose(Selection{Fixed: true, RID: "f"})
	pass(500*time.Millisecond, one)
	if p := u.s.Flows[2].Ring.At(u.s.Flows[2].Ring.Head() - 1); p == nil || r.now.Sub(p.At) > 50*time.Millisecond {
		t.Fatal("the top was not woken")
	}
	if g, ok := u.s.Flows[2].Ring.Newest(); !ok || g.At.After(woken) {
		t.Fatal("the ring has no old group")
	}
	two := r.join(u.s, "two", Form{Type: 96}, Form{Type: 111})
	pass(time.Second, one, two)
	for _, c := range []*client{one, two} {
		c.send(&rtcp.ReceiverReport{SSRC: 1}, &rtcp.PictureLossIndication{MediaSSRC: c.v.video.media.SSRC})
	}
	pass(4*time.Second, one, two)
	if gap, _, layers := two.seen(u, 0); !is(layers, 0) || gap > 50*time.Millisecond {
		t.Errorf("who joined saw layers %v with a gap of %v, want 0", layers, gap)
	}
	pass(6*time.Second, one, two) // over frame 600
	for _, c := range []*client{one, two} {
		all, _ := c.video()
		seen := false
		for i := range all {
			if made := u.at(frameOf(&all[i])); layerOf(&all[i]) == 2 && made.After(u.start.Add(1100*time.Millisecond)) {
				if seen = true; frameOf(&all[i]) < 600 {
					t.Fatalf("%s: frame %d of the top, whose first key frame is 600", c.v.join.Session, frameOf(&all[i]))
				}
			} else if layerOf(&all[i]) == 2 && c == two {
				t.Fatalf("%s: frame %d of before the top slept", c.v.join.Session, frameOf(&all[i]))
			}
		}
		if !seen {
			t.Errorf("%s: the top never came", c.v.join.Session)
		}
	}
}

// Two viewers who are looked at a second apart, one leaving, must not make the layer come and go.
func TestWantsLinger(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 10*time.Millisecond)
	turns := 0
	u.s.Flows[2].OnWanted(func(*stream.Flow) { turns++ })
	u.carries = nil
	u.due()
	stays := r.join(u.s, "stays", Form{Type: 96}, Form{Type: 111})
	u.pass(time.Second, stays)
	stays.choose(Selection{Fixed: true, RID: "q"})
	for i := range 10 {
		c := r.join(u.s, string(rune('a'+i)), Form{Type: 96}, Form{Type: 111})
		u.pass(time.Second, stays, c)
		r.s.end(c.v, ReasonLeft)
		u.pass(time.Second, stays)
	}
	if turns != 1 {
		t.Errorf("the top began or ceased to be wanted %d times, want once", turns)
	}
	u.pass(wantFor+time.Second, stays)
	if turns != 2 || u.wanted() != "q" {
		t.Errorf("at last %d turns, %q wanted; want 2 and q", turns, u.wanted())
	}
}

// Whatever ends, each Want is taken back: a layer held for nobody would be carried for ever.
func TestWantsEndWithTheirStream(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 10*time.Millisecond)
	u.due()
	c := r.join(u.s, "one", Form{Type: 96}, Form{Type: 111})
	u.pass(500*time.Millisecond, c)
	next := r.tape("floor", 2, "q", "h", "f")
	next.due(onlyFirst)
	r.s.setStream("floor", next.s, r.now.Sub(r.s.started))
	if got := u.wanted(); got != "" {
		t.Errorf("of the former epoch %q is wanted", got)
	}
	if !next.s.Flows[2].Wanted() {
		t.Error("the top of the new epoch is not wanted")
	}
	r.s.end(c.v, ReasonLeft)
	for _, f := range next.s.Flows {
		if f.Wanted() {
			t.Errorf("%s %q is wanted by nobody", f.Format.Kind, f.Format.RID)
		}
	}
}

// A viewer who never gets keys wakes the top for no longer than its handshake may take.
func TestWantOfAnUnfinishedViewerEnds(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 10*time.Millisecond)
	at := r.now.Sub(r.s.started)
	r.s.admit(Join{
		Session: "x", StreamID: "floor", Source: source1{u.s}, Local: Credentials{"x", "y"},
		Video: r.media(Form{Type: 96}, vp8, 97, 1), Audio: r.media(Form{Type: 111}, opus, 0, 2),
		Ready: func() {}, Ended: func(Reason) {},
	}, at)
	if got := u.wanted(); got != "f" {
		t.Errorf("wanted during the handshake: %q, want f", got)
	}
	u.pass(wantFor + time.Second)
	if got := u.wanted(); got != "" {
		t.Errorf("wanted after it: %q", got)
	}
}

// Where upstream holds the top back, its viewers go down at once, to the newest group of what there is, and
// come back when it does. A layer between that slept is woken for them.
func TestShedLayerIsLeftAtOnce(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 100*time.Millisecond)
	u.due()
	var all []*client
	for _, name := range []string{"one", "two", "fixed"} {
		all = append(all, r.join(u.s, name, Form{Type: 96}, Form{Type: 111}))
	}
	u.pass(6*time.Second, all...)
	all[2].choose(Selection{Fixed: true, RID: "f"})
	u.pass(500*time.Millisecond, all...)
	before := map[*client]int{}
	mark := func() {
		for _, c := range all {
			before[c] = c.count() - 1
		}
	}
	mark()
	top := u.s.Flows[2]
	top.SetShed(true)
	u.pass(8*time.Second, all...)
	for _, c := range all {
		gap, _, layers := c.seen(u, before[c])
		if gap > lookEvery+50*time.Millisecond || !is(layers, 2, 0, 1) {
			t.Errorf("%s: gap of %v, layers %v; want 2, 0, 1", c.v.join.Session, gap, layers)
		}
	}
	if got := u.wanted(); got != "hf" {
		t.Errorf("wanted while the top is held back: %q, want hf", got)
	}
	mark()
	top.SetShed(false)
	u.pass(2*time.Second, all...)
	for _, c := range all {
		if gap, _, layers := c.seen(u, before[c]); gap > 50*time.Millisecond || !is(layers, 1, 2) {
			t.Errorf("%s: back with a gap of %v, layers %v; want 1, 2", c.v.join.Session, gap, layers)
		}
		contiguous(t, c)
	}
}

// The lowest layer is shown to who was just on the way up, or down, when the top was held back.
func TestShedDuringASwitch(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(c *client)
		want int
	}{
		{"on the way down", func(c *client) { c.choose(Selection{Fixed: true, RID: "q"}) }, 0},
		{"asked for a picture", func(c *client) {
			c.send(&rtcp.ReceiverReport{SSRC: 1}, &rtcp.PictureLossIndication{MediaSSRC: c.v.video.media.SSRC})
		}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t)
			u := newUpstream(r, 100*time.Millisecond)
			u.due()
			c := r.join(u.s, "one", Form{Type: 96}, Form{Type: 111})
			u.pass(3*time.Second, c)
			row.do(c)
			u.s.Flows[2].SetShed(true)
			before := c.count()
			u.pass(5*time.Second, c)
			if gap, _, layers := c.seen(u, before+1); gap > lookEvery+50*time.Millisecond || layers[len(layers)-1] != row.want {
				t.Errorf("gap of %v, layers %v", gap, layers)
			}
			contiguous(t, c)
		})
	}
}

// A stream that has only just come to the node has all its layers on their way: who waits for it sees the top
// first, though the lowest is there a little sooner, and does not wait long for one that does not come.
func TestFirstPictureOfANewStream(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		want  int
	}{{50 * time.Millisecond, 2}, {time.Hour, 0}} {
		r := newRig(t)
		u := newUpstream(r, 60*time.Millisecond)
		began := r.now
		u.carries = func(f *stream.Flow) bool {
			return f.Format.Rank == 0 || f.Format.Rank == 2 && r.now.Sub(began) >= row.after
		}
		c := r.join(u.s, "one", Form{Type: 96}, Form{Type: 111})
		u.pass(time.Second, c)
		all, at := c.video()
		if len(all) == 0 || layerOf(&all[0]) != row.want || at[0].Sub(began) > firstFor+100*time.Millisecond {
			t.Errorf("top after %v: %d packets by then", row.after, len(all))
		}
	}
}
