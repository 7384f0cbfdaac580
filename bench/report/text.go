package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// quantiles are what tables say of each column of the viewers.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", .5}, {"p90", .9}, {"p99", .99}, {"max", 1}}

// WriteText writes r for people at a terminal.
func (r *Run) WriteText(w io.Writer) error {
	if err := r.Validate(); err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n", plain(r.Title))
	var rows [][]string
	for _, l := range r.about() {
		rows = append(rows, []string{"  " + l[0], plain(l[1])})
	}
	align(&b, rows)
	if len(r.Goals) > 0 {
		b.WriteString("\nGoals\n")
	}
	for _, g := range r.Goals {
		for line := range strings.SplitSeq(g.String(), "\n") {
			fmt.Fprintf(&b, "  %s\n", plain(line))
		}
		for i := range g.figures {
			if share, ok := g.figures[i].margin(); ok {
				fmt.Fprintf(&b, "         %s: margin %s in %d repeats\n", plain(g.figures[i].name), percent(share), len(g.figures[i].repeats))
			}
		}
	}
	for _, bars := range r.Bars {
		fmt.Fprintf(&b, "\n%s\n", plain(Column{Name: bars.Name, Unit: bars.Unit}.title()))
		rows = nil
		for _, bar := range bars.Bars {
			row := []string{"  " + plain(bar.Label), Number(bar.Value)}
			if bar.Note != "" {
				row = append(row, plain(bar.Note))
			}
			rows = append(rows, row)
		}
		align(&b, rows)
	}
	if len(r.Viewers.Columns) > 0 {
		fmt.Fprintf(&b, "\n%d viewers\n", len(r.Viewers.Rows))
		rows = r.Viewers.summary()
		for i := range rows {
			rows[i][0] = "  " + rows[i][0]
		}
		align(&b, rows)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// align writes rows with their columns below one another.
func align(b *bytes.Buffer, rows [][]string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = t.Write([]byte(strings.Join(row, "\t") + "\n")) // to memory, as the next
	}
	_ = t.Flush()
}

// about says what r is: names and values.
func (r *Run) about() [][2]string {
	all := [][2]string{
		{"Command", r.Rerun()},
		{"Freshet", r.Version},
		{"Began", r.Began.UTC().Format(time.DateTime) + " UTC"},
		{"Took", r.Took.String()},
	}
	all = append(all, r.Machine.lines()...)
	for _, s := range r.Real {
		all = append(all, [2]string{"Real", s})
	}
	for _, s := range r.Simulated {
		all = append(all, [2]string{"Simulated", s})
	}
	return all
}

// summary returns the rows of a table that says of each column how many viewers have it, and its quantiles.
// The first row is its head.
func (t *Table) summary() [][]string {
	head := []string{"figure", "measured"}
	for _, q := range quantiles {
		head = append(head, q.name)
	}
	rows := [][]string{head}
	for i, c := range t.Columns {
		sorted := t.sorted(i)
		row := []string{plain(c.title()), fmt.Sprint(len(sorted))}
		for _, q := range quantiles {
			row = append(row, dash(Quantile(sorted, q.q)))
		}
		rows = append(rows, row)
	}
	return rows
}

// dash is v, or a dash where there is no v.
func dash(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return Number(v)
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
