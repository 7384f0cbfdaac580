package report

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Table is raw figures: one row a viewer, one column a figure. The zero value has none.
type Table struct {
	Columns []Column
	Rows    [][]float64 // as long as Columns; NaN is a figure that was not measured
}

// A Column says what a figure of a table is.
type Column struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit,omitempty"`
	Better Direction `json:"better,omitempty"`
}

func (c Column) title() string {
	if c.Unit == "" {
		return c.Name
	}
	return c.Name + " (" + c.Unit + ")"
}

// Add adds a viewer: a figure for each column, NaN for one that was not measured.
func (t *Table) Add(row ...float64) { t.Rows = append(t.Rows, slices.Clone(row)) }

// sorted returns what was measured of column i, smallest first.
func (t *Table) sorted(i int) []float64 {
	all := make([]float64, 0, len(t.Rows))
	for _, row := range t.Rows {
		if !math.IsNaN(row[i]) {
			all = append(all, row[i])
		}
	}
	slices.Sort(all)
	return all
}

// Quantile returns the smallest of sorted that a share q of all are not above; NaN of nothing.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(q*float64(len(sorted)) - 1e-9)) // .99 × 100 is a little over 99
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func (t *Table) validate() error {
	if len(t.Columns) > maxParts {
		return fmt.Errorf("%d columns, want at most %d", len(t.Columns), maxParts)
	}
	seen := map[string]bool{}
	for i, c := range t.Columns {
		if c.Name == "" || seen[c.Name] || !c.Better.valid() {
			return fmt.Errorf("column %d, %q: want a name of its own, and less, more or nothing as better", i+1, c.Name)
		}
		seen[c.Name] = true
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d has %d figures for %d columns", i+1, len(row), len(t.Columns))
		}
		for j, v := range row {
			if !drawable(v) && !math.IsNaN(v) {
				return fmt.Errorf("row %d: %s is %v, want at most %g", i+1, t.Columns[j].Name, v, maxValue)
			}
		}
	}
	return nil
}

// MarshalJSON writes columns, then rows; what was not measured is null.
func (t Table) MarshalJSON() ([]byte, error) {
	columns := t.Columns
	if columns == nil {
		columns = []Column{}
	}
	head, err := json.Marshal(columns)
	if err != nil {
		return nil, err
	}
	b := append([]byte(`{"columns":`), head...)
	b = append(b, `,"rows":[`...)
	for i, row := range t.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, v := range row {
			if j > 0 {
				b = append(b, ',')
			}
			if math.IsNaN(v) {
				b = append(b, "null"...)
			} else {
				b = strconv.AppendFloat(b, v, 'g', -1, 64)
			}
		}
		b = append(b, ']')
	}
	return append(b, "]}"...), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Table) UnmarshalJSON(b []byte) error {
	var file struct {
		Columns []Column     `json:"columns"`
		Rows    [][]*float64 `json:"rows"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return err
	}
	if len(file.Rows) > 0 && len(file.Columns) == 0 {
		return errors.New("viewers: rows without columns")
	}
	*t = Table{Columns: file.Columns}
	for _, cells := range file.Rows {
		row := make([]float64, len(cells))
		for i, c := range cells {
			if row[i] = math.NaN(); c != nil {
				row[i] = *c
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return nil
}

// WriteCSV writes the viewers' table with a line of names first; what was not measured is an empty cell. A run
// without viewers gives nothing.
func (r *Run) WriteCSV(w io.Writer) error {
	if err := r.Validate(); err != nil || len(r.Viewers.Columns) == 0 {
		return err
	}
	c := csv.NewWriter(w)
	line := make([]string, len(r.Viewers.Columns))
	for i, col := range r.Viewers.Columns {
		line[i] = cell(col.title())
	}
	if err := c.Write(line); err != nil {
		return err
	}
	for _, row := range r.Viewers.Rows {
		for i, v := range row {
			if line[i] = ""; !math.IsNaN(v) {
				line[i] = strconv.FormatFloat(v, 'f', -1, 64)
			}
		}
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// cell is text that no spreadsheet takes for a formula.
func cell(text string) string {
	text = plain(text)
	if s := strings.TrimLeft(text, " "); s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + text
	}
	return text
}
