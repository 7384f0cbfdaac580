package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var pageText string

// A page is what the template shows. All texts are plain: the template escapes them.
type page struct {
	Title, Summary string
	OK             bool
	Goals          []goalView
	Costs          []plot
	Viewers        string // how many
	Figures        [][]string
	Spreads        []plot
	Curves         []plot
	Command        string
	About          [][2]string
}

type goalView struct {
	ID, Verdict, Target string
	OK                  bool
	Figures             [][2]string
	Notes               []string
}

// WriteHTML writes r as one page that loads nothing: its style and its drawings are in it, and it has no script.
func (r *Run) WriteHTML(w io.Writer) error {
	if err := r.Validate(); err != nil {
		return err
	}
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	var b bytes.Buffer // nothing half written where a part fails
	if err := t.Execute(&b, r.page()); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func (r *Run) page() page {
	p := page{Title: plain(r.Title), OK: len(r.Missed()) == 0, Command: plain(r.Rerun())}
	switch missed := len(r.Missed()); {
	case len(r.Goals) == 0:
		p.Summary = "This run had no goals."
	case missed == 0:
		p.Summary = fmt.Sprintf("Goals reached: %d of %d.", len(r.Goals), len(r.Goals))
	default:
		p.Summary = fmt.Sprintf("Goals missed: %d of %d.", missed, len(r.Goals))
	}
	for _, g := range r.Goals {
		p.Goals = append(p.Goals, g.view())
	}
	for i, b := range r.Bars {
		p.Costs = append(p.Costs, barPlot(fmt.Sprintf("bars-%d", i), b))
	}
	if len(r.Viewers.Columns) > 0 {
		p.Viewers = fmt.Sprint(len(r.Viewers.Rows))
		p.Figures = r.Viewers.summary()
	}
	for i, c := range r.Viewers.Columns {
		p.Spreads = append(p.Spreads, spreadPlot(fmt.Sprintf("spread-%d", i), c, r.Viewers.sorted(i)))
	}
	for i, s := range r.Series {
		p.Curves = append(p.Curves, seriesPlot(fmt.Sprintf("curve-%d", i), s))
	}
	for _, l := range r.about()[1:] { // the command stands apart
		p.About = append(p.About, [2]string{l[0], plain(l[1])})
	}
	return p
}

func (r *Result) view() goalView {
	v := goalView{ID: plain(r.ID), Verdict: r.verdict(), Target: plain(r.Target), OK: r.OK()}
	for i := range r.figures {
		f := &r.figures[i]
		if f.name == "unit" {
			continue // stands behind the value
		}
		text := plain(f.text())
		if f.name == "value" {
			text = plain(strings.TrimSpace(f.text() + " " + textOf(r, "unit")))
		}
		if share, ok := f.margin(); ok {
			text += fmt.Sprintf(" (margin %s in %d repeats)", percent(share), len(f.repeats))
		}
		v.Figures = append(v.Figures, [2]string{plain(f.name), text})
	}
	for _, m := range r.misses {
		v.Notes = append(v.Notes, plain(m))
	}
	if r.Err != "" {
		v.Notes = append(v.Notes, plain(r.Err))
	}
	if r.Void {
		v.Notes = append(v.Notes, "The machine was busy with other things: these figures prove nothing.")
	}
	return v
}
