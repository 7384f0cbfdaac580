package ring

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func pkt(seq int64, at time.Time, size int) Packet {
	return Packet{Seq: seq, At: at, Data: make([]byte, size), Header: 12, Timestamp: uint32(seq)}
}

func TestDuplicatesAndOldPacketsAreRefused(t *testing.T) {
	r := New()
	for _, row := range []struct {
		seq  int64
		want bool
	}{{70000, true}, {70000, false}, {70002, true}, {70001, true}, {70001, false}, {60000, true}, {70000 - maxSlots, false}} {
		if got := r.Write(pkt(row.seq, start, 100)); got != row.want {
			t.Errorf("write %d: got %v, want %v", row.seq, got, row.want)
		}
	}
	if r.High() != 70002 || r.Head() != 4 {
		t.Errorf("high %d head %d, want 70002 and 4", r.High(), r.Head())
	}
	if p := r.At(2); p == nil || p.Seq != 70001 {
		t.Errorf("third arrival is %+v, want 70001", p)
	}
}

func TestGroupsAndEviction(t *testing.T) {
	r := New()
	seq, now := int64(1000), start
	second := func(key bool) {
		for i := range 100 {
			p := pkt(seq, now, 1000)
			p.Key = key && i == 0
			r.Write(p)
			seq++
			now = now.Add(10 * time.Millisecond)
		}
	}
	second(true)
	for range 4 {
		second(false)
	}
	if g, ok := r.Newest(); !ok || g.First != 1000 {
		t.Fatalf("newest group %+v %v, want the one from 1000: 5 s of one group stay", g, ok)
	}
	second(true)
	second(false)
	second(false)
	if r.Get(1000) == nil {
		t.Error("the older group is gone while viewers who started with it may be catching up")
	}
	second(false)
	if r.Get(1000) != nil {
		t.Error("the older group is still there 4 s after the newer began")
	}
	if g, ok := r.Newest(); !ok || g.First != 1500 {
		t.Fatalf("newest group %+v %v, want the one from 1500", g, ok)
	}
	for range 12 {
		second(false)
	}
	if g, ok := r.Newest(); ok {
		t.Errorf("a group of 15 s is still offered: %+v", g)
	}
	if got := r.Head() - r.tail; got > 1210 {
		t.Errorf("ring keeps %d packets, want 12 s (1,200)", got)
	}
}

func TestBytesAreBounded(t *testing.T) {
	r := New()
	for i := range int64(40000) {
		p := pkt(i+100, start.Add(time.Duration(i)*100*time.Microsecond), 1200)
		p.Key = i == 0
		r.Write(p)
	}
	if r.bytes > MaxBytes {
		t.Errorf("ring holds %d bytes, more than %d", r.bytes, MaxBytes)
	}
	if r.Get(100+39999) == nil {
		t.Error("the newest packet is missing")
	}
}

// A jump in the numbers (a publisher that starts again) leaves the ring usable.
func TestJump(t *testing.T) {
	r := New()
	for i := range int64(600) {
		r.Write(pkt(100+i, start, 100))
	}
	for i := range int64(600) {
		if !r.Write(pkt(1_000_000+i, start.Add(3*time.Second), 100)) {
			t.Fatalf("packet %d after the jump was refused", i)
		}
	}
	if r.Get(1_000_599) == nil || r.Get(150) != nil {
		t.Error("after the jump and 3 s: want the new packets and not the old")
	}
}

// Whatever arrives, the ring agrees with a plain map of the packets it took.
func TestAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, now := New(), start
		base := int64(1 << 16)
		taken := map[int64]bool{}
		for range rapid.IntRange(1, 3000).Draw(t, "n") {
			base += rapid.Int64Range(0, 3).Draw(t, "step")
			seq := base - rapid.Int64Range(0, 40).Draw(t, "late")
			now = now.Add(time.Millisecond)
			fresh := r.Write(pkt(seq, now, 50))
			if fresh == taken[seq] {
				t.Fatalf("seq %d: fresh %v, but taken before: %v", seq, fresh, taken[seq])
			}
			taken[seq] = true
			if p := r.Get(seq); p == nil || p.Seq != seq {
				t.Fatalf("seq %d is not found after it was written", seq)
			}
		}
	})
}

// Readers that follow by Index see each packet once and in order while the ring grows and evicts.
func TestReadersFollow(t *testing.T) {
	const packets, readers = 30000, 8
	r := New()
	var wg sync.WaitGroup
	var written atomic.Bool
	for range readers {
		wg.Go(func() {
			next, missed := int64(0), 0
			for {
				done := written.Load()
				head := r.Head()
				for ; next < head; next++ {
					p := r.At(next)
					if p == nil {
						missed++ // lapped
						continue
					}
					if p.Index != next || int64(p.Timestamp) != p.Seq {
						t.Errorf("index %d holds %+v", next, p)
						return
					}
				}
				if done && next == packets {
					return
				}
			}
		})
	}
	for i := range int64(packets) {
		r.Write(pkt(i+1<<16, start.Add(time.Duration(i)*time.Millisecond), 40))
	}
	written.Store(true)
	wg.Wait()
}

type counter struct{ n int }

func (c *counter) Wake(*Ring, *Packet) { c.n++ }

func TestWatch(t *testing.T) {
	r := New()
	var a, b counter
	stopA := r.Watch(&a)
	stopB := r.Watch(&b)
	r.Write(pkt(1, start, 10))
	stopA()
	stopA()
	r.Write(pkt(2, start, 10))
	stopB()
	r.Write(pkt(3, start, 10))
	if a.n != 1 || b.n != 2 {
		t.Errorf("watchers were told %d and %d times, want 1 and 2", a.n, b.n)
	}
}

