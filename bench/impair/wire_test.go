package impair

import (
	"math"
	"slices"
	"testing"
	"time"
)

var epoch = time.Unix(1_000_000_000, 0)

// after returns the moment d into a test.
func after(d time.Duration) time.Time { return epoch.Add(d) }

// numbered returns a packet of size bytes, headers aside, that take finds again by its number.
func numbered(number, size int) *packet {
	p := &packet{n: size, client: &client{}}
	p.buf[0], p.buf[1], p.buf[2] = byte(number>>16), byte(number>>8), byte(number)
	return p
}

func number(p *packet) int { return int(p.buf[0])<<16 | int(p.buf[1])<<8 | int(p.buf[2]) }

// out is a packet that left a wire.
type out struct {
	number int
	at     time.Duration
}

// drain takes what w still holds, each packet exactly when w says that it is next due.
func drain(t *testing.T, w *wire) (got []out) {
	t.Helper()
	for {
		due, ok := w.next()
		if !ok {
			if w.held != 0 {
				t.Fatalf("nothing is due, and %d packets are held", w.held)
			}
			return got
		}
		for p := w.take(due); p != nil; p = w.take(due) {
			got = append(got, out{number(p), due.Sub(epoch)})
		}
	}
}

func numbers(list []out) (all []int) {
	for _, o := range list {
		all = append(all, o.number)
	}
	return all
}

func TestDelay(t *testing.T) {
	w := newWire(1, 1, overhead4, Path{Delay: 50 * time.Millisecond})
	for i := range 5 {
		w.add(after(time.Duration(i)*time.Millisecond), numbered(i, 1000))
	}
	if p := w.take(after(50*time.Millisecond - 1)); p != nil {
		t.Errorf("packet %d is out before its time", number(p))
	}
	for i, o := range drain(t, w) {
		if want := time.Duration(50+i) * time.Millisecond; o.number != i || o.at != want {
			t.Errorf("packet %d at %v, want %d at %v", o.number, o.at, i, want)
		}
	}
}

// TestClear: nothing to do means nothing to wait for, unless an older packet would be overtaken.
func TestClear(t *testing.T) {
	w := newWire(1, 1, overhead4, Path{Loss: 0.5})
	if !w.clear() {
		t.Error("loss alone holds packets")
	}
	for _, p := range []Path{{Delay: 1}, {Jitter: 1}, {Rate: minRate}} {
		if newWire(1, 1, overhead4, p).clear() {
			t.Errorf("%+v passes at once", p)
		}
	}
	w.set(after(0), Path{Delay: time.Second})
	w.add(after(0), numbered(0, 100))
	w.set(after(0), Path{})
	if w.clear() {
		t.Error("the next packet would overtake the first")
	}
	w.add(after(time.Millisecond), numbered(1, 100))
	want := []out{{0, time.Second}, {1, time.Second}}
	if got := drain(t, w); !slices.Equal(got, want) {
		t.Errorf("out %v, want %v", got, want)
	}
}

func TestJitter(t *testing.T) {
	const n, gap = 20_000, 500 * time.Microsecond
	path := Path{Delay: 30 * time.Millisecond, Jitter: 20 * time.Millisecond}
	for _, reorder := range []bool{false, true} {
		path.Reorder = reorder
		w := newWire(7, 1, overhead4, path)
		for i := range n {
			w.add(after(time.Duration(i)*gap), numbered(i, 100))
		}
		got := drain(t, w)
		if len(got) != n {
			t.Fatalf("reorder %v: %d packets out, want %d", reorder, len(got), n)
		}
		var sum time.Duration
		for _, o := range got {
			took := o.at - time.Duration(o.number)*gap
			if took < path.Delay || took > path.Delay+path.Jitter {
				t.Fatalf("reorder %v: packet %d took %v, want 30 to 50 ms", reorder, o.number, took)
			}
			sum += took
		}
		// An even spread has its mean in the middle. Where order is kept it lies above: after a fall of the delay
		// packets wait for those before. With a draw for each packet it would be near 50 ms.
		mean, least, most := sum/n, 39500*time.Microsecond, 40500*time.Microsecond
		if !reorder {
			most = 45 * time.Millisecond
		}
		if mean < least || mean > most {
			t.Errorf("reorder %v: mean delay %v, want %v to %v", reorder, mean, least, most)
		}
		if sorted := slices.IsSorted(numbers(got)); sorted == reorder {
			t.Errorf("reorder %v: in order %v", reorder, sorted)
		}
	}
}

// TestJitterChanges: a smaller jitter holds from the next packet on.
func TestJitterChanges(t *testing.T) {
	w := newWire(7, 1, overhead4, Path{Jitter: 10 * time.Second})
	w.add(after(0), numbered(0, 100))
	drain(t, w)
	w.newest = time.Time{} // order is not the point here
	w.set(after(0), Path{Jitter: time.Millisecond})
	w.add(after(0), numbered(1, 100))
	if got := drain(t, w); len(got) != 1 || got[0].at > time.Millisecond {
		t.Errorf("out %v, want 1 within 1 ms", got)
	}
}

