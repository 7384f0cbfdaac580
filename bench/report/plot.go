package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The drawing of a plot in its own units, which a page scales. It is narrow so that its letters can still be
// read where a phone shows it 360 pixels wide.
const (
	plotWidth  = 400
	plotHeight = 220
	plotLeft   = 52 // room for numbers
	plotRight  = 388
	plotTop    = 10
	plotBottom = 190
	barHeight  = 38
	barMost    = 300 // how long the longest bar is; its number stands behind it
)

// maxSteps is how many steps a curve is drawn with: more than a screen has pixels for are of no use.
const maxSteps = 336

// A plot is what a page draws: a curve with axes or bars, and the table that says the same.
type plot struct {
	ID, Title string
	About     string // what it shows, for those who do not see it
	Height    int
	Curve     string // of the path element; "" for bars
	X, Y      []axisTick
	Bars      []barShape
	Head      []string
	Rows      [][]string
}

// The edges of a curve's field.
func (plot) Left() int   { return plotLeft }
func (plot) Right() int  { return plotRight }
func (plot) Bottom() int { return plotBottom }

type axisTick struct{ At, Label string }

type barShape struct{ Label, Value, TextY, BarY, Width, ValueX, ValueY string }

// A scale maps values from lo to hi to the places between from and to.
type scale struct{ lo, hi, from, to float64 }

func (s scale) at(v float64) string { return px(s.from + (v-s.lo)/(s.hi-s.lo)*(s.to-s.from)) }

// px is a place in a drawing, to a tenth of its unit.
func px(v float64) string { return strconv.FormatFloat(Round(v, 1), 'f', -1, 64) }

// newScale returns the scale for values from lo to hi, widened where they are the same.
func newScale(lo, hi, from, to float64) scale {
	if !(hi-lo > math.Abs(hi)*1e-9) {
		hi = lo + max(1, math.Abs(lo)/10)
	}
	return scale{lo, hi, from, to}
}

// ticks are three to six round values of s.
func (s scale) ticks() []axisTick {
	step := math.Pow(10, math.Floor(math.Log10((s.hi-s.lo)/2)))
	for _, times := range []float64{1, 2, 5} {
		if (s.hi-s.lo)/(step*times) <= 5 {
			step *= times
			break
		}
	}
	var all []axisTick
	first := math.Ceil(s.lo/step - 1e-9)
	for i := 0; i < 8; i++ {
		if v := (first + float64(i)) * step; v <= s.hi+step*1e-9 {
			all = append(all, axisTick{s.at(v), tickLabel(v)})
		}
	}
	return all
}

