package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is a run that has one of everything.
func sample() *Run {
	r := &Run{
		Title: "Swarm of 200 viewers", Version: "devel", Command: []string{"freshet", "bench", "load", "--whep", "http://127.0.0.1:8100/whep/it's"},
		Began: time.Date(2026, 11, 24, 8, 0, 0, 5e6, time.UTC), Took: 62500 * time.Millisecond,
		Machine: Machine{CPU: "Xeon", Cores: 2, Memory: 8 << 30, Kernel: "6.18", System: "linux/amd64", Go: "go1.26.8", MaxProcs: 2,
			LoadBefore: .07, During: Load{Cores: 2, Average: 1.5, Busy: .8, Others: .01}},
		Real: []string{"ICE, DTLS and SRTP."}, Simulated: []string{"The network: loopback."},
	}
	join := GoalAtMost("join-p99", "ms", 41.5, 500)
	join.Repeats("value", 41.5, 40.5, 42)
	r.Goals = []*Result{join, GoalAtLeast("sent", "share", .99, .995)}
	r.Bars = []Bars{{Name: "CPU a packet", Unit: "µs", Bars: []Bar{{"freshet", 1.29, "200 viewers"}, {"naive pion v3", 10.9, ""}, {"Janus", 13.4, "two loops"}}}}
	cpu := Series{Name: "CPU", Unit: "cores"}
	for i := range 120 {
		cpu.Add(time.Duration(i)*500*time.Millisecond, 1+.5*math.Sin(float64(i)/9))
	}
	r.Series = []Series{cpu, {Name: "idle"}}
	r.Viewers.Columns = []Column{{"join", "ms", Less}, {"frames", "", More}, {"freezes", "", ""}}
	for i := range 200 {
		freezes := math.NaN()
		if i%2 == 0 {
			freezes = 0
		}
		r.Viewers.Add(20+float64(i*i)/1000, 1800, freezes)
	}
	return r
}

func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is written is read again, to the last figure, and written the same.
func TestRoundTrip(t *testing.T) {
	r := sample()
	text := written(t, r.WriteJSON)
	again, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	equal := cmp.AllowUnexported(Run{}, Result{}, figure{}, Counters{})
	nans := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(r, again, equal, nans); diff != "" {
		t.Errorf("written, then read:\n%s", diff)
	}
	if second := written(t, again.WriteJSON); second != text {
		t.Errorf("got  %s\nwant %s", second, text)
	}
	for _, want := range []string{
		`{"schema":1,"title":"Swarm of 200 viewers","command":["freshet",`, `"rerun":"freshet bench load --whep 'http://127.0.0.1:8100/whep/it'\\''s'"`,
		`"began":"2026-11-24T08:00:00.005Z","took_ms":62500,"machine":{"cpu":"Xeon","cores":2,`, `"target":"<= 500","ok":true}`,
		`"bounds":[{"figure":"value","better":"less","bound":500}],"repeats":[{"figure":"value","values":[41.5,40.5,42],"margin":0.036`,
		`"points":[[0,1],[0.5,`, `"rows":[[20,1800,0],[20.001,1800,null],`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %.1500s", want, text)
		}
	}
	if empty := written(t, (&Run{Title: "nothing"}).WriteJSON); !strings.Contains(empty, `"goals":[],"viewers":{"columns":[],"rows":[]}}`) {
		t.Errorf("a run of nothing: %s", empty)
	}
}

func TestNewRun(t *testing.T) {
	now := time.Now()
	r := New("x", "devel", []string{"freshet", "--key", "hunter2", "--token=hunter3", "--key", "@file", "--token"}, now)
	r.Finish(now.Add(1500*time.Millisecond + time.Microsecond))
	if want := []string{"freshet", "--key", "********", "--token=********", "--key", "@file", "--token"}; !slices.Equal(r.Command, want) {
		t.Errorf("command: got %q, want %q", r.Command, want)
	}
	if r.Took != 1500*time.Millisecond || r.Machine.During.Cores == 0 || r.Machine.Go == "" {
		t.Errorf("run: took %v on %+v", r.Took, r.Machine)
	}
	if got := written(t, r.WriteJSON); strings.Contains(got, "hunter") {
		t.Errorf("a secret is in %s", got)
	}
}

