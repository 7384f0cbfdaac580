package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Schema is the version of the file's form. It is raised when a reader of the one before would misread.
const Schema = 1

// MaxFile is the largest file that is read. One viewer's row of 20 figures is some 200 bytes.
const MaxFile = 64 << 20

// What Read returns, wrapped, for what is no report or one of another time.
var (
	ErrNotRun = errors.New("not a report of a bench run")
	ErrSchema = errors.New("a report of another version of freshet")
)

// A runFile is a Run as it stands in a file. The order of its fields is that of the file.
type runFile struct {
	Schema    int        `json:"schema"`
	Title     string     `json:"title"`
	Command   []string   `json:"command"`
	Rerun     string     `json:"rerun"` // the command, for a shell
	Freshet   string     `json:"freshet"`
	Began     time.Time  `json:"began"`
	TookMS    int64      `json:"took_ms"`
	Machine   Machine    `json:"machine"`
	Real      []string   `json:"real"`
	Simulated []string   `json:"simulated"`
	Goals     []goalFile `json:"goals"`
	Bars      []Bars     `json:"bars,omitempty"`
	Series    []Series   `json:"series,omitempty"`
	Viewers   Table      `json:"viewers"`
}

// A goalFile is a result's line as it went to standard output, and what the line does not say.
type goalFile struct {
	Line    *Result       `json:"line"`
	Bounds  []boundFile   `json:"bounds,omitempty"`
	Repeats []repeatsFile `json:"repeats,omitempty"`
}

type boundFile struct {
	Figure string    `json:"figure"`
	Better Direction `json:"better"`
	Bound  float64   `json:"bound"`
}

type repeatsFile struct {
	Figure string    `json:"figure"`
	Values []float64 `json:"values"`
	Margin *float64  `json:"margin,omitempty"` // for readers that are not us: Read makes it again from the values
}

// WriteJSON writes r as one line, which Read reads again.
func (r *Run) WriteJSON(w io.Writer) error {
	if err := r.Validate(); err != nil {
		return err
	}
	f := runFile{
		Schema: Schema, Title: r.Title, Command: orEmpty(r.Command), Rerun: r.Rerun(), Freshet: r.Version,
		Began: r.Began, TookMS: r.Took.Milliseconds(), Machine: r.Machine,
		Real: orEmpty(r.Real), Simulated: orEmpty(r.Simulated), Goals: []goalFile{},
		Bars: r.Bars, Series: r.Series, Viewers: r.Viewers,
	}
	for _, g := range r.Goals {
		f.Goals = append(f.Goals, g.file())
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(f)
}

// orEmpty has a list without entries written as one, not as null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (r *Result) file() goalFile {
	f := goalFile{Line: r}
	for i := range r.figures {
		one := &r.figures[i]
		if one.better != "" {
			f.Bounds = append(f.Bounds, boundFile{one.name, one.better, one.bound})
		}
		if len(one.repeats) > 0 {
			again := repeatsFile{Figure: one.name, Values: one.repeats}
			if share, ok := one.margin(); ok {
				again.Margin = &share
			}
			f.Repeats = append(f.Repeats, again)
		}
	}
	return f
}

// result returns the Result that f was made from.
func (f goalFile) result() (*Result, error) {
	r := f.Line
	if r == nil {
		return nil, errors.New("no line")
	}
	for _, b := range f.Bounds {
		one := r.find(b.Figure)
		if one == nil || b.Better == "" {
			return nil, fmt.Errorf("%s: bound of %q: no such figure, or no direction", r.ID, b.Figure)
		}
		one.better, one.bound = b.Better, b.Bound
	}
	for _, again := range f.Repeats {
		one := r.find(again.Figure)
		if one == nil {
			return nil, fmt.Errorf("%s: repeats of %q: no such figure", r.ID, again.Figure)
		}
		one.repeats = again.Values
	}
	return r, nil
}

// Read reads what WriteJSON wrote. The error is ErrNotRun for anything else and ErrSchema for another schema.
func Read(from io.Reader) (*Run, error) {
	b, err := io.ReadAll(io.LimitReader(from, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("%w: over %d MB", ErrNotRun, MaxFile>>20)
	}
	var version struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	if version.Schema == nil {
		return nil, fmt.Errorf("%w: it has no schema", ErrNotRun)
	}
	if *version.Schema != Schema {
		return nil, fmt.Errorf("%w: schema %d, this one reads %d", ErrSchema, *version.Schema, Schema)
	}
	var f runFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	if f.TookMS < 0 || f.TookMS > maxTook.Milliseconds() {
		return nil, fmt.Errorf("%w: took_ms is %d", ErrNotRun, f.TookMS)
	}
	r := &Run{
		Title: f.Title, Command: f.Command, Version: f.Freshet, Began: f.Began,
		Took: time.Duration(f.TookMS) * time.Millisecond, Machine: f.Machine,
		Real: f.Real, Simulated: f.Simulated, Bars: f.Bars, Series: f.Series, Viewers: f.Viewers,
	}
	for _, g := range f.Goals {
		one, err := g.result()
		if err != nil {
			return nil, fmt.Errorf("%w: goal %w", ErrNotRun, err)
		}
		r.Goals = append(r.Goals, one)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	return r, nil
}

// ReadFile reads the report that is called name.
func ReadFile(name string) (*Run, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	r, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// MarshalJSON writes p as [seconds, value].
func (p Point) MarshalJSON() ([]byte, error) { return json.Marshal([2]float64{p.Seconds, p.Value}) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Point) UnmarshalJSON(b []byte) error {
	var pair []float64
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("a point: want [seconds, value], not %d numbers", len(pair))
	}
	p.Seconds, p.Value = pair[0], pair[1]
	return nil
}
