package estimate

import (
	"testing"
	"time"
)

func TestHistoryFindsWhatItRemembers(t *testing.T) {
	var h history
	sent := map[uint16]uint32{} // ticks
	order := []uint16{}
	at := uint32(1<<32 - 4000) // wraps around within the test
	for i := range 70_000 {
		if i%7 == 0 {
			at += burstTicks
		}
		n := h.add(at, 100+i%7)
		if n != uint16(i) {
			t.Fatalf("number %d, want %d", n, uint16(i))
		}
		sent[n] = at
		order = append(order, n)
	}
	remembered := order[len(order)-kept*7:]
	for _, guess := range []int{0, h.oldest(), h.count - 1, h.count + 5} {
		for _, n := range remembered {
			i, ok := h.find(n, guess)
			if !ok || h.burst(i).at != sent[n] || !h.has(i, n) {
				t.Fatalf("packet %d, guess %d: burst %d, %v", n, guess, i, ok)
			}
		}
	}
	oldest := h.burst(h.oldest()).first
	for _, n := range []uint16{h.next, h.next + 1, h.next + 30_000, oldest - 1, oldest - 30_000} {
		if i, ok := h.find(n, h.oldest()); ok {
			t.Errorf("packet %d, of %d to %d: found in burst %d", n, oldest, h.next-1, i)
		}
	}
}

func TestHistoryBounds(t *testing.T) {
	var h history
	for range 10 * kept * burstMost {
		h.add(5, 1200) // all at once
	}
	if n := h.next - h.burst(h.oldest()).first; n >= 1<<15 {
		t.Errorf("remembers %d numbers: one could mean two packets", n)
	}
	var empty history
	if _, ok := empty.find(0, 0); ok {
		t.Error("found a packet in nothing")
	}
}

func TestBursts(t *testing.T) {
	var h history
	for _, row := range []struct {
		at     time.Duration
		size   int
		bursts int
		mean   int
	}{
		{time.Second, 1000, 1, 1000},
		{time.Second, 500, 1, 750},
		{time.Second + 4*time.Millisecond, 600, 1, 700},
		{time.Second + 5*time.Millisecond, 100, 2, 100},
	} {
		h.add(ticks(row.at), row.size)
		if got := h.burst(h.count - 1).size(); h.count != row.bursts || got != row.mean {
			t.Errorf("at %v: %d bursts, a mean of %d, want %d and %d", row.at, h.count, got, row.bursts, row.mean)
		}
	}
}
