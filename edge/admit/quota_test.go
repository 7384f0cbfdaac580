package admit

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuota(t *testing.T) {
	q := NewQuota()
	take := func(session, stream string, want Reason) *Seat {
		t.Helper()
		s, why := q.Take(session, stream)
		if why != want || (s == nil) != (want != Open) {
			t.Fatalf("%s on %s: %q, want %q", session, stream, why, want)
		}
		return s
	}
	// Two that get media, and the third is refused until one leaves.
	one, two := take("a", "floor", Open), take("a", "floor", Open)
	if !one.Live() || !two.Live() || !two.Live() {
		t.Error("one of two is too many")
	}
	take("a", "floor", TokenLive)
	other := take("b", "floor", Open)
	one.Leave()
	one.Leave()
	three := take("a", "floor", Open)
	// Eight in all.
	var more []*Seat
	three.Live()
	for i := range liveInAll - 2 {
		s := take("a", strconv.Itoa(i), Open)
		if !s.Live() {
			t.Errorf("the %dth is too many", i+3)
		}
		more = append(more, s)
	}
	take("a", "one more", TokenLive)
	// Four that connect, and what comes of them.
	for range unfinished - 1 {
		more = append(more, take("b", "floor", Open))
	}
	take("b", "floor", TokenUnfinished)
	take("b", "another", TokenUnfinished)
	if !other.Live() || !more[len(more)-1].Live() || more[len(more)-2].Live() {
		t.Error("the third that connected is not too many, or an earlier one is")
	}
	for _, s := range append(more, other, two, three) {
		s.Leave()
		s.Leave()
	}
	if len(q.bearers) != 0 {
		t.Errorf("%d bearers are remembered who have left", len(q.bearers))
	}
}

// Those that stand by have a share of their own, and take nobody's place before they play.
func TestQuotaOfStandbys(t *testing.T) {
	q := NewQuota()
	var by [liveOnStream]*Seat
	for i := range by {
		s, why := q.Stand("a", "floor")
		if why != Open || !s.Live() {
			t.Fatalf("standby %d: %q", i, why)
		}
		by[i] = s
	}
	if _, why := q.Stand("a", "floor"); why != TokenLive {
		t.Errorf("one standby more than may be: %q, want %q", why, TokenLive)
	}
	var seats [liveOnStream]*Seat
	for i := range seats {
		s, why := q.Take("a", "floor")
		if why != Open || !s.Live() {
			t.Fatalf("viewer %d beside standbys: %q", i, why)
		}
		seats[i] = s
	}
	if why := by[0].Play(); why != TokenLive {
		t.Errorf("a standby that plays beside as many as may: %q, want %q", why, TokenLive)
	}
	seats[0].Leave()
	if why := by[0].Play(); why != Open || by[0].Play() != Open {
		t.Errorf("a standby that plays where one has left: %q", why)
	}
	if why := by[0].Pause(); why != Open || by[0].Pause() != Open {
		t.Errorf("and stands by again: %q", why)
	}
	if why := seats[1].Pause(); why != TokenLive {
		t.Errorf("a viewer that would be one standby too many: %q, want %q", why, TokenLive)
	}
	for _, s := range append(by[:], seats[:]...) {
		s.Leave()
	}
	if len(q.bearers) != 0 {
		t.Errorf("%d bearers are remembered who have left", len(q.bearers))
	}
}

// Whatever comes and goes, nothing is counted twice or for ever.
func TestQuotaIsGivenBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := NewQuota()
		var seats []*Seat
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			session, stream := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "session"), rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "stream")
			take := rapid.SampledFrom([]func(string, string) (*Seat, Reason){q.Take, q.Stand}).Draw(t, "how")
			if s, why := take(session, stream); why == Open {
				seats = append(seats, s)
			}
			for range rapid.IntRange(0, 3).Draw(t, "later") {
				if len(seats) == 0 {
					continue
				}
				s := rapid.SampledFrom(seats).Draw(t, "seat")
				switch rapid.IntRange(0, 3).Draw(t, "does") {
				case 0:
					s.Leave()
				case 1:
					s.Play()
				case 2:
					s.Pause()
				case 3:
					if !s.Live() {
						s.Leave()
					}
				}
			}
			for session, b := range q.bearers {
				for _, own := range []tally{b.live, b.standing} {
					sum := 0
					for stream, n := range own.on {
						if sum += n; n > liveOnStream || n == 0 {
							t.Fatalf("%s has %d on %s", session, n, stream)
						}
					}
					if sum != own.all || own.all > liveInAll {
						t.Fatalf("%s: %+v", session, b)
					}
				}
				if b.unfinished < 0 || b.unfinished > unfinished {
					t.Fatalf("%s: %+v", session, b)
				}
			}
		}
		for _, s := range seats {
			s.Leave()
		}
		if len(q.bearers) != 0 {
			t.Fatalf("%v", q.bearers)
		}
	})
}

func TestKnock(t *testing.T) {
	now := time.Unix(1000, 0)
	q := NewQuota()
	knocks := func(from string, at time.Time) (free int, wait time.Duration) {
		a := netip.Addr{}
		if from != "" {
			a = netip.MustParseAddr(from)
		}
		for range 200 {
			w := q.Knock(a, at)
			if w == 0 {
				free++
			} else {
				wait = w
			}
		}
		return free, wait
	}
	for _, row := range []struct {
		from string
		at   time.Time
		free int
	}{
		{"203.0.113.7", now, 50},
		{"203.0.113.7", now.Add(time.Second), 10},
		{"::ffff:203.0.113.7", now.Add(time.Second), 0},
		{"203.0.113.8", now, 50},
		{"2001:db8::1", now, 50},
		{"2001:db8::2", now, 0},
		{"2001:db8:0:1::2", now, 50},
		{"127.0.0.1", now, 200},
		{"::1", now, 200},
		{"", now, 50},
	} {
		free, wait := knocks(row.from, row.at)
		if free != row.free || (wait > 0) != (free < 200) || wait > 150*time.Millisecond {
			t.Errorf("%s: %d, then wait %v; want %d", row.from, free, wait, row.free)
		}
	}
}
