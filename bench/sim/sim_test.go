package sim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"freshet/bench/report"
)

func run(t *testing.T, cfg Config) *Result {
	t.Helper()
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWorld runs a world of a hundred edges: all that is promised holds but times, which this machine may not have now.
func TestWorld(t *testing.T) {
	r := run(t, Config{Edges: 100, Viewers: 50_000, Streams: 60, Seed: 7})
	if r.Broken != 0 || r.Short != 0 || r.Seated != 50_000 {
		t.Errorf("broken %d, short %d, seated %d, want 0, 0, 50000", r.Broken, r.Short, r.Seated)
	}
	if r.Stretch[0] < 1 || r.Stretch[0] > 1.3 || r.Stretch[1] < r.Stretch[0] || r.Stretch[2] < r.Stretch[1] {
		t.Errorf("stretch %v, want a median of 1 to 1.3, and more above", r.Stretch)
	}
	if len(r.Events) != 5+deaths {
		t.Fatalf("%d events", len(r.Events))
	}
	for _, e := range r.Events {
		if e.Others != 0 || e.Moved != e.There || e.Broken != 0 {
			t.Errorf("%+v: want all who were there to move, and nobody else", e)
		}
		if e.Pulled > e.Pulls/4 {
			t.Errorf("%s %s: %d of %d pull anew", e.What, e.Whom, e.Pulled, e.Pulls)
		}
	}
}

// TestSeed: the same seed makes the same world and figures, another one others.
func TestSeed(t *testing.T) {
	figures := func(seed uint64) Result {
		r := run(t, Config{Edges: 20, Viewers: 3000, Streams: 10, Seed: seed})
		r.First, r.Again, r.Load = 0, 0, report.Load{}
		for i := range r.Events {
			r.Events[i].Decide = 0
		}
		return *r
	}
	first := figures(1)
	if again := figures(1); !reflect.DeepEqual(first, again) {
		t.Errorf("seed 1: %+v, then %+v", first, again)
	}
	if other := figures(2); reflect.DeepEqual(first, other) {
		t.Error("seeds 1 and 2 make the same")
	}
}

// TestFull: who finds no seat has none, and no edge takes more than it may.
func TestFull(t *testing.T) {
	r := run(t, Config{Edges: 2, Viewers: 12_000, Streams: 3, Seed: 1})
	if r.Seats >= 12_000 || r.Seated < r.Seats*98/100 || r.Seated > r.Seats*102/100 {
		t.Errorf("%d of 12000 have a seat, of %d there are", r.Seated, r.Seats)
	}
	for i, load := range r.Picture.load {
		if load > 1 {
			t.Errorf("edge %d has %.3f of what it may", i, load)
		}
	}
}

// far takes the last candidate.
type far struct{}

func (far) Choose(_ int, near []Candidate) int { return len(near) - 1 }

// TestRouter: another router makes another world, further from viewers.
func TestRouter(t *testing.T) {
	cfg := Config{Edges: 30, Viewers: 2000, Streams: 5, Seed: 1}
	near := run(t, cfg)
	cfg.Router = far{}
	if got := run(t, cfg); got.Stretch[0] <= near.Stretch[0] {
		t.Errorf("median stretch %v by the far edge, %v by the near one", got.Stretch[0], near.Stretch[0])
	}
}

func TestBadConfigs(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Edges: 0, Viewers: 1, Streams: 1}, "edges"},
		{Config{Edges: MostEdges + 1, Viewers: 1, Streams: 1}, "edges"},
		{Config{Edges: 1, Viewers: MostViewers + 1, Streams: 1}, "viewers"},
		{Config{Edges: 1, Viewers: 1, Streams: MostStreams + 1}, "streams"},
	} {
		if _, err := Run(t.Context(), c.cfg); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error about %s", c.cfg, err, c.want)
		}
	}
}

func TestCities(t *testing.T) {
	cities, err := Cities()
	if err != nil || len(cities) != 2000 {
		t.Fatalf("%d cities, %v; want 2000", len(cities), err)
	}
	for i, c := range cities[1:] {
		if c.Population > cities[i].Population {
			t.Fatalf("%s is larger than %s before it", c.Name, cities[i].Name)
		}
	}
	for _, text := range []string{"", "name,country,population,lat,lon\n", "a\nb\n", "a,b,c,d,e\nx,FR,many,1,1\n", "a,b,c,d,e\nx,FR,1,91,1\n", "a,b,c,d,e\nx,FR,0,1,1\n"} {
		if got, err := parseCities([]byte(text)); err == nil {
			t.Errorf("%q gave %v", text, got)
		}
	}
}

// TestReport: goals are told as a report has them, and a missed one as missed.
func TestReport(t *testing.T) {
	r := run(t, Config{Edges: 12, Viewers: 500, Streams: 4, Seed: 1})
	fill := func() *report.Run {
		out := &report.Run{Title: "t"}
		r.Fill(out)
		return out
	}
	r.First, r.Again = 0, 0
	if missed := fill().Missed(); len(missed) != 0 {
		t.Errorf("missed %v", missed)
	}
	var text bytes.Buffer
	if err := fill().WriteText(&text); err != nil || !strings.Contains(text.String(), "edges-12-region") {
		t.Errorf("%v: %s", err, text.String())
	}
	r.Events[0].Others, r.Broken = 1, 1
	if missed := fill().Missed(); len(missed) != 2 {
		t.Errorf("missed %v, want the busiest edge and the trees", missed)
	}
	r.Config.Edges, r.Stretch[0] = stretchFrom, Stretch+.01
	if missed := fill().Missed(); len(missed) != 3 {
		t.Errorf("missed %v, want the stretch, too", missed)
	}
}

// TestPicture: the picture is XML, with every node.
func TestPicture(t *testing.T) {
	r := run(t, Config{Edges: 12, Viewers: 500, Streams: 4, Seed: 1})
	var b bytes.Buffer
	if err := r.Picture.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"edge-12:", "origin-10<", "stream-3<", `stroke-width="1.6"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}
