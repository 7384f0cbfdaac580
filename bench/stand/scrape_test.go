package stand

import (
	"math"
	"strings"
	"testing"
)

func TestMetrics(t *testing.T) {
	m, err := parseMetrics(strings.NewReader(`# HELP x y
x{a="1",b="2"} 3
x{a="1",b="3"} 4e+01
xy 1
h_bucket{le="0.005"} 90
h_bucket{le="+Inf"} 100
h_count 100
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"x", nil, 43}, {"x", []string{`b="2"`}, 3}, {"x", []string{`a="1"`, `b="3"`}, 40}, {"x", []string{`b="4"`}, 0}, {"xy", nil, 1}, {"z", nil, 0},
	} {
		if got := m.Sum(row.name, row.labels...); got != row.want {
			t.Errorf("%s %v: got %v, want %v", row.name, row.labels, got, row.want)
		}
	}
	if over, n := m.Over("h", "0.005"); math.Abs(over-.1) > 1e-9 || n != 100 {
		t.Errorf("over: got %v of %d", over, n)
	}
	if d := m.Since(Metrics{"xy": 1}); d["xy"] != 0 || d["h_count"] != 100 {
		t.Errorf("since: %v", d)
	}
	for _, text := range []string{"x\n", "x y\n", strings.Repeat("x", 1<<17)} {
		if m, err := parseMetrics(strings.NewReader(text)); err == nil {
			t.Errorf("%.20q: got %v", text, m)
		}
	}
}

func FuzzMetrics(f *testing.F) {
	f.Add("x{a=\"1\"} 3\n# no\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMetrics(strings.NewReader(text))
		if err == nil {
			m.Sum("x", `a="1"`)
		}
	})
}
