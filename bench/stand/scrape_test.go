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

func TestQuantile(t *testing.T) {
	m := Metrics{
		`h_bucket{le="0.01"}`: 50, `h_bucket{le="0.02"}`: 90, `h_bucket{le="0.04"}`: 90, `h_bucket{le="+Inf"}`: 100, "h_count": 100,
		`half_bucket{le="1"}`:          1,
		`two_bucket{class="a",le="1"}`: 1, `two_bucket{class="b",le="1"}`: 1, `two_bucket{class="a",le="2"}`: 1, `two_bucket{class="b",le="2"}`: 3,
	}
	for _, row := range []struct {
		name string
		q    float64
		want float64
	}{
		{"h", .5, .01}, {"h", .25, .005}, {"h", .7, .015}, {"h", .9, .02}, {"h", .99, .04}, {"none", .5, 0}, {"half", .5, .5}, {"two", .5, 1}, {"two", .75, 1.5},
	} {
		if got := m.Quantile(row.name, row.q); math.Abs(got-row.want) > 1e-9 {
			t.Errorf("%s at %g: got %g, want %g", row.name, row.q, got, row.want)
		}
	}
	if got := m.Since(m).Quantile("h", .5); got != 0 {
		t.Errorf("of nothing: got %g", got)
	}
}
