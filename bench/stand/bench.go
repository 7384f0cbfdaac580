package stand

import (
	"context"
	"sync"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/testmesh"
)

// T is what a row runs for: a stand, or a test.
type T interface {
	testmesh.T
	Failed() bool
}

// A Bench is a row that runs: its T, and what it was asked for. It belongs to the row's goroutine.
type Bench struct {
	T
	Config Config
	ID     string
}

// New returns a bench for the row called id.
func New(t T, cfg Config, id string) *Bench { return &Bench{t, cfg, id} }

// Length returns how long to measure.
func (b *Bench) Length(own time.Duration) time.Duration {
	if b.Config.For > 0 {
		return b.Config.For
	}
	return own
}

// Times returns how often to do what is done again and again.
func (b *Bench) Times(own int) int {
	if b.Config.Times > 0 {
		return b.Config.Times
	}
	return own
}

// Tell says how far the row is.
func (b *Bench) Tell(format string, args ...any) {
	if b.Config.Stderr != nil {
		note(b.Config.Stderr, "  "+format, args...)
	}
}

// Work notes what the same work has cost this time, for the run to tell by how much the machine moves.
func (b *Bench) Work(cost float64) {
	if b.Config.Report != nil {
		b.Config.Report.Work(cost)
	}
}

// Chart adds bars to the run's page, where it has one: to the chart of c's name, which other rows may have begun.
func (b *Bench) Chart(c report.Bars) {
	run := b.Config.Report
	if run == nil {
		return
	}
	for i := range run.Bars {
		if have := &run.Bars[i]; have.Name == c.Name && have.Unit == c.Unit {
			have.Bars = append(have.Bars, c.Bars...)
			return
		}
	}
	run.Bars = append(run.Bars, c)
}

// tellEvery is how often a wait says how far it is.
const tellEvery = 10 * time.Second

// During passes d, saying now and then how far it is; where the run is told to stop, the row ends.
func (b *Bench) During(d time.Duration, what string) {
	b.Helper()
	begun := time.Now()
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-end.C:
			return
		case <-tick.C:
			b.Tell("%s: %v of %v", what, time.Since(begun).Round(time.Second), d)
		case <-b.Context().Done():
			b.Fatalf("%s: told to stop", what)
		}
	}
}

// Until waits for ok, for as long as patience lets it; then the row has failed.
func (b *Bench) Until(what string, patience time.Duration, ok func() bool) {
	b.Helper()
	testmesh.Until(b, what, patience, ok)
}

// Background runs f until the row ends or stop is called, both of which wait for it; it must return nil.
func (b *Bench) Background(what string, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.Errorf("%s: %v", what, err)
		}
	})
	b.Cleanup(stop)
	return stop
}

// publisherWithin is how long a publisher may take to connect.
const publisherWithin = 30 * time.Second

// Publish starts a publisher of made-up packets, and returns once it is connected. It ends with the row, or when
// stop is called, which waits for it.
func (b *Bench) Publish(cfg load.RawConfig) (raw *load.Raw, stop func()) {
	b.Helper()
	raw, err := load.NewRaw(cfg, testmesh.Log(b))
	if err != nil {
		b.Fatal(err)
	}
	stop = b.Background("publisher", raw.Run)
	select {
	case <-raw.Connected():
	case <-time.After(publisherWithin):
		b.Fatal("the publisher did not connect")
	}
	return raw, stop
}
