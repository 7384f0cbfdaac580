package relay

import (
	"testing"

	"github.com/quic-go/quic-go"

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
		f.left.Add(-3)
		f.take()
	}
	if f.take() != nil || f.busy() {
		t.Errorf("%d packets are left of nothing", f.left.Load())
	}
}

// Groups go over the connections by turns, and give their place back.
func TestGroupsSpread(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	m.node("edge", nodeConfig{}, origin.up())
	l := origin.linkTo(t, "edge", baseConns)
	f := newFiller(l)
	var over []func()
	took := map[*quic.Conn]int64{}
	for range 3 * baseConns {
		c, size := f.choose(l.all(), &backfill{end: 1000})
		took[c.quic] += size
		over = append(over, func() { f.give(c, size) })
	}
	if len(took) != baseConns {
		t.Errorf("%d of %d connections have a group", len(took), baseConns)
	}
	for _, f := range over {
		f()
	}
	if f.load != [rtpq.MaxConns]int64{} {
		t.Errorf("nothing is under way, but %v", f.load)
	}
}
