package egress

import (
	"fmt"
	"time"

	"freshet/bench/report"
	"freshet/bench/stand"
)

const cmViewers = 2000

var cmIDs = []string{"cm-floor", "cm-cost", "cm-ratio", "cm-sent", "cm-feedback"}

// cmRow measures fake viewers who know only AES-CM.
func cmRow() stand.Row {
	return fakeRow("cm", cmIDs, fmt.Sprintf("%d fake viewers who know only AES-CM, beside a bare loop with AES-GCM", cmViewers),
		func(b *stand.Bench) audience { return cmAudience(cmViewers, b.Length(mixFor)) },
		func(f *finding) ([]*report.Result, error) { return cmResults(f), nil })
}

func cmAudience(n int, length time.Duration) audience {
	a := mixAudience(n, length)
	a.cm = true
	return a
}

// cmResults holds what came of viewers who know only AES-CM to the bare loop's cost with AES-GCM.
func cmResults(f *finding) []*report.Result {
	floor, _ := f.floor()
	return []*report.Result{
		figure("cm-floor", "us/packet", floor),
		figure("cm-cost", "us/packet", f.edge.each(func(w window) float64 { return w.MicrosEach })),
		atMost("cm-ratio", "ratio", f.edge.each(func(w window) float64 { return w.MicrosEach / median(floor) }), 2.5),
		f.sent("cm-sent"),
		f.feedback("cm-feedback"),
	}
}