// TestLoss holds share and mean run to four standard deviations of what the model says.
func TestLoss(t *testing.T) {
	const n = 200_000
	for _, row := range []struct {
		share float64
		burst int
		run   float64 // wanted mean length
	}{
		{0, 0, 0}, {0.001, 0, 1.001}, {0.02, 1, 1 / 0.98}, {0.05, 5, 5}, {0.02, 20, 20}, {0.5, 3, 3},
		{0.9, 2, 9}, // so much loss leaves single survivors: runs are longer than asked for
		{1, 5, n},
	} {
		w := newWire(42, 1, overhead4, Path{Loss: row.share, Burst: row.burst})
		lost, runs, before := 0.0, 0.0, false
		p := numbered(0, 100)
		for i := range n {
			gone := !w.add(after(time.Duration(i)), p)
			if w.take(after(time.Duration(i))) != nil == gone {
				t.Fatalf("packet %d: lost and out, or neither", i)
			}
			if gone {
				lost++
				if !before {
					runs++
				}
			}
			before = gone
		}
		// The variance of a mean of Gilbert's draws is that of single ones times the spread of a run.
		spread := math.Max(2*row.run, 1)
		if dev := math.Sqrt(row.share * (1 - row.share) * spread / n); math.Abs(lost/n-row.share) > 4*dev {
			t.Errorf("%v in %d: lost %.5f, want within %.5f", row.share, row.burst, lost/n, 4*dev)
		}
		if runs > 0 && row.share < 1 {
			dev := math.Sqrt(row.run*(row.run-1)/runs) + 0.001
			if got := lost / runs; math.Abs(got-row.run) > 4*dev {
				t.Errorf("%v in %d: mean run %.3f, want %.3f within %.3f", row.share, row.burst, got, row.run, 4*dev)
			}
		}
		if st := w.stats; st.Lost.Packets != uint64(lost) || st.Lost.Bytes != uint64(lost)*100 {
			t.Errorf("%v in %d: counted %+v, want %v", row.share, row.burst, st.Lost, lost)
		}
	}
}

// TestSeed: the same seed is the same luck, whatever else the path does; another is another.
func TestSeed(t *testing.T) {
	fate := func(seed uint64, path Path) (lost []int) {
		w := newWire(seed, 1, overhead4, path)
		for i := range 2000 {
			if !w.add(after(time.Duration(i)*time.Millisecond), numbered(i, 100)) {
				lost = append(lost, i)
			}
		}
		return lost
	}
	base := fate(3, Path{Loss: 0.1})
	if len(base) == 0 {
		t.Fatal("nothing lost")
	}
	if !slices.Equal(base, fate(3, Path{Loss: 0.1, Delay: time.Second, Jitter: time.Second})) {
		t.Error("the same seed lost others beside jitter")
	}
	if slices.Equal(base, fate(4, Path{Loss: 0.1})) {
		t.Error("two seeds lost the same")
	}
}

func TestRate(t *testing.T) {
	// 1,000 bytes with headers take 4 ms at 2 Mbit/s.
	const size = 1000 - overhead4
	path := Path{Rate: 2_000_000, Delay: 10 * time.Millisecond, Buffer: 20 * time.Millisecond}
	w := newWire(1, 1, overhead4, path)
	for i := range 10 {
		w.add(after(0), numbered(i, size))
	}
	// One is being sent, five fill the 5,000 bytes of the buffer, the rest finds no room.
	var want []out
	for i := range 6 {
		want = append(want, out{i, time.Duration(4*(i+1)+10) * time.Millisecond})
	}
	if got := drain(t, w); !slices.Equal(got, want) {
		t.Errorf("out %v, want %v", got, want)
	}
	if c := w.stats.Overflowed; c != (Count{4, 4 * size}) {
		t.Errorf("overflowed %+v, want 4", c)
	}

	// The buffer counts bytes, not packets: where a large one has no room, a small one may.
	w = newWire(1, 1, overhead4, path)
	for i, n := range []int{size, size, size, size, size, size - 500, size, 500 - overhead4, 1} {
		w.add(after(0), numbered(i, n))
	}
	if got := numbers(drain(t, w)); !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 7}) {
		t.Errorf("through came %v, want 0 to 5 and 7", got)
	}

	// Over time, what comes out is the rate, and nothing waits longer than the buffer and one packet.
	w = newWire(1, 1, overhead4, path)
	bytes, longest := 0, time.Duration(0)
	for i := range 5000 { // 2.5 times the rate for 8 s
		w.add(after(time.Duration(i)*1600*time.Microsecond), numbered(i, size))
	}
	for _, o := range drain(t, w) {
		bytes += 1000
		longest = max(longest, o.at-time.Duration(o.number)*1600*time.Microsecond)
	}
	if bytes < 1_990_000 || bytes > 2_010_000 {
		t.Errorf("%d bytes in 8 s, want 2,000,000", bytes)
	}
	if longest > 34*time.Millisecond {
		t.Errorf("longest wait %v, want 34 ms at most", longest)
	}
}

