package relay

import (
	"testing"
	"time"
)

func TestVigil(t *testing.T) {
	const ms = time.Millisecond
	type spell struct { // from after on, things come and answers come, or not
		after          time.Duration
		comes, answers bool
	}
	for _, row := range []struct {
		name          string
		plain         bool // the peer gives no answers
		spells        []spell
		stall         time.Duration // this node stands still for so long, from 1 s on; -1: it looks each 150 ms only
		suspect, dead time.Duration // after the start; 0 is never
	}{
		{"well", false, []spell{{0, true, true}}, 0, 0, 0},
		{"well and plain", true, []spell{{0, true, false}}, 0, 0, 0},
		{"mute", false, []spell{{0, true, true}, {2000 * ms, false, false}}, 0, 2150 * ms, 2400 * ms},
		{"mute and plain", true, []spell{{0, true, false}, {2000 * ms, false, false}}, 0, 2150 * ms, 2400 * ms},
		{"deaf", false, []spell{{0, true, true}, {2000 * ms, true, false}}, 0, 2250 * ms, 2600 * ms},
		{"mute from the beginning", false, []spell{{0, false, false}}, 0, 150 * ms, 400 * ms},
		{"mute for a moment", false, []spell{{0, true, true}, {2000 * ms, false, false}, {2300 * ms, true, true}}, 0, 2150 * ms, 0},
		{"deaf for a moment", false, []spell{{0, true, true}, {2000 * ms, true, false}, {2500 * ms, true, true}}, 0, 2250 * ms, 0},
		{"this node stands still", false, []spell{{0, true, true}, {1000 * ms, false, false}, {1800 * ms, true, true}}, 750 * ms, 0, 0},
		{"it stands still, and the peer is gone", false, []spell{{0, true, true}, {1000 * ms, false, false}}, 1000 * ms, 2100 * ms, 2350 * ms},
		{"it stands still for longer than its peers wait", false, []spell{{0, true, true}}, 2100 * ms, 0, 3100 * ms},
		{"it stands still again and again, and the peer is gone", false, []spell{{0, true, true}, {1000 * ms, false, false}}, -1, 1350 * ms, 2100 * ms},
	} {
		t.Run(row.name, func(t *testing.T) {
			var v vigil
			heard, answered := start, start
			var suspected, died time.Duration
			for at := time.Duration(0); at < 4*time.Second; at += vigilEvery {
				if at > time.Second && (at < time.Second+row.stall || row.stall < 0 && at%(150*ms) > 0) {
					continue
				}
				var s spell
				for _, next := range row.spells {
					if at >= next.after {
						s = next
					}
				}
				now := start.Add(at)
				if s.comes {
					heard = now
				}
				if s.answers {
					answered = now
				}
				unanswered := now.Sub(answered)
				if row.plain {
					unanswered = 0
				}
				got := v.look(now.Sub(heard), unanswered, now)
				if got == suspect && suspected == 0 {
					suspected = at
				}
				if got == dead && died == 0 {
					died = at
				}
			}
			near := func(got, want time.Duration) bool { return got <= want && got >= want-vigilEvery }
			if !near(suspected, row.suspect) || !near(died, row.dead) {
				t.Errorf("suspect after %v and dead after %v, want %v and %v", suspected, died, row.suspect, row.dead)
			}
		})
	}
}