// What is no report is refused by name.
func TestReadBad(t *testing.T) {
	whole := written(t, sample().WriteJSON)
	swap := func(old, new string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("no %s to replace", old)
		}
		return strings.Replace(whole, old, new, 1)
	}
	for _, row := range []struct {
		text string
		err  error
		says string
	}{
		{"", ErrNotRun, "unexpected end"},
		{"PK\x03\x04", ErrNotRun, "invalid character"},
		{"[]", ErrNotRun, "cannot unmarshal"},
		{`{"a":1}`, ErrNotRun, "no schema"},
		{whole + "{}", ErrNotRun, "after top-level"},
		{swap(`"schema":1`, `"schema":2`), ErrSchema, "schema 2, this one reads 1"},
		{swap(`"title":"Swarm of 200 viewers"`, `"title":""`), ErrNotRun, "no title"},
		{swap(`"took_ms":62500`, `"took_ms":-1`), ErrNotRun, "took_ms is -1"},
		{swap(`"took_ms":62500`, `"took_ms":9000000000000`), ErrNotRun, "took_ms"},
		{swap(`"id":"sent"`, `"id":"join-p99"`), ErrNotRun, "an id of its own"},
		{swap(`"better":"less","bound":500`, `"better":"most","bound":500`), ErrNotRun, "bound"},
		{swap(`"figure":"value","values"`, `"figure":"none","values"`), ErrNotRun, "no such figure"},
		{swap(`{"line":{"id":"sent"`, `{"lines":{"id":"sent"`), ErrNotRun, "no line"},
		{swap(`[20,1800,0]`, `[20,1800]`), ErrNotRun, "row 1 has 2 figures for 3 columns"},
		{swap(`[20,1800,0]`, `[20,1e16,0]`), ErrNotRun, "row 1: frames"},
		{swap(`{"name":"frames"`, `{"name":"join"`), ErrNotRun, "column 2"},
		{swap(`[0.5,`, `[-0.5,`), ErrNotRun, "times in order"},
		{swap(`[0.5,`, `[0.5,2,`), ErrNotRun, "3 numbers"},
		{swap(`"label":"freshet","value":1.29`, `"label":"freshet","value":-1`), ErrNotRun, "bar 1"},
		{swap(`"columns":[{"name":"join","unit":"ms","better":"less"},{"name":"frames","better":"more"},{"name":"freezes"}]`, `"columns":[]`), ErrNotRun, "rows without columns"},
		{strings.Repeat(" ", MaxFile+1), ErrNotRun, "over 64 MB"},
	} {
		r, err := Read(strings.NewReader(row.text))
		if !errors.Is(err, row.err) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%.40s: got %v, %v, want %v with %q", row.text, r, err, row.err, row.says)
		}
	}
	if _, err := ReadFile("no-such-file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := ReadFile("report_test.go"); !errors.Is(err, ErrNotRun) || !strings.HasPrefix(err.Error(), "report_test.go: ") {
		t.Errorf("another file: %v", err)
	}
}

