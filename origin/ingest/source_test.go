package ingest

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Numbers of a publisher that pads, reorders, doubles and wraps come out without a gap but for what was
// lost, in the same order, each once.
func TestNumbersRunOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := source{rate: 90000}
		next := rapid.Uint16().Draw(t, "first")
		ext, _, _, _ := s.follow(next)
		s.anchor(ext, 100_000, 0, 0, 0)
		want := int64(100_000)
		if got, ok := s.out(ext); !ok || got != want {
			t.Fatalf("first: %d %v", got, ok)
		}
		var lost []uint16              // left out so far
		promised := map[uint16]int64{} // what each of them must become
		for range rapid.IntRange(1, 300).Draw(t, "n") {
			next++
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0: // padding
				ext, _, _, _ := s.follow(next)
				s.strip(ext)
				if _, ok := s.out(ext); ok {
					t.Fatal("padding has a place in the stream")
				}
			case 1: // comes later
				want++
				lost, promised[next] = append(lost, next), want
			case 2: // one comes late
				next--
				if len(lost) == 0 {
					continue
				}
				ext, what, _, _ := s.follow(lost[0])
				if got, ok := s.out(ext); !ok || got != promised[lost[0]] || what != stepKeep {
					t.Fatalf("late %d: got %d %v, want %d", lost[0], got, ok, promised[lost[0]])
				}
				lost = slices.Delete(lost, 0, 1)
			default:
				want++
				ext, _, _, _ := s.follow(next)
				if got, ok := s.out(ext); !ok || got != want {
					t.Fatalf("%d: got %d %v, want %d", next, got, ok, want)
				}
			}
		}
	})
}

func TestFollow(t *testing.T) {
	type want struct {
		seq     uint16
		what    step
		missing int64
		late    bool
	}
	for name, rows := range map[string][]want{
		"in order over the wrap": {{65534, stepKeep, 0, false}, {65535, stepKeep, 0, false}, {0, stepKeep, 0, false}},
		"loss, then late":        {{10, stepKeep, 0, false}, {13, stepKeep, 2, false}, {11, stepKeep, 0, true}},
		"one number astray":      {{10, stepKeep, 0, false}, {20000, stepDrop, 0, false}, {11, stepKeep, 0, false}},
		"a long gap":             {{10, stepKeep, 0, false}, {20000, stepDrop, 0, false}, {20001, stepKeep, 19990, false}},
		"counts anew":            {{30000, stepKeep, 0, false}, {7, stepDrop, 0, false}, {8, stepReset, 0, false}, {9, stepKeep, 0, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var s source
			for i, w := range rows {
				if _, what, missing, late := s.follow(w.seq); what != w.what || missing != w.missing || late != w.late {
					t.Fatalf("row %d: got %d %d %v, want %+v", i, what, missing, late, w)
				}
			}
		})
	}
}

// Packets from before a publisher was on the air have no place; nor has padding beyond what is remembered.
func TestOld(t *testing.T) {
	var s source
	ext, _, _, _ := s.follow(1000)
	s.anchor(ext, 1<<20, 0, 0, 0)
	if _, ok := s.out(ext - 1); ok {
		t.Error("a packet from before has a place")
	}
	for i := range uint16(maxStripped + 1) {
		e, _, _, _ := s.follow(1001 + i)
		s.strip(e)
	}
	e, _, _, _ := s.follow(1001 + maxStripped + 1)
	if got, ok := s.out(e); !ok || got != 1<<20+1 {
		t.Errorf("after %d of padding: %d %v", maxStripped+1, got-1<<20, ok)
	}
}

// The offset of a publisher's clock is that of its fastest report, drifts with it, and survives nonsense.
func TestPublisherClock(t *testing.T) {
	var c publisherClock
	now := time.Unix(1_800_000_000, 0)
	ntp := now.Add(-time.Hour) // the publisher's clock is an hour late
	report := func(delay time.Duration) bool {
		ok := c.plausible(ntp, now.Add(delay))
		if ok {
			c.add(ntp, now.Add(delay))
		}
		return ok
	}
	for _, delay := range []time.Duration{80 * time.Millisecond, 30 * time.Millisecond, 200 * time.Millisecond} {
		report(delay)
		now, ntp = now.Add(time.Second), ntp.Add(time.Second)
	}
	if d, ok := c.offset(); !ok || d != time.Hour+30*time.Millisecond {
		t.Fatalf("offset: %v", d)
	}
	for range 200 { // 1 ms/s of drift, for 200 s
		now, ntp = now.Add(time.Second), ntp.Add(time.Second-time.Millisecond)
		report(30 * time.Millisecond)
	}
	if d, _ := c.offset(); d < time.Hour+80*time.Millisecond || d > time.Hour+230*time.Millisecond {
		t.Errorf("offset after drift: %v", d)
	}
	ntp = ntp.Add(24 * time.Hour)
	refused := 0
	for !report(0) {
		refused++
	}
	if refused != maxDoubt {
		t.Errorf("a clock that was set is believed after %d reports, want %d", refused, maxDoubt)
	}
}
