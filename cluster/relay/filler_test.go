package relay

import (
	"testing"

	pb "freshet/proto"
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
