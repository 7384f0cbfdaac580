package egress

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
)

// What a session may keep of an edge that has many.
const (
	sessionBytes      = 16 << 10 // a viewer
	sessionGoroutines = 5        // that may come and go, however many viewers there are
	settleStep        = 3 * time.Second
	settleMost        = time.Minute
	settledWithin     = .01 // memory that moves by less in a step is settled
	sessionSamples    = 3
)

// A sessionsPlan says how many viewers come first, and how many there are in the end.
type sessionsPlan struct {
	first, all int
	step       time.Duration // from one look at the edge's memory to the next
}

func sessionsRow() stand.Row {
	plan := sessionsPlan{first: 400, all: 2000, step: settleStep}
	return stand.Row{
		ID: "sessions", Gives: []string{"sessions-failed", "sessions-memory", "sessions-goroutines"},
		About: fmt.Sprintf("%d real sessions of one edge, %d a second: who fails, and what each keeps", plan.all, edgeRamp),
		Run:   plan.run,
	}
}

// A size is what an edge keeps.
type size struct {
	viewers    float64
	resident   []float64 // bytes, samples
	heap       float64   // of them, in use by Go's heap
	goroutines []float64 // samples, without those of HTTP connections
}

// run has viewers come in two parts, and looks at the edge before, between and after.
func (plan sessionsPlan) run(b *stand.Bench) []*report.Result {
	m := newRoomyMesh(b)
	swarm := load.SwarmConfig{URL: m.whep(), Ramp: edgeRamp, Mode: load.ModeFiltered}
	alone := settled(b, m.edge, plan.step)
	swarm.Viewers = plan.first
	first := enter(b, swarm)
	some := settled(b, m.edge, plan.step)
	swarm.Viewers = plan.all - plan.first
	rest := enter(b, swarm)
	many := settled(b, m.edge, plan.step)
	before, after := first.leave(), rest.leave()

	failed := report.GoalAtMost("sessions-failed", "viewers", float64(before.Failed+after.Failed), 0)
	failed.Set("viewers", plan.all)
	failed.AtLeast("watching", many.viewers, float64(plan.all))
	failed.Set("join_p50_ms", report.Round(after.FirstPacket.P50, 1))
	failed.Set("join_p99_ms", report.Round(after.FirstPacket.P99, 1))
	for _, part := range []*load.SwarmResult{before, after} {
		if part.Failed > 0 {
			failed.Set(fmt.Sprintf("why_of_%d", part.Wanted), reasons(part.Failures))
		}
	}

	grew := make([]float64, sessionSamples)
	for i := range grew {
		grew[i] = (many.resident[i] - alone.resident[i]) / max(1, many.viewers)
	}
	memory := atMost("sessions-memory", "bytes/viewer", grew, sessionBytes)
	memory.Set("resident_bytes_0", median(alone.resident))
	memory.Set(fmt.Sprintf("resident_bytes_%d", plan.first), median(some.resident))
	memory.Set(fmt.Sprintf("resident_bytes_%d", plan.all), median(many.resident))
	memory.Set("further_bytes", report.Round((median(many.resident)-median(some.resident))/max(1, many.viewers-some.viewers), 0))
	memory.Set("heap_bytes", report.Round((many.heap-alone.heap)/max(1, many.viewers), 0))

	more := make([]float64, sessionSamples)
	for i := range more {
		more[i] = many.goroutines[i] - some.goroutines[i]
	}
	// The fewest of each: what has just begun or ended comes on top.
	goroutines := report.GoalAtMost("sessions-goroutines", "goroutines", slices.Min(many.goroutines)-slices.Min(some.goroutines), sessionGoroutines)
	goroutines.Repeats("value", more...)
	goroutines.Set("without_viewers", slices.Min(alone.goroutines))
	goroutines.Set(fmt.Sprintf("with_%d", plan.first), slices.Min(some.goroutines))
	goroutines.Set(fmt.Sprintf("with_%d", plan.all), slices.Min(many.goroutines))
	return []*report.Result{failed, memory, goroutines}
}

// settled has p collect its garbage until its memory and its goroutines stay as they are, for a minute at most, and
// returns what it keeps then: joins leave garbage behind, which is none of what a session keeps.
func settled(b *stand.Bench, p *stand.Process, step time.Duration) size {
	b.Helper()
	collect := func() stand.Metrics {
		// Asking for this profile with gc has the process collect first. What it answers is of no use here.
		if _, err := p.Get(b.Context(), "/debug/pprof/heap", url.Values{"gc": {"1"}}, 1<<20); err != nil {
			b.Fatal(err)
		}
		return b.Scrape(p.URL)
	}
	const resident = "process_resident_memory_bytes"
	was, ran := collect(), running(b, p)
	for begun := time.Now(); time.Since(begun) < settleMost; {
		b.During(step, "memory settles")
		is, run := collect(), running(b, p)
		steady := was.Sum(resident)-is.Sum(resident) < settledWithin*was.Sum(resident) &&
			ran-run < sessionGoroutines
		was, ran = is, run
		if steady {
			break
		}
	}
	s := size{viewers: was.Sum("freshet_edge_viewers"), heap: was.Sum("go_memstats_heap_alloc_bytes")}
	for range sessionSamples {
		b.During(step/sessionSamples, "memory")
		s.resident = append(s.resident, b.Scrape(p.URL).Sum(resident))
		s.goroutines = append(s.goroutines, running(b, p))
	}
	return s
}