// tickLabel is v, short enough for the margin of a plot.
func tickLabel(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e12:
		return fmt.Sprintf("%.3g", v)
	case a >= 1e9:
		return fmt.Sprintf("%.3gG", v/1e9)
	case a >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.3gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

// seriesPlot draws s over the seconds of a run. Its values begin at 0, so that a small change looks small.
func seriesPlot(id string, s Series) plot {
	p := plot{ID: id, Title: plain(Column{Name: s.Name, Unit: s.Unit}.title()), Height: plotHeight}
	p.Head = []string{"seconds", "least", "mean", "most"}
	if len(s.Points) == 0 {
		p.About = "Nothing was measured."
		return p
	}
	lo, hi, end := s.Points[0].Value, s.Points[0].Value, s.Points[len(s.Points)-1].Seconds
	for _, one := range s.Points {
		lo, hi = min(lo, one.Value), max(hi, one.Value)
	}
	x := newScale(0, end, plotLeft, plotRight)
	y := newScale(min(0, lo), max(0, hi), plotBottom, plotTop)
	p.X, p.Y = x.ticks(), y.ticks()
	var path strings.Builder
	command := "M"
	for _, one := range thinned(s.Points) {
		path.WriteString(command + x.at(one.Seconds) + " " + y.at(one.Value))
		command = "L"
	}
	p.Curve = path.String()
	for _, part := range parts(s.Points, 10) {
		least, most, sum := part[0].Value, part[0].Value, 0.
		for _, one := range part {
			least, most, sum = min(least, one.Value), max(most, one.Value), sum+one.Value
		}
		span := Number(Round(part[0].Seconds, 1)) + " to " + Number(Round(part[len(part)-1].Seconds, 1))
		p.Rows = append(p.Rows, []string{span, Number(least), Number(sum / float64(len(part))), Number(most)})
	}
	p.About = fmt.Sprintf("From %s to %s over %s seconds.", Number(lo), Number(hi), Number(Round(end, 1)))
	return p
}

// parts cuts points into at most n runs of about the same length, none of them empty.
func parts(points []Point, n int) [][]Point {
	n = min(n, len(points))
	all := make([][]Point, n)
	for i := range all {
		all[i] = points[i*len(points)/n : (i+1)*len(points)/n]
	}
	return all
}

// thinned returns points, or where they are many the lowest and the highest of each part: no peak gets lost.
func thinned(points []Point) []Point {
	if len(points) <= 2*maxSteps {
		return points
	}
	var all []Point
	for _, part := range parts(points, maxSteps) {
		low, high := 0, 0
		for i, one := range part {
			if one.Value < part[low].Value {
				low = i
			}
			if one.Value > part[high].Value {
				high = i
			}
		}
		all = append(all, part[min(low, high)], part[max(low, high)])
	}
	return all
}

// spreadPlot draws which share of viewers has column c at most at each value.
func spreadPlot(id string, c Column, sorted []float64) plot {
	p := plot{ID: id, Title: plain(c.title()), Height: plotHeight}
	p.Head = []string{"share of viewers", "at most"}
	if len(sorted) == 0 {
		p.About = "Nothing was measured."
		return p
	}
	x := newScale(min(0, sorted[0]), sorted[len(sorted)-1], plotLeft, plotRight)
	y := newScale(0, 100, plotBottom, plotTop)
	p.X, p.Y = x.ticks(), y.ticks()
	for i := range p.Y {
		p.Y[i].Label += " %"
	}
	var path strings.Builder
	fmt.Fprintf(&path, "M%s %s", x.at(sorted[0]), y.at(0))
	steps := min(len(sorted), maxSteps)
	for i := 1; i <= steps; i++ {
		q := float64(i) / float64(steps)
		fmt.Fprintf(&path, "H%sV%s", x.at(Quantile(sorted, q)), y.at(100*q))
	}
	p.Curve = path.String()
	for _, q := range []float64{.01, .1, .25, .5, .75, .9, .95, .99, 1} {
		p.Rows = append(p.Rows, []string{Number(100*q) + " %", Number(Quantile(sorted, q))})
	}
	p.About = fmt.Sprintf("%d viewers: half of them at most %s, the highest %s.", len(sorted),
		Number(Quantile(sorted, .5)), Number(Quantile(sorted, 1)))
	return p
}

// shortened is label as far as a drawing has room for it; the table has all of it.
func shortened(label string) string {
	const most = 52
	if r := []rune(label); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return label
}

// barPlot draws b.
func barPlot(id string, b Bars) plot {
	p := plot{ID: id, Title: plain(Column{Name: b.Name, Unit: b.Unit}.title()), Height: barHeight*len(b.Bars) + 8}
	p.Head = []string{"of", "value", "note"}
	most := 0.
	for _, one := range b.Bars {
		most = max(most, one.Value)
	}
	for i, one := range b.Bars {
		top, width := float64(barHeight*i), 0.
		if most > 0 {
			width = barMost * one.Value / most
		}
		label := plain(one.Label)
		p.Bars = append(p.Bars, barShape{
			Label: shortened(label), Value: Number(one.Value),
			TextY: px(top + 14), BarY: px(top + 20), Width: px(max(width, 1)), ValueX: px(width + 8), ValueY: px(top + 32),
		})
		p.Rows = append(p.Rows, []string{label, Number(one.Value), plain(one.Note)})
	}
	p.About = fmt.Sprintf("%d bars, the longest %s.", len(b.Bars), Number(most))
	return p
}
