package relay

import (
	"slices"
	"testing"
	"time"

	"freshet/cluster/stream"
)

// Fifty downstream nodes, one of which takes nothing: the writer and the other forty-nine pay nothing for it,
// and what it is behind is a number.
func TestCrowdWithOneDeadSlow(t *testing.T) {
	const nodes = 50
	f := stream.New("a", 1, nil, []stream.Format{videoFormat}, func(*stream.Flow) {}).Flows[0]
	var crowd []*shelf
	for range nodes {
		sh := &shelf{dropped: map[dropReason]int{}, flows: []*stream.Flow{f}}
		sh.queue = newQueue(maxBehind, func(why dropReason, n int) { sh.dropped[why] += n })
		sh.served = []*served{newServed(1, f, nil)}
		sh.add(sh.served[0])
		crowd = append(crowd, sh)
	}
	slow, rest := crowd[0], crowd[1:]
	n := 0
	round := func() {
		now := later20(n)
		rest[0].fill(0, n, n%100 == 0, now)
		for _, sh := range rest {
			if out, ok := sh.take(now, false); !ok || number(out.p.Data) != n {
				t.Fatalf("packet %d does not go at once", n)
			}
		}
		n++
	}
	for range 5000 { // 100 s
		round()
	}
	with := testing.AllocsPerRun(200, round)
	if len(slow.control)+len(slow.resends)+len(slow.sounds)+len(slow.copies) != 0 {
		t.Error("packets wait in the slow one's queue")
	}
	if behind := f.Ring.Head() - slow.served[0].cursor; behind != int64(n) {
		t.Errorf("it is %d packets behind, want %d", behind, n)
	}
	slow.remove(slow.served[0])
	if without := testing.AllocsPerRun(200, round); with > without {
		t.Errorf("a round costs %v allocations with the slow one and %v without", with, without)
	}

	slow.served[0] = newServed(1, f, nil) // and one that comes back after long goes on at a key frame
	slow.add(slow.served[0])
	for range 5000 {
		round()
	}
	now := later20(n)
	last := n - n%100 // the last key frame
	round()
	for now.Sub(later20(last)) <= maxBehind { // let it grow old
		now = now.Add(100 * time.Millisecond)
	}
	if got := slow.drain(now); len(got) != 0 {
		t.Errorf("%d packets of before a key frame go", len(got))
	}
	slow.fill(0, n, true, now)
	if got := slow.drain(now); !slices.Equal(got, [][2]int{{1, n}}) {
		t.Errorf("got %v, want %d", got, n)
	}
	told := 0
	for _, span := range slow.served[0].left.told {
		told += int(span.Count)
	}
	if told != maxGone {
		t.Errorf("%d numbers told as gone, want %d", told, maxGone)
	}
}
