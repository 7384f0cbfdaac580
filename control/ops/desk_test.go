package ops

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	otel "go.opentelemetry.io/otel/trace"

	"freshet/cluster/trace"
)

// What the log says of an act leads to the trace of the request that asked for it.
func TestActIsOfItsTrace(t *testing.T) {
	var lines strings.Builder
	var fails error
	d := newAgreed(t).desk(func(string) error { return fails })
	d.Log = slog.New(trace.Log(slog.NewTextHandler(&lines, nil)))
	ctx := otel.ContextWithSpanContext(t.Context(), otel.NewSpanContext(otel.SpanContextConfig{
		TraceID: otel.TraceID{1: 7}, SpanID: otel.SpanID{7}, TraceFlags: otel.FlagsSampled,
	}))
	id := "trace_id=" + otel.TraceID{1: 7}.String()
	for _, row := range []struct {
		ctx   context.Context
		fails error
		want  []bool // of each line, whether it is of the trace
	}{
		{ctx, nil, []bool{true}}, {ctx, errors.New("no"), []bool{true}}, {t.Context(), nil, []bool{false}},
	} {
		lines.Reset()
		fails = row.fails
		if err := d.Decide(row.ctx, Who{Node: "control-1"}, "edge-1", "cordoned"); !errors.Is(err, row.fails) {
			t.Fatal(err)
		}
		var got []bool
		for line := range strings.Lines(lines.String()) {
			got = append(got, strings.Contains(line, id))
		}
		if d := cmp.Diff(row.want, got); d != "" {
			t.Errorf("%s\n%s", lines.String(), d)
		}
	}
}
