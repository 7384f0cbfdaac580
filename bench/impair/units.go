package impair

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration, Share and Rate are how people write the fields of a Path, on the command line and in a scenario.
type (
	Duration time.Duration // 50ms, 1.5s
	Share    float64       // 0.02 or 2%
	Rate     int64         // bit/s: 2Mbit, 1.5Gbit, 800kbit or a bare number; 0 is no limit
)

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("want a time as 50ms or 1.5s, not %.40q", b)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalText reads a share, or one in percent.
func (s *Share) UnmarshalText(b []byte) error {
	text, percent := strings.CutSuffix(string(b), "%")
	v, err := decimal(text)
	if err != nil {
		return fmt.Errorf("want a share as 0.02 or 2%%, not %.40q", b)
	}
	if percent {
		v /= 100
	}
	*s = Share(v)
	return nil
}

func (s Share) String() string { return strconv.FormatFloat(float64(s)*100, 'g', 6, 64) + "%" }

// UnmarshalText reads a rate; its unit's case does not matter.
func (r *Rate) UnmarshalText(b []byte) error {
	text, unit := strings.ToLower(string(b)), 1.0
	for _, u := range []struct {
		name string
		size float64
	}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}} {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	v, err := decimal(text)
	if err != nil || v*unit > maxRate {
		return fmt.Errorf("want a rate as 2Mbit or 800kbit, 100Gbit at most, not %.40q", b)
	}
	*r = Rate(v * unit)
	return nil
}

func (r Rate) String() string {
	switch {
	case r >= 1e9:
		return scaled(float64(r)/1e9, "Gbit")
	case r >= 1e6:
		return scaled(float64(r)/1e6, "Mbit")
	case r >= 1e3:
		return scaled(float64(r)/1e3, "kbit")
	}
	return strconv.FormatInt(int64(r), 10)
}

func scaled(v float64, unit string) string { return strconv.FormatFloat(v, 'g', 6, 64) + unit }

// decimal reads digits with a point, and nothing else that strconv knows: no sign, exponent or word.
func decimal(text string) (float64, error) {
	if strings.Trim(text, "0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// String tells what the path does, in words.
func (p Path) String() string {
	if p.Cut {
		return "cut"
	}
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if p.Delay > 0 {
		say("delay %v", p.Delay)
	}
	if p.Jitter > 0 {
		say("jitter %v", p.Jitter)
		if p.Reorder {
			say("reordering")
		}
	}
	if p.Loss > 0 {
		run := ""
		if p.Burst > 1 {
			run = fmt.Sprintf(" in runs of %d", p.Burst)
		}
		say("loss %v%s", Share(p.Loss), run)
	}
	if p.Rate > 0 {
		say("rate %v", Rate(p.Rate))
		if p.Buffer > 0 {
			say("buffer %v", p.Buffer)
		}
	}
	if len(parts) == 0 {
		return "clear"
	}
	return strings.Join(parts, ", ")
}
