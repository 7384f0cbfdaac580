package impair

import (
	"testing"
	"time"
)

// enters has w take n segments of size bytes at the same moment, and returns when each arrives.
func enters(t *testing.T, w *way, at time.Time, n, size int) (due []time.Duration) {
	t.Helper()
	last := time.Time{}
	for i := range n {
		e := w.enter(at, last, size)
		if !e.ok {
			t.Fatalf("segment %d is not let in", i)
		}
		if e.at.Before(last) {
			t.Fatalf("segment %d arrives %v before the one ahead of it", i, last.Sub(e.at))
		}
		last = e.at
		due = append(due, e.at.Sub(epoch))
	}
	return due
}

// TestWayRate: segments leave one after the other, all connections' in one queue, which holds what Buffer says.
func TestWayRate(t *testing.T) {
	const ms = time.Millisecond
	w := newWay(1, 1, segmentOverhead4, Path{Rate: 8_000_000, Buffer: 5 * ms, Delay: 40 * ms}) // 1,000 bytes are 1 ms
	for i, due := range enters(t, w, epoch, 6, 1000-segmentOverhead4) {
		if want := time.Duration(i+1)*ms + 40*ms; due != want {
			t.Errorf("segment %d arrives after %v, want %v", i, due, want)
		}
	}
	e := w.enter(epoch, time.Time{}, 1000-segmentOverhead4)
	if e.ok || !e.at.Equal(after(ms)) {
		t.Errorf("beyond the buffer: %+v, want that one asks again after 1 ms", e)
	}
	if e := w.enter(after(ms), time.Time{}, 1000-segmentOverhead4); !e.ok || !e.at.Equal(after(47*ms)) {
		t.Errorf("once there is room: %+v, want that it arrives after 47 ms", e)
	}
}

// TestWayCut: nothing is let in, and a change of the path is told.
func TestWayCut(t *testing.T) {
	for _, path := range []Path{{Cut: true}, {Loss: 1}} {
		w := newWay(1, 1, segmentOverhead4, path)
		e := w.enter(epoch, time.Time{}, 100)
		if e.ok || !e.at.IsZero() {
			t.Errorf("%v: %+v, want that one waits for a change", path, e)
		}
		w.set(Path{})
		select {
		case <-e.changed:
		default:
			t.Errorf("%v: the change is not told", path)
		}
		if e := w.enter(epoch, time.Time{}, 100); !e.ok {
			t.Errorf("%v: still shut after the change", path)
		}
	}
}

// TestWayLoss: as many are lost as the path says, and come by as much later as often they were; one connection's
// loss does not hold up another's.
func TestWayLoss(t *testing.T) {
	const n, delay = 100_000, 50 * time.Millisecond
	const first = leastResend + 2*delay
	for _, row := range []struct {
		path Path
		low  int // of n
		high int
	}{{Path{Loss: 0.02, Delay: delay}, 1800, 2200}, {Path{Loss: 0.2, Burst: 5, Delay: delay}, 18_000, 22_000}} {
		w := newWay(3, 1, segmentOverhead4, row.path)
		resent := map[time.Duration]int{}
		for range n {
			e := w.enter(epoch, time.Time{}, 100)
			resent[e.at.Sub(epoch)-delay]++
		}
		lost := n - resent[0]
		if lost < row.low || lost > row.high || w.stats.Lost != (Count{uint64(lost), uint64(100 * lost)}) {
			t.Errorf("%v: %d of %d late, %+v counted, want %d to %d, and as many counted", row.path, lost, n, w.stats.Lost, row.low, row.high)
		}
		again := lost - resent[first]
		if share := float64(again) / float64(lost); share < row.path.Loss/2 || share > row.path.Loss*3/2 {
			t.Errorf("%v: %v of those lost again, want some %v", row.path, share, row.path.Loss)
		}
		for late := range resent {
			if late != 0 && (late%first != 0 || (late/first)&(late/first+1) != 0 || late > (1<<maxResent-1)*first) {
				t.Errorf("%v: one is late by %v, want 1, 3, 7 … 63 times %v", row.path, late, first)
			}
		}
	}
}

// TestWayReorder: jitter that would change the order has the early wait for the late.
func TestWayReorder(t *testing.T) {
	const jitter = 20 * time.Millisecond
	w := newWay(1, 1, segmentOverhead4, Path{Jitter: jitter, Reorder: true})
	due := enters(t, w, epoch, 1000, 100)
	if last := due[len(due)-1]; last < jitter*9/10 || last > jitter {
		t.Errorf("the last arrives after %v, want as late as the worst draw of %v", last, jitter)
	}
}
