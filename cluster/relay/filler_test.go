package relay

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// A subscriber begins behind the last number that it has, and where that is further back than a backfill may
// reach, with the newest group.
func TestMissedSpan(t *testing.T) {
	for _, row := range []struct{ jump, count int }{
		{maxSpan + 3, maxSpan - 1},
		{maxSpan + 4, 1},
	} {
		sh := newShelf(videoFormat)
		for n := range 10 {
			sh.fill(0, n, n == 0, later20(n))
		}
		sh.fill(0, row.jump, true, later20(10))
		b := missed(newServed(9, sh.flows[0], nil), []*pb.Have{{Track: "v", Sequence: 4}}, false, later20(11))
		if b == nil || int(b.end-b.next) != row.count {
			t.Errorf("numbers jump to %d: %+v, want %d packets", row.jump, b, row.count)
		}
	}
}

// Groups that are of no use any more make way for others, and are not thought to be on their way.
func TestFillerOverfull(t *testing.T) {
	_, l := inMemory("origin", "origin")
	f := newFiller(l)
	sh := newShelf(videoFormat)
	for n := range maxJobs + 5 {
		b := &backfill{served: sh.served[0], begun: sh.served[0].begun.Load(), end: 3}
		f.add(b)
		if n == 9 {
			sh.served[0].begun.Add(1)
		}
	}
	if len(f.jobs) != maxJobs-5 || f.left.Load() != 3*(maxJobs-5) {
		t.Errorf("%d jobs, %d packets", len(f.jobs), f.left.Load())
	}
	for range 7 {
		f.add(&backfill{served: sh.served[0], begun: sh.served[0].begun.Load(), end: 3})
	}
	if len(f.jobs) != maxJobs || f.left.Load() != 3*maxJobs || !f.busy() {
		t.Errorf("%d jobs, %d packets", len(f.jobs), f.left.Load())
	}
	for range maxJobs {
		p, ok := f.take()
		if !ok || p.first != 0 || p.end != 3 || p.job.over() {
			t.Fatalf("%+v, %v", p, ok)
		}
	}
	if p, ok := f.take(); ok || f.busy() {
		t.Errorf("%+v is left, %d packets", p, f.left.Load())
	}
}

// Groups go by turns, in small parts, and whole to who knows no parts.
func TestParts(t *testing.T) {
	_, l := inMemory("origin", "origin")
	for _, row := range []struct {
		version uint32
		want    [][2]int64
	}{
		{rtpq.Version, [][2]int64{{0, partPackets}, {7, 9}, {partPackets, 2 * partPackets}, {2 * partPackets, 2*partPackets + 1}}},
		{rtpq.VersionOne, [][2]int64{{0, 2*partPackets + 1}, {7, 9}}},
	} {
		l.version = row.version
		f := newFiller(l)
		sv := newShelf(videoFormat).served[0]
		f.add(&backfill{served: sv, begun: sv.begun.Load(), end: 2*partPackets + 1}, &backfill{served: sv, begun: sv.begun.Load(), next: 7, end: 9})
		var got [][2]int64
		for p, ok := f.take(); ok; p, ok = f.take() {
			got = append(got, [2]int64{p.first, p.end})
			if h := f.header(sv.id, p.first, p.end); h.Flow != sv.id || (h.Count > 0) != (row.version > rtpq.VersionOne) {
				t.Errorf("version %d: a stream of %+v", row.version, h)
			}
		}
		if !slices.Equal(got, row.want) || f.busy() {
			t.Errorf("version %d: parts %v, want %v", row.version, got, row.want)
		}
	}
}

// What a connection could not send, others are asked to, and not for ever.
func TestPartFails(t *testing.T) {
	r, l := inMemory("origin", "origin")
	l.version = rtpq.Version
	f := newFiller(l)
	sv := newShelf(videoFormat).served[0]
	f.add(&backfill{served: sv, begun: sv.begun.Load(), end: 5})
	for n := range partTries {
		p, ok := f.take()
		if !ok || p.first != 0 || p.end != 5 {
			t.Fatalf("try %d: %+v, %v", n, p, ok)
		}
		f.again(p)
	}
	if p, ok := f.take(); ok || f.busy() {
		t.Errorf("%+v once more", p)
	}
	if n := testutil.ToFloat64(r.m.drops.WithLabelValues(string(dropGroup))); n != 5 {
		t.Errorf("%v packets counted as dropped, want 5", n)
	}
}