func TestNear(t *testing.T) {
	r := New()
	if got := r.Near(5); got != 1<<16+5 {
		t.Errorf("empty ring: %d", got)
	}
	r.Write(pkt(3<<16-2, start, 10))
	for _, row := range []struct {
		seq  uint16
		want int64
	}{{0, 3 << 16}, {65535, 3<<16 - 1}, {65000, 2<<16 + 65000}, {32000, 3<<16 + 32000}} {
		if got := r.Near(row.seq); got != row.want {
			t.Errorf("near %d: got %d, want %d", row.seq, got, row.want)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	r := New()
	data := make([]byte, 1200)
	now := start
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		now = now.Add(time.Millisecond)
		r.Write(Packet{Seq: i + 1<<16, At: now, Data: data, Header: 12, Key: i%2000 == 0})
	}
}

// What a node writes has two watchers as a rule: a link downstream, and an edge's shard.
func BenchmarkWriteWatched(b *testing.B) {
	r := New()
	var link, shard counter
	defer r.Watch(&link)()
	defer r.Watch(&shard)()
	data := make([]byte, 1200)
	now := start
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		now = now.Add(time.Millisecond)
		r.Write(Packet{Seq: i + 1<<16, At: now, Data: data, Header: 12, Key: i%2000 == 0})
	}
	if link.n == 0 || link.n != shard.n {
		b.Errorf("the watchers were told %d and %d times", link.n, shard.n)
	}
}

// One writer at full speed beside N readers that follow it; the time is the writer's, per packet.
func BenchmarkWriteWithReaders(b *testing.B) {
	for _, n := range []int{1, 4, 16, 64} {
		b.Run(name(n), func(b *testing.B) {
			r := New()
			data := make([]byte, 1200)
			var stop atomic.Bool
			var read atomic.Int64
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					next := int64(0)
					for !stop.Load() {
						head := r.Head()
						for ; next < head; next++ {
							r.At(next)
						}
						read.Add(1)
						time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond) // readers of a 1 ms tick
					}
				})
			}
			now := start
			b.ReportAllocs()
			for i := int64(0); b.Loop(); i++ {
				now = now.Add(time.Millisecond)
				r.Write(Packet{Seq: i + 1<<16, At: now, Data: data, Header: 12, Key: i%2000 == 0})
			}
			stop.Store(true)
			wg.Wait()
		})
	}
}

func BenchmarkRead(b *testing.B) {
	r := New()
	for i := range int64(500) {
		r.Write(pkt(i+1<<16, start, 100))
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := int64(0); pb.Next(); i++ {
			if r.At(i%500) == nil {
				b.Error("missing")
				return
			}
		}
	})
}

func TestWriteDoesNotAllocate(t *testing.T) {
	r := New()
	data := make([]byte, 1200)
	seq, now := int64(1<<16), start
	write := func() {
		seq++
		now = now.Add(time.Millisecond)
		r.Write(Packet{Seq: seq, At: now, Data: data, Header: 12})
	}
	for range 5000 {
		write()
	}
	// One allocation holds chunk packets.
	if got := testing.AllocsPerRun(10*chunk, write); got > 0 {
		t.Errorf("%v allocations a packet, want 0", got)
	}
}

func name(n int) string {
	return map[int]string{1: "readers=1", 4: "readers=4", 16: "readers=16", 64: "readers=64"}[n]
}

// A frame whose parameter sets and first slice travel apart is one group, in whatever order they come.
func TestFrameWithTwoKeysIsOneGroup(t *testing.T) {
	for _, row := range []struct {
		name string
		seqs []int64 // packets 2000 and 2002 of one frame say key, and 3000 of another
		keys []int64 // which keep Key
	}{
		{"in order", []int64{2000, 2001, 2002, 2003, 3000}, []int64{2000, 3000}},
		{"slice first", []int64{2002, 2003, 2000, 2001, 3000}, []int64{2000, 2002, 3000}},
		{"behind a newer frame", []int64{3000, 2000, 2001, 2002, 2003}, []int64{2000, 3000}},
		{"around a newer frame", []int64{2002, 3000, 2003, 2000, 2001}, []int64{2000, 2002, 3000}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := New()
			for _, seq := range row.seqs {
				p := pkt(seq, start, 100)
				p.Timestamp = uint32(seq / 1000)
				p.Key = seq == 2000 || seq == 2002 || seq == 3000
				if !r.Write(p) {
					t.Fatalf("packet %d was refused", seq)
				}
			}
			var groups, keys []int64
			for _, g := range *r.groups.Load() {
				groups = append(groups, g.First)
			}
			for seq := int64(2000); seq <= 3000; seq++ {
				if p := r.Get(seq); p != nil && p.Key {
					keys = append(keys, seq)
				}
			}
			if !slices.Equal(groups, []int64{2000, 3000}) || !slices.Equal(keys, row.keys) {
				t.Errorf("groups %v, keys %v; want [2000 3000] and %v", groups, keys, row.keys)
			}
		})
	}
}

// A group that comes after the live packets in front of it, as at a join, is kept whole, however far
// behind it begins.
func TestGroupBehindLive(t *testing.T) {
	r := New()
	const first, live, end = 70000, 72000, 72100
	for seq := int64(live); seq < end; seq++ {
		r.Write(pkt(seq, start, 1000))
	}
	for seq := int64(first); seq < live; seq++ {
		p := pkt(seq, start, 1000)
		p.Key = seq == first
		if !r.Write(p) {
			t.Fatalf("packet %d was refused", seq)
		}
	}
	for seq := int64(first); seq < end; seq++ {
		if r.Get(seq) == nil {
			t.Fatalf("packet %d is not there", seq)
		}
	}
	if g, ok := r.Newest(); !ok || g.First != first {
		t.Errorf("newest group %+v %v", g, ok)
	}
}