func TestCSV(t *testing.T) {
	r := sample()
	r.Viewers.Columns[1].Name = "=cmd(), \"x\""
	rows, err := csv.NewReader(strings.NewReader(written(t, r.WriteCSV))).ReadAll()
	if err != nil || len(rows) != 201 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if want := []string{"join (ms)", "'=cmd(), \"x\"", "freezes"}; !slices.Equal(rows[0], want) {
		t.Errorf("head: got %q, want %q", rows[0], want)
	}
	if want := []string{"20.001", "1800", ""}; !slices.Equal(rows[2], want) {
		t.Errorf("second viewer: got %q, want %q", rows[2], want)
	}
	if got := written(t, (&Run{Title: "x"}).WriteCSV); got != "" {
		t.Errorf("no viewers: %q", got)
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for q, want := range map[float64]float64{0: 1, .01: 1, .5: 50, .9: 90, .99: 99, .995: 100, 1: 100} {
		if got := Quantile(hundred, q); got != want {
			t.Errorf("%v: got %v, want %v", q, got, want)
		}
	}
	if got := Quantile(nil, .5); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}

func TestText(t *testing.T) {
	r := sample()
	r.Goals[1].Err = "\x1b[2Jgone"
	got := written(t, r.WriteText)
	for _, want := range []string{
		"Swarm of 200 viewers\n", "freshet bench load --whep 'http://127.0.0.1:8100/whep/it'\\''s'\n", "Xeon, 2 cores", "8.0 GiB",
		"Real            ICE, DTLS and SRTP.\n", "ok     join-p99: value 41.5", "value: margin 3.6 % in 3 repeats",
		"MISSED sent: ", "naive pion v3  10.9\n", "200 viewers\n", "join (ms)  200       29.801  52.041  58.809  59.601\n", "freezes    100 ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Errorf("the terminal gets an order: %q", got)
	}
}

func FuzzRead(f *testing.F) {
	r := sample()
	r.Viewers.Rows, r.Series[0].Points = r.Viewers.Rows[:3], r.Series[0].Points[:3]
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"schema":1,"title":"x","goals":[{"line":{"id":"a","n":1,"ok":true}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		first := written(t, r.WriteJSON)
		again, err := Read(strings.NewReader(first))
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, first)
		}
		if second := written(t, again.WriteJSON); second != first {
			t.Fatalf("round trip: %s became %s", first, second)
		}
		for _, write := range []func(io.Writer) error{r.WriteCSV, r.WriteText, r.WriteHTML, Compare(r, again).WriteText} {
			written(t, write)
		}
	})
}

var pageFile = flag.String("page", "", "write the sample's page to this file, to look at")

// TestPage holds the page to what a browser needs to show it, and to what it must never do.
func TestPage(t *testing.T) {
	got := written(t, sample().WriteHTML)
	if *pageFile != "" {
		if err := os.WriteFile(*pageFile, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"<title>Swarm of 200 viewers</title>", `name="viewport"`, "prefers-color-scheme: dark", "Goals missed: 1 of 2.",
		`<svg viewBox="0 0 400 220" role="img" aria-labelledby="curve-0-name curve-0-about">`, `<path class="curve" d="M52 `,
		"200 viewers: half of them at most 29.801, the highest 59.601.", `<rect class="bar"`, "naive pion v3", "<p>Nothing was measured.</p>",
		"<b>value</b> 41.5 ms (margin 3.6 % in 3 repeats)", "From 0.500", "&lt;= 500",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, never := range []string{"<script", "http://www", "https://", "src=", "href=", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(got, never) {
			t.Errorf("%q is in the page", never)
		}
	}
	for _, tag := range []string{"figure", "svg", "table", "details", "section", "tbody"} {
		if open, closed := strings.Count(got, "<"+tag), strings.Count(got, "</"+tag+">"); open == 0 || open != closed {
			t.Errorf("%s: %d opened, %d closed", tag, open, closed)
		}
	}
}

// Whatever a name holds, it is text.
func TestHostile(t *testing.T) {
	evil := "\"'><script>alert(1)</script><img src=x onerror=alert(1)></svg></style>{{.}}\u202e\x1b"
	r := sample()
	r.Title, r.Version, r.Machine.CPU = evil, evil, evil
	r.Command, r.Real, r.Simulated = []string{evil}, []string{evil}, []string{evil}
	g := &Result{ID: evil, Target: evil, Err: evil}
	g.Set(evil, evil)
	g.Want(false, "%s", evil)
	r.Goals = append(r.Goals, g)
	r.Bars[0].Name, r.Bars[0].Unit, r.Bars[0].Bars[0] = evil, evil, Bar{evil, 1, evil}
	r.Series[0].Name, r.Series[0].Unit = evil, evil
	r.Viewers.Columns[0] = Column{Name: evil, Unit: evil}
	got := written(t, r.WriteHTML)
	for _, never := range []string{"<script", "<img", "\u202e", "\x1b", "ZgotmplZ"} {
		if strings.Contains(got, never) {
			t.Errorf("%q is in the page", never)
		}
	}
	if n := strings.Count(got, "&lt;script&gt;"); n < 15 {
		t.Errorf("the names show %d times, want them everywhere", n)
	}
	if clean := written(t, sample().WriteHTML); strings.Count(got, "</style>") != 1 || strings.Count(got, "</svg>") != strings.Count(clean, "</svg>") {
		t.Error("a name closed an element")
	}
}
