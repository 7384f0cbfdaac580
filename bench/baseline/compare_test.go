package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const root = "../.."

// made is a benchmark of a made-up run.
type made struct {
	folder, name string
	ns           float64
	yards        float64 // 0: none
	allocs       int
	noise        float64 // how far its rounds are apart, as a share
}

// output is what ten rounds of all would have printed.
func output(cpu string, all ...made) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "go: go1.26\ngoos: linux\ngoarch: amd64\ncpu: %s\n", cpu)
	for round := range 10 {
		for _, m := range all {
			x := 1 + m.noise*(float64(round*7%10)/9-0.5)
			fmt.Fprintf(&b, "pkg: freshet/%s\nBenchmark%s\t1000\t%.4g ns/op\t12 B/op\t%d allocs/op", m.folder, m.name, m.ns*x, m.allocs)
			if m.yards > 0 {
				fmt.Fprintf(&b, "\t%.4g yardsticks", m.yards*x)
			}
			fmt.Fprintln(&b)
		}
	}
	return b.Bytes()
}

func TestCompare(t *testing.T) {
	was := made{folder: "cluster/ring", name: "Write", ns: 100, yards: 0.01, noise: 0.02}
	change := func(f func(*made)) made { m := was; f(&m); return m }
	type story struct {
		name      string
		base, now made
		want      verdict
		failed    string
	}
	var base, now []made
	rows := map[string]story{}
	for _, row := range []story{
		{"as it was", was, was, same, ""},
		{"faster", was, change(func(m *made) { m.ns, m.yards = 80, 0.008 }), faster, ""},
		{"slower", was, change(func(m *made) { m.ns, m.yards = 130, 0.013 }), slower, ""},
		{"on a machine half as fast", was, change(func(m *made) { m.ns = 200 }), same, ""},
		{"slower, and the machine is faster", was, change(func(m *made) { m.yards = 0.013 }), slower, ""},
		{"by less than minutes differ", was, change(func(m *made) { m.ns, m.yards = 108, 0.0108 }), same, ""},
		{"by less than rounds differ", change(func(m *made) { m.noise = 1 }), change(func(m *made) { m.yards, m.noise = 0.0115, 1 }), same, ""},
		{"far too slow", was, change(func(m *made) { m.ns, m.yards = 250, 0.025 }), muchSlower, "takes 2.50 times as long"},
		{"an allocation more", was, change(func(m *made) { m.allocs = 1 }), allocates, "allocates 1 times, in the baseline 0"},
		{"an allocation more, and faster", was, change(func(m *made) { m.yards, m.allocs = 0.005, 1 }), allocates, "allocates 1 times"},
		{"one of few more", change(func(m *made) { m.allocs = 40 }), change(func(m *made) { m.allocs = 41 }), allocates, "allocates 41 times"},
		{"one of many more", change(func(m *made) { m.allocs = 769 }), change(func(m *made) { m.allocs = 770 }), same, ""},
		{"fewer allocations", change(func(m *made) { m.allocs = 5 }), was, same, ""},
		{"a yardstick", change(func(m *made) { m.yards = 0 }), change(func(m *made) { m.ns, m.yards = 300, 0 }), same, ""},
	} {
		row.base.name = "Write/" + strings.ReplaceAll(row.name, " ", "-")
		row.now.name = row.base.name
		rows[row.base.name] = row
		base, now = append(base, row.base), append(now, row.now)
	}
	c, err := compare(t.Context(), root, output("a", base...), output("a", now...))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.rows) != len(rows) {
		t.Errorf("got %d rows, want %d", len(c.rows), len(rows))
	}
	for _, r := range c.rows {
		want := rows[r.name]
		if got := r.verdict(); got != want.want || r.folder != was.folder {
			t.Errorf("%s: got %q, want %q: %+v", r.name, got, want.want, r)
		}
		err := (&comparison{rows: []*row{r}}).failed()
		if (err != nil) != (want.failed != "") || err != nil && !strings.Contains(err.Error(), want.failed) {
			t.Errorf("%s: failed: got %v, want %q", r.name, err, want.failed)
		}
		if err := (&comparison{rows: []*row{r}, starved: true}).failed(); (err != nil) != (r.verdict() == allocates) {
			t.Errorf("%s, on a starved machine: got %v", r.name, err)
		}
	}
}

func TestNewAndGone(t *testing.T) {
	in := func(folder, name string) made {
		return made{folder: folder, name: name, ns: 100, yards: 0.01, noise: 0.01}
	}
	stays := in("cluster/ring", "Read")
	c, err := compare(t.Context(), root,
		output("a", in("cluster/ring", "Old"), stays, in("edge/old", "Old")),
		output("a", stays, in("cluster/ring", "New"), in("edge/new", "New")))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]verdict{
		"cluster/ring Read": same, "cluster/ring Old": gone, "cluster/ring New": added, "edge/old Old": gone, "edge/new New": added,
	}
	if len(c.rows) != len(want) {
		t.Errorf("got %d rows, want %d", len(c.rows), len(want))
	}
	for _, r := range c.rows {
		if w, ok := want[r.title()]; !ok || r.verdict() != w {
			t.Errorf("%s: got %q, want %q", r.title(), r.verdict(), w)
		}
	}
	if err := c.failed(); err != nil {
		t.Errorf("failed: %v", err)
	}
}

func TestPrint(t *testing.T) {
	yard := made{folder: yardsticks, name: "Yardstick/sort", ns: 40e3}
	write := made{folder: "cluster/ring", name: "Write", ns: 100, yards: 0.0025}
	late := write
	late.ns, late.yards, late.allocs = 150, 0.005, 3
	fresh := made{folder: "edge/egress", name: "Tick/frame/viewers=1000", ns: 5.25e6, yards: 30}
	yardNow := yard
	yardNow.ns = 30e3
	c, err := compare(t.Context(), root, output("old one", yard, write), output("new one", yardNow, late, fresh))
	if err != nil {
		t.Fatal(err)
	}
	c.now["load"] = "low"
	var b strings.Builder
	c.print(&b)
	for _, want := range []string{
		"cpu: new one, in the baseline old one\n",
		"load: low, in the baseline not told\n",
		"bench/baseline Yardstick/sort   30 µs ±0%    40 µs ±0%   0.75 0 0",
		"cluster/ring Write 150 ns ±0% 100 ns ±0% 1.50 2.00 sort 3 0 ALLOCATES MORE",
		"edge/egress Tick/frame/viewers=1000 5.25 ms ±0% – 0 – new",
	} {
		if got := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(got, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "goos") {
		t.Errorf("tells of a system that is the same:\n%s", b.String())
	}
}

func TestCompareRefuses(t *testing.T) {
	if c, err := compare(t.Context(), t.TempDir(), nil, nil); err == nil {
		t.Errorf("without a repository: got %+v", c)
	}
	for _, in := range []string{
		"pkg: freshet/x\n,base,,other,,,\n,sec/op,CI,sec/op,CI,vs base,P\nA,1,0%,2,0%,~,p=1 n=6\n",
		"pkg: freshet/x\n,base,,now,,,\n,sec/op,CI,sec/op,CI,vs base,P\nA,1,0%,much,0%,~,p=1 n=6\n",
		"pkg: freshet/x\n\"",
	} {
		if rows, err := parse(strings.NewReader(in)); err == nil {
			t.Errorf("%q: got %+v", in, rows)
		}
	}
}
