package report

import (
	"os"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	total, busy := parseStat("cpu  100 10 50 800 20 5 5 10 0 0\ncpu0 1 2 3\n")
	if total != 10*time.Second || busy != 1800*time.Millisecond {
		t.Errorf("stat: got %v, %v", total, busy)
	}
	for _, text := range []string{"", "cpu", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8 9"} {
		if total, busy := parseStat(text); total != 0 || busy != 0 {
			t.Errorf("%q: got %v, %v", text, total, busy)
		}
	}
	// The name of a process may have anything in it.
	if d, err := parsePIDStat("42 (a) b (c)) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0"); err != nil || d != 2*time.Second {
		t.Errorf("stat of a process: got %v, %v", d, err)
	}
	for _, text := range []string{"", "42 (a)", "42 (a) S 1 2 3", "42 (a) S 1 1 1 0 -1 0 0 0 0 0 x y 0 0"} {
		if d, err := parsePIDStat(text); err == nil {
			t.Errorf("%q: got %v", text, d)
		}
	}
	if _, err := CPUOf(os.Getpid()); err != nil {
		t.Errorf("this process: %v", err)
	}
}

func TestLoad(t *testing.T) {
	for _, row := range []struct {
		busy, others float64
		starved      bool
	}{{.5, .4, false}, {.95, .05, false}, {.95, .5, true}} {
		if got := (Load{Busy: row.busy, Others: row.others}).Starved(); got != row.starved {
			t.Errorf("%+v: got %v", row, got)
		}
	}
	before := Counters{total: time.Second, busy: 500 * time.Millisecond, own: 100 * time.Millisecond}
	now := Counters{total: 3 * time.Second, busy: 1500 * time.Millisecond, own: 700 * time.Millisecond}
	if got := now.Since(before); got.Busy != .5 || got.Others != .2 || got.Cores == 0 {
		t.Errorf("since: got %+v, want half busy, a fifth with others", got)
	}
	first := ReadCounters()
	if now := ReadCounters(); first.total == 0 || now.own < first.own {
		t.Errorf("this machine: %+v, then %+v", first, now)
	}
}

func TestMachine(t *testing.T) {
	if got := field("processor\t: 0\nmodel name\t: A: B @ 2\nmodel name\t: C\n", "model name"); got != "A: B @ 2" {
		t.Errorf("processor: %q", got)
	}
	for text, want := range map[string]int64{"8000 kB": 8192000, "": 0, "x kB": 0, "-1 kB": 0, "8000": 0, "9000000000000000000 kB": 0} {
		if got := parseMemory(text); got != want {
			t.Errorf("memory %q: got %d, want %d", text, got, want)
		}
	}
	m := ReadMachine()
	if m.Cores == 0 || m.Memory == 0 || m.Kernel == "" || m.Go == "" || m.MaxProcs == 0 {
		t.Errorf("this machine: %+v", m)
	}
	other := m
	other.LoadBefore, other.Memory = 7, m.Memory+1
	if got := m.differs(other); got != nil {
		t.Errorf("the same machine: %q", got)
	}
	other.Cores, other.Memory, other.Kernel = m.Cores+1, 2*m.Memory, "0.1"
	if got := m.differs(other); len(got) != 3 || !slices.Contains(got, "another kernel: "+m.Kernel+", then 0.1") {
		t.Errorf("another machine: %q", got)
	}
}
