package relay

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
)

// shelf is a queue over flows that the test writes.
type shelf struct {
	*queue
	flows   []*stream.Flow
	served  []*served
	dropped map[dropReason]int
}

func newShelf(formats ...stream.Format) *shelf {
	sh := &shelf{dropped: map[dropReason]int{}}
	sh.queue = newQueue(maxBehind, func(why dropReason, n int) { sh.dropped[why] += n })
	sh.flows = stream.New("a", 1, nil, formats, func(*stream.Flow) {}).Flows
	for i, f := range sh.flows {
		s := newServed(uint64(i+1), f, nil)
		sh.add(s)
		sh.served = append(sh.served, s)
	}
	return sh
}

// fill writes one packet, with number seq, at now.
func (sh *shelf) fill(flow, seq int, key bool, now time.Time) {
	if _, err := sh.flows[flow].Write(packet(sh.flows[flow], seq, key, 100), now); err != nil {
		panic(err)
	}
}

// drain takes all there is at now, as flow id and number; copies are left out.
func (sh *shelf) drain(now time.Time) (out [][2]int) { return sh.taken(now, false, false) }

func (sh *shelf) taken(now time.Time, busy, copies bool) (out [][2]int) {
	for {
		o, ok := sh.take(now, busy)
		switch {
		case !ok:
			return out
		case o.copy && !copies:
		case o.p == nil:
			out = append(out, [2]int{0, len(o.raw)})
		default:
			out = append(out, [2]int{int(o.flow), number(o.p.Data)})
		}
	}
}

