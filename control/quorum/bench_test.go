package quorum

import (
	"strconv"
	"sync/atomic"
	"testing"
)

// BenchmarkApply is one writer at the leader of three, with fsync on each: the disk's time, mostly.
func BenchmarkApply(b *testing.B) {
	c := newCluster(b, 3)
	l := c.leader()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		c.apply(l, setting("a", strconv.Itoa(n)))
	}
}

// BenchmarkApplyTogether is 64 writers at a follower: what waits together is written together.
func BenchmarkApplyTogether(b *testing.B) {
	c := newCluster(b, 3)
	f := c.follower()
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.apply(f, setting("a", strconv.FormatInt(n.Add(1), 10)))
		}
	})
}

// BenchmarkRead is one reader at a follower.
func BenchmarkRead(b *testing.B) {
	c := newCluster(b, 3)
	f := c.follower()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
