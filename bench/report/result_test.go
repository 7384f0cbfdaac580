package report

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

func TestResult(t *testing.T) {
	r := &Result{ID: "loss-2-rtt-100", Target: "all"}
	r.Set("rtt_ms", MS(100*time.Millisecond))
	r.Set("loss", .02)
	r.Set("n", 57000)
	r.AtLeast("delivered", .99999, .99999)
	r.AtMost("p99_ms", 103.5, 150)
	r.Repeats("p99_ms", 103.5, 104)
	r.Repeats("nothing", 1, 2)
	b, err := json.Marshal(r)
	want := `{"id":"loss-2-rtt-100","rtt_ms":100,"loss":0.02,"n":57000,"delivered":0.99999,"p99_ms":103.5,"target":"all","ok":true}`
	if err != nil || string(b) != want {
		t.Errorf("got  %s, %v\nwant %s", b, err, want)
	}
	if got := r.String(); !strings.HasPrefix(got, "ok     loss-2-rtt-100: rtt ms 100 · loss 0.02 · n 57000") {
		t.Errorf("text: %s", got)
	}
	r.AtMost("max_ms", 151, 150)
	r.Want(false, "the <path> was not slow")
	r.Void, r.Err, r.Load = true, "none", Load{Cores: 2, Average: .5, Busy: .951, Others: .2}
	want = `"missed":["max_ms is 151, want at most 150","the <path> was not slow"],"error":"none",` +
		`"cores":2,"load_average":0.5,"busy":0.951,"busy_others":0.2,"void":true,"ok":false}` + "\n"
	if got := line(t, r); !strings.HasSuffix(got, want) || r.OK() {
		t.Errorf("missed: got %s\nwant %s at the end", got, want)
	}
	if b, err = json.Marshal(r); err != nil || !strings.Contains(string(b), `the \u003cpath\u003e`) {
		t.Errorf("an encoder that escapes: %s, %v", b, err)
	}
	if v, ok := r.Value("n"); v != 57000 || !ok {
		t.Errorf("n: got %v, %v", v, ok)
	}
	if v, ok := r.Value("none"); ok {
		t.Errorf("a figure that is not there: %v", v)
	}
}

func line(t *testing.T, r *Result) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteLine(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoals(t *testing.T) {
	want := `{"id":"mix-ratio-10000","value":1.28,"unit":"ratio","target":"<= 1.4","ok":true}` + "\n"
	if got := line(t, GoalAtMost("mix-ratio-10000", "ratio", 1.28, 1.4)); got != want {
		t.Errorf("at most: got %swant %s", got, want)
	}
	want = `{"id":"sent","value":0.99,"unit":"share","target":">= 0.995","missed":["value is 0.99, want at least 0.995"],"ok":false}` + "\n"
	if got := line(t, GoalAtLeast("sent", "share", .99, .995)); got != want {
		t.Errorf("at least: got %swant %s", got, want)
	}
}

func TestUnwritable(t *testing.T) {
	for name, value := range map[string]any{"nan": math.NaN(), "inf": math.Inf(1), "ok": 1, "": 2, "n": 3, "list": make(chan int)} {
		r := &Result{ID: "x"}
		r.Set("n", 1)
		r.Set(name, value)
		if b, err := json.Marshal(r); err == nil {
			t.Errorf("%s: %s was written", name, b)
		}
	}
}

// What a line says is read as it was, and what contradicts itself is refused.
func TestReadLine(t *testing.T) {
	r := &Result{ID: "x", Target: "<= 1", Err: "e", Load: Load{Cores: 2, Busy: .5}}
	r.Set("n", 1<<60)
	r.Set("f", 1.5)
	r.Set("s", "text")
	r.Set("b", true)
	r.Want(false, "it was not")
	var again Result
	if err := json.Unmarshal([]byte(line(t, r)), &again); err != nil || line(t, &again) != line(t, r) {
		t.Errorf("round trip: %s, %v", line(t, &again), err)
	}
	for _, text := range []string{
		`[]`, `7`, `{"id":7}`, `{"id":"x","a":null}`, `{"id":"x","a":[1]}`, `{"id":"x","a":1e999}`, `{"id":"x","a":1,"a":2}`,
		`{"id":"x","missed":"m","ok":false}`, `{"id":"x","missed":[1],"ok":false}`, `{"id":"x","missed":["m"],"ok":true}`,
		`{"id":"x","ok":false}`, `{"id":"x","void":1}`, `{"id":"x","cores":1.5}`, `{"id":"x","":1}`,
	} {
		if err := json.Unmarshal([]byte(text), &again); err == nil {
			t.Errorf("%s was read as %s", text, line(t, &again))
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{.99999: "0.99999", 12345678: "12345678", 103.5: "103.5", 0: "0", 1e300: "1e+300"} {
		if got := Number(v); got != want {
			t.Errorf("number: got %s, want %s", got, want)
		}
	}
	if got := Round(1.25678, 2); got != 1.26 {
		t.Errorf("round: got %v, want 1.26", got)
	}
}

func TestMargin(t *testing.T) {
	for _, row := range []struct {
		repeats []float64
		want    float64
		ok      bool
	}{
		{nil, 0, false}, {[]float64{1}, 0, false}, {[]float64{1.3, 1.2, 1.25}, .08, true}, {[]float64{2, 2}, 0, true},
		{[]float64{0, 0}, 0, true}, {[]float64{0, 0, 1}, 0, false},
	} {
		got, ok := (&figure{repeats: row.repeats}).margin()
		if math.Abs(got-row.want) > 1e-9 || ok != row.ok {
			t.Errorf("%v: got %v, %v, want %v, %v", row.repeats, got, ok, row.want, row.ok)
		}
	}
}
