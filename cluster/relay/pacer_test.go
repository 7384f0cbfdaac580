package relay

import (
	"testing"
	"time"
)

// A group goes faster while the path's queues are empty, slower while they are not, and no faster to begin
// with than a path that is known to be narrow.
func TestGroupPace(t *testing.T) {
	const second = time.Second
	for _, row := range []struct {
		name        string
		rest        int
		room        float64
		delay       time.Duration
		passed      time.Duration // in steps of paceStep
		least, most float64       // bytes a second
	}{
		{"first", 1e5, 0, 0, 0, paceFirst, paceFirst},
		{"large group", 4.4e6, 0, 0, 0, 8.8e6, 8.8e6},
		{"larger than any path", 1e9, 0, 0, 0, paceMost, paceMost},
		{"narrow path", 4e6, 250e3, 0, 0, 125e3, 125e3},
		{"narrowest path", 4e6, 10, 0, 0, paceLeast, paceLeast},
		{"empty queues", 1e5, 0, 5 * time.Millisecond, second, 1.5 * paceFirst, 1.7 * paceFirst},
		{"some delay", 1e5, 0, 20 * time.Millisecond, 300 * time.Millisecond, paceFirst * 0.34, paceFirst * 0.35},
		{"much delay", 1e5, 0, 60 * time.Millisecond, 300 * time.Millisecond, paceFirst * 0.063, paceFirst * 0.065},
		{"for long", 1e5, 0, 60 * time.Millisecond, 900 * time.Millisecond, paceLeast, paceLeast},
	} {
		var p pacer
		now := start
		p.adjust(row.delay, now, row.rest, row.room)
		for passed := time.Duration(0); passed < row.passed; passed += paceStep {
			now = now.Add(paceStep)
			p.adjust(row.delay, now, row.rest, row.room)
		}
		if p.rate < row.least || p.rate > row.most {
			t.Errorf("%s: %.0f bytes a second, want %.0f to %.0f", row.name, p.rate, row.least, row.most)
		}
		p.took(int(p.rate), now)
		if got := p.next.Sub(now); got < second-10*time.Millisecond || got > second {
			t.Errorf("%s: the next goes after %v, want a second", row.name, got)
		}
	}
}