// Control goes first, then audio, video that was asked for again, the base layers, the other layers.
func TestQueueOrder(t *testing.T) {
	high := videoFormat
	high.RID, high.Rank = "f", 1
	low := videoFormat
	low.RID = "q"
	sh := newShelf(high, low, audioFormat)
	for flow := range 3 {
		sh.fill(flow, 1, true, start)
	}
	if got, want := sh.drain(start), [][2]int{{3, 1}, {2, 1}, {1, 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for flow := range 3 {
		sh.fill(flow, 2, false, start)
	}
	r := sh.flows[0].Ring
	sh.resend(sh.served[0], []*ring.Packet{r.Get(r.Near(1)), r.Get(r.Near(2))}) // 2 is on its way
	sh.push(make([]byte, 7))
	if got, want := sh.drain(start), [][2]int{{0, 7}, {3, 2}, {1, 1}, {2, 2}, {1, 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Flows of a class take turns.
func TestQueueTurns(t *testing.T) {
	sh := newShelf(audioFormat, audioFormat, audioFormat)
	for flow := range 3 {
		for n := range 2 {
			sh.fill(flow, n, false, start)
		}
	}
	got := sh.drain(start)
	for i := range 3 {
		if got[i][1] != 0 || got[i+3][1] != 1 {
			t.Fatalf("got %v: not in turns", got)
		}
	}
}

// A link that was blocked for longer than maxBehind goes on with the next key frame, and says what it left out.
func TestSkipToKeyFrame(t *testing.T) {
	sh := newShelf(videoFormat)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * 10 * time.Millisecond) }
	for n := range 100 { // one second, key frames at 0, 60
		sh.fill(0, n, n%60 == 0, at(n))
	}
	got := sh.drain(at(100)) // 50 ... are fresh enough, 60 is the key frame
	if len(got) != 40 || got[0] != [2]int{1, 60} || got[39] != [2]int{1, 99} {
		t.Fatalf("got %d packets, %v ...", len(got), got[:min(3, len(got))])
	}
	if sh.dropped[dropLate] != 50 || sh.dropped[dropAwaitKey] != 10 {
		t.Errorf("dropped %v", sh.dropped)
	}
	gone := 0
	for _, span := range sh.served[0].left.told {
		gone += int(span.Count)
	}
	if gone != 60 {
		t.Errorf("%d numbers said to be gone, want 60", gone)
	}
}

// Audio has no key frames: what is fresh goes on.
func TestSkipAudio(t *testing.T) {
	sh := newShelf(audioFormat)
	for n := range 100 {
		sh.fill(0, n, false, start.Add(time.Duration(n)*20*time.Millisecond))
	}
	if got := sh.drain(start.Add(2 * time.Second)); len(got) != 25 || got[0][1] != 75 {
		t.Errorf("got %d packets, %v ...", len(got), got[:min(3, len(got))])
	}
}

func TestQueueBounds(t *testing.T) {
	sh := newShelf(audioFormat)
	for range maxControl + 5 {
		sh.push([]byte{0})
	}
	sh.fill(0, 0, false, start)
	sh.drain(start)
	r := sh.flows[0].Ring
	var asked []*ring.Packet
	for n := range maxResends + 7 {
		p := *r.At(0)
		p.Seq = int64(n)
		asked = append(asked, &p)
	}
	for range 3 { // the same again is no more
		sh.resend(sh.served[0], asked[:maxResends])
	}
	sh.resend(sh.served[0], asked[maxResends:maxResends+7])
	if sh.dropped[dropControl] != 5 || sh.dropped[dropResend] != 7 {
		t.Errorf("dropped %v", sh.dropped)
	}
	for range maxFlows - 1 {
		s := newServed(9, sh.flows[0], nil)
		if !sh.fits([]*served{s}) {
			t.Fatal("full too early")
		}
		sh.add(s)
	}
	if sh.fits([]*served{newServed(9, sh.flows[0], nil)}) {
		t.Error("more flows than maxFlows")
	}
	if got := sh.drain(start); len(got) != maxResends {
		t.Errorf("%d packets wait, want %d", len(got), maxResends)
	}
	sh.remove(sh.served[0])
	sh.fill(0, 1, false, start)
	if got := sh.drain(start); len(got) != maxFlows-1 {
		t.Errorf("%d flows go on, want %d", len(got), maxFlows-1)
	}
}

func TestBitset(t *testing.T) {
	var b bitset
	if _, ok := b.after(0); ok {
		t.Error("empty, and has one")
	}
	for _, i := range []int{0, 63, 64, 1000, maxFlows - 1} {
		b.set(i)
	}
	for _, row := range [][2]int{{0, 63}, {63, 64}, {64, 1000}, {1000, maxFlows - 1}, {maxFlows - 1, 0}, {998, 1000}} {
		if got, ok := b.after(row[0]); !ok || got != row[1] {
			t.Errorf("after %d: got %d %v, want %d", row[0], got, ok, row[1])
		}
	}
	b.clear(63)
	if got, _ := b.after(0); got != 64 {
		t.Errorf("after clearing 63: got %d", got)
	}
}

// A sender whose connection has no room carries what is urgent, and nothing else.
func TestQueueOfBusySender(t *testing.T) {
	sh := newShelf(videoFormat, audioFormat)
	for flow := range 2 {
		sh.fill(flow, 1, true, start)
	}
	sh.drain(start)
	for flow := range 2 {
		r := sh.flows[flow].Ring
		sh.resend(sh.served[flow], []*ring.Packet{r.Get(r.Near(1))})
		sh.fill(flow, 2, false, start)
	}
	sh.push(make([]byte, 7))
	if got, want := sh.taken(start, true, true), [][2]int{{0, 7}, {2, 1}, {2, 2}, {2, 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := sh.taken(start, false, true), [][2]int{{1, 1}, {1, 2}}; !slices.Equal(got, want) {
		t.Errorf("with room: got %v, want %v", got, want)
	}
}

// Each audio packet goes once more, beside the next; not while the path is full, and not behind a silence.
func TestAudioCopies(t *testing.T) {
	sh := newShelf(audioFormat, videoFormat)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * 20 * time.Millisecond) }
	step := func(n int) [][2]int {
		sh.fill(0, n, false, at(n))
		sh.fill(1, n, true, at(n))
		return sh.taken(at(n), false, true)
	}
	for _, row := range []struct {
		n, copy int
	}{{1, 0}, {2, 1}, {3, 2}, {20, 0}, {21, 20}} {
		want := [][2]int{{1, row.n}, {1, row.copy}, {2, row.n}}
		if row.copy == 0 {
			want = [][2]int{{1, row.n}, {2, row.n}}
		}
		if got := step(row.n); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	sh.setCopying(false)
	if got := step(22); len(got) != 2 {
		t.Errorf("on a full path: got %v", got)
	}
	sh.setCopying(true)
	for n := 23; n < 23+2*maxCopies; n++ { // nobody takes copies
		sh.fill(0, n, false, at(23))
		sh.mu.Lock()
		s, p := sh.live(classAudio, at(23))
		sh.repeat(s, p)
		sh.mu.Unlock()
	}
	if len(sh.copies) != maxCopies {
		t.Errorf("%d copies wait, at most %d are right", len(sh.copies), maxCopies)
	}
}

func BenchmarkQueue(b *testing.B) {
	sh := newShelf(audioFormat, videoFormat)
	data := packet(sh.flows[1], 1, false, 1000)
	now := time.Now()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		data[2], data[3] = byte(n>>8), byte(n)
		if _, err := sh.flows[1].Write(data, now); err != nil {
			b.Fatal(err)
		}
		if _, ok := sh.take(now, false); !ok {
			b.Fatal("nothing to take")
		}
	}
}

// Video keeps to its pace on a narrow path, and audio passes it.
func TestPace(t *testing.T) {
	sh := newShelf(audioFormat, videoFormat)
	sh.setPace(100 * float64(len(packet(sh.flows[1], 0, true, 100))+packetCost)) // 100 packets a second
	for n := range 50 {
		sh.fill(1, n, n == 0, start)
	}
	videos := 0
	for ms := 0; ms <= 200; ms += 2 {
		now := start.Add(time.Duration(ms) * time.Millisecond)
		if ms%20 == 0 {
			sh.fill(0, ms, false, now)
		}
		audio := 0
		for _, o := range sh.drain(now) {
			if o[0] == 1 {
				audio++
			} else {
				videos++
			}
		}
		if ms%20 == 0 && audio != 1 {
			t.Fatalf("at %d ms: %d packets of audio go, want 1", ms, audio)
		}
	}
	if videos < 20 || videos > 22 {
		t.Errorf("%d packets of video in 200 ms, want 20 or 21", videos)
	}
	sh.turns.mu.Lock()
	sh.turns.more = false
	sh.turns.mu.Unlock()
	sh.take(start.Add(200*time.Millisecond), false)
	eventually(t, "told when there is more to take", func() bool {
		sh.turns.mu.Lock()
		defer sh.turns.mu.Unlock()
		return sh.turns.more
	})
	sh.setPace(0)
	if got := sh.drain(start.Add(200 * time.Millisecond)); len(got) != 50-videos {
		t.Errorf("%d packets go at once, want %d", len(got), 50-videos)
	}
}

// What was asked for again of layers above the base is dropped when the path gets full.
func TestForget(t *testing.T) {
	sh := newShelf(audioFormat, layer(0), layer(1))
	for flow := range 3 {
		sh.fill(flow, 1, true, start)
	}
	sh.drain(start)
	again := func(flow int) int {
		r := sh.flows[flow].Ring
		return sh.resend(sh.served[flow], []*ring.Packet{r.Get(r.Near(1))})
	}
	for flow := range 3 {
		again(flow)
	}
	sh.forget()
	if got, want := sh.drain(start), [][2]int{{1, 1}, {2, 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if sh.dropped[dropShed] != 1 || again(2) != 1 {
		t.Errorf("dropped %v, and it cannot be asked for again", sh.dropped)
	}
}

// Taking costs no memory, whatever there is to take.
func TestTakeAllocs(t *testing.T) {
	sh := newShelf(audioFormat, videoFormat)
	now := start
	n := 0
	data := [2][]byte{packet(sh.flows[0], 0, false, 100), packet(sh.flows[1], 0, true, 100)}
	write := func() {
		n++
		now = now.Add(20 * time.Millisecond)
		for i, f := range sh.flows {
			data[i][2], data[i][3] = byte(n>>8), byte(n)
			if _, err := f.Write(data[i], now); err != nil {
				t.Fatal(err)
			}
		}
	}
	take := func() {
		for {
			if _, ok := sh.take(now, false); !ok {
				return
			}
		}
	}
	for range 100 {
		write()
		take()
	}
	wrote := testing.AllocsPerRun(100, write)
	took := testing.AllocsPerRun(100, func() { write(); take() })
	if took > wrote {
		t.Errorf("%v allocations, %v of them for writing", took, wrote)
	}
}

// A queue that ends leaves no timer, and paces no more.
func TestQueueStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sh := newShelf(videoFormat)
		sh.stop() // never paced
		sh.setPace(1)
		sh.fill(0, 1, true, time.Now())
		sh.fill(0, 2, false, time.Now())
		if got := sh.drain(time.Now()); len(got) != 1 {
			t.Fatalf("%v go at one byte a second", got)
		}
		sh.stop()
		if sh.timer.Stop() {
			t.Error("its timer runs")
		}
		if got := sh.drain(time.Now()); len(got) != 1 {
			t.Errorf("%v go after the end, want what waited", got)
		}
	})
}
