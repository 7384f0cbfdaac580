package trace

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	maxWaiting = 2048            // spans that wait to be sent, some 2 MB
	maxBatch   = 512             // of one request
	sendEvery  = 5 * time.Second // whatever waits
	sendWithin = 10 * time.Second
	lastWithin = 2 * time.Second // for what is left when the node stops
)

// What becomes of a span.
const (
	spanSent = "sent"
	spanLost = "lost" // the collector did not take it
	spanFull = "full" // too many waited
)

// A queue hands spans to a collector. Whoever ends a span never waits for it: what it cannot hold is dropped, and counted.
type queue struct {
	to      sdk.SpanExporter
	log     *slog.Logger
	waiting chan sdk.ReadOnlySpan
	spans   *prometheus.CounterVec
	away    bool // the collector; run's own
}

func newQueue(to sdk.SpanExporter, log *slog.Logger, reg prometheus.Registerer) *queue {
	q := &queue{to: to, log: log, waiting: make(chan sdk.ReadOnlySpan, maxWaiting), spans: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_trace_spans_total", Help: "Spans, by what became of them: sent, lost (the collector did not take them), full (too many waited).",
	}, []string{"result"})}
	for _, r := range []string{spanSent, spanLost, spanFull} {
		q.spans.WithLabelValues(r) // shown from the start
	}
	reg.MustRegister(q.spans)
	return q
}

// OnStart implements sdk.SpanProcessor.
func (q *queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements sdk.SpanProcessor.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	select {
	case q.waiting <- s:
	default:
		q.spans.WithLabelValues(spanFull).Inc()
	}
}

// Shutdown and ForceFlush implement sdk.SpanProcessor; run ends what it began.
func (q *queue) Shutdown(context.Context) error   { return nil }
func (q *queue) ForceFlush(context.Context) error { return nil }

// run sends until ctx ends, then what waits.
func (q *queue) run(ctx context.Context) error {
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	batch := make([]sdk.ReadOnlySpan, 0, maxBatch)
	for {
		select {
		case s := <-q.waiting:
			if batch = append(batch, s); len(batch) < maxBatch {
				continue
			}
		case <-tick.C:
		case <-ctx.Done():
			return q.last(context.WithoutCancel(ctx), batch)
		}
		q.send(ctx, batch, sendWithin)
		batch = batch[:0]
	}
}

// last sends what is left.
func (q *queue) last(ctx context.Context, batch []sdk.ReadOnlySpan) error {
	for len(q.waiting) > 0 {
		batch = append(batch, <-q.waiting) // nobody else takes from it
	}
	ctx, stop := context.WithTimeout(ctx, lastWithin)
	defer stop()
	q.send(ctx, batch, lastWithin)
	_ = q.to.Shutdown(ctx) // a collector that is away is no fault of the node's
	return nil
}

func (q *queue) send(ctx context.Context, batch []sdk.ReadOnlySpan, within time.Duration) {
	if len(batch) == 0 {
		return
	}
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	if err := q.to.ExportSpans(ctx, batch); err != nil {
		q.spans.WithLabelValues(spanLost).Add(float64(len(batch)))
		if !q.away {
			q.log.Warn("the collector of traces does not take them; they are dropped until it does", "err", err)
		}
		q.away = true
		return
	}
	q.spans.WithLabelValues(spanSent).Add(float64(len(batch)))
	if q.away {
		q.log.Info("the collector of traces takes them again")
	}
	q.away = false
}