func TestRateChanges(t *testing.T) {
	const size = 1000 - overhead4
	fill := func() *wire {
		w := newWire(1, 1, overhead4, Path{Rate: 8_000_000, Buffer: 10 * time.Millisecond}) // 1 ms a packet
		for i := range 11 {
			w.add(after(0), numbered(i, size))
		}
		return w
	}
	ms := func(m ...float64) (all []time.Duration) {
		for _, v := range m {
			all = append(all, time.Duration(v*float64(time.Millisecond)))
		}
		return all
	}
	for _, row := range []struct {
		name string
		path Path
		want []time.Duration // of what comes out after 1.5 ms
	}{
		{"half", Path{Rate: 4_000_000, Buffer: time.Second}, ms(2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5, 16.5, 18.5, 20.5)},
		{"half, less buffer", Path{Rate: 4_000_000, Buffer: 4 * time.Millisecond}, ms(2.5, 4.5, 6.5)},
		{"double", Path{Rate: 16_000_000}, ms(1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75, 5.25, 5.75, 6.25)},
		{"none", Path{}, ms(1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5)},
		{"cut", Path{Rate: 8_000_000, Buffer: 10 * time.Millisecond, Cut: true}, ms(2, 3, 4, 5, 6, 7, 8, 9, 10, 11)},
	} {
		w := fill()
		if p := w.take(after(1500 * time.Microsecond)); p == nil || number(p) != 0 {
			t.Fatalf("%s: packet 0 is not out after 1.5 ms", row.name)
		}
		w.set(after(1500*time.Microsecond), row.path)
		var got []time.Duration
		for _, o := range drain(t, w) {
			got = append(got, o.at)
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: out at %v, want %v", row.name, got, row.want)
		}
		if all := int(w.stats.Overflowed.Packets) + 1 + len(got); all != 11 {
			t.Errorf("%s: %d packets told of, want 11", row.name, all)
		}
		// The wire is as good as new.
		w.set(after(time.Second), Path{Rate: 8_000_000})
		w.add(after(time.Second), numbered(99, size))
		if got := drain(t, w); !slices.Equal(got, []out{{99, 1001 * time.Millisecond}}) {
			t.Errorf("%s: then %v, want 99 after 1 ms", row.name, got)
		}
	}
}

func TestHeldIsBounded(t *testing.T) {
	w := newWire(1, 1, overhead4, Path{Delay: time.Second})
	p := numbered(0, 100)
	for range maxHeld + 10 {
		w.add(after(0), p)
	}
	if w.held != maxHeld || w.stats.Overflowed.Packets != 10 {
		t.Errorf("held %d, overflowed %d, want %d and 10", w.held, w.stats.Overflowed.Packets, maxHeld)
	}
}

func TestWireAllocs(t *testing.T) {
	path := Path{Delay: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Reorder: true, Rate: 100_000_000, Loss: 0.01}
	w := newWire(1, 1, overhead4, path)
	now, p := epoch, [16]*packet{}
	for i := range p {
		p[i] = numbered(i, 1000)
	}
	turn := func() {
		for _, p := range p {
			now = now.Add(time.Millisecond)
			w.add(now, p)
		}
		now = now.Add(time.Second)
		for w.take(now) != nil {
		}
	}
	turn()
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("%v allocs, want 0", n)
	}
}

func TestValidate(t *testing.T) {
	for _, row := range []struct {
		path Path
		want string
	}{
		{Path{}, ""},
		{Path{Delay: maxWait, Jitter: maxWait, Loss: 1, Burst: maxBurst, Rate: maxRate, Buffer: maxWait, Cut: true}, ""},
		{Path{Delay: -1}, "delay: want 0 to 10s, not -1ns"},
		{Path{Jitter: time.Minute}, "jitter: want 0 to 10s, not 1m0s"},
		{Path{Buffer: -1}, "buffer: want 0 to 10s, not -1ns"},
		{Path{Loss: 1.01}, "loss: want a share of 0 to 1, not 1.01"},
		{Path{Loss: math.NaN()}, "loss: want a share of 0 to 1, not NaN"},
		{Path{Burst: -1}, "burst: want 0 to 10000 packets, not -1"},
		{Path{Rate: 7999}, "rate: want 8000 to 100000000000 bit/s or 0, not 7999"},
		{Path{Rate: -1, Loss: -1}, "loss: want a share of 0 to 1, not -1\nrate: want 8000 to 100000000000 bit/s or 0, not -1"},
	} {
		got := ""
		if err := row.path.Validate(); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%+v: %q, want %q", row.path, got, row.want)
		}
	}
}
