// Package trace shows how long the rare acts of a node take, and of what they are made: requests, transactions, a change of
// upstream, a round of placement that decides something. Spans go to an OpenTelemetry collector by OTLP over HTTP, where the
// variables OTEL_… name one; without, nothing is made. Never is there a span of a packet, nor a secret in one.
//
// A node's Tracer travels in the contexts that its parts run with, so that several nodes of one process have one each.
package trace

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

// Config says whose spans they are.
type Config struct{ Node, Role, Region, Version string }

// A Tracer makes the spans of one node. A nil Tracer makes none.
type Tracer struct {
	tracer otel.Tracer
	queue  *queue
}

// Limits of a span: what is longer is cut, what is more is left out.
const (
	maxAttributes = 32
	maxText       = 256 // characters of a value
	maxLinks      = 1
)

// Asked says whether the variables of OpenTelemetry name a collector, and do not switch traces off.
func Asked() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// New returns the tracer of a node, nil where none is asked for. Where it sends to, what it brings along and which traces it
// makes is said by OTEL_EXPORTER_OTLP_…, OTEL_TRACES_SAMPLER… and OTEL_RESOURCE_ATTRIBUTES. Run must follow.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Tracer, error) {
	if !Asked() {
		return nil, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := os.Getenv(name); p != "" && p != "http/protobuf" {
			return nil, fmt.Errorf("%s: spans go by http/protobuf, not %q", name, p)
		}
	}
	ctx := context.Background() // nothing is waited for
	to, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "freshet")), resource.WithFromEnv(),
		resource.WithAttributes(
			attribute.String("service.version", cfg.Version), attribute.String("service.instance.id", cfg.Node),
			attribute.String("freshet.node", cfg.Node), attribute.String("freshet.role", cfg.Role), attribute.String("freshet.region", cfg.Region),
		))
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	q := newQueue(to, log, reg)
	limits := sdk.NewSpanLimits()
	limits.AttributeCountLimit, limits.AttributeValueLengthLimit, limits.LinkCountLimit = maxAttributes, maxText, maxLinks
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(q), sdk.WithResource(about), sdk.WithRawSpanLimits(limits))
	return &Tracer{tracer: provider.Tracer("freshet", otel.WithInstrumentationVersion(cfg.Version)), queue: q}, nil
}

// Run sends what was made until ctx ends, and then what is left, for some seconds. Of a nil Tracer it waits for ctx.
func (t *Tracer) Run(ctx context.Context) error {
	if t == nil {
		<-ctx.Done()
		return nil
	}
	return t.queue.run(ctx)
}

type tracerKey struct{}

// With returns ctx for the parts of t's node.
func With(ctx context.Context, t *Tracer) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, tracerKey{}, t)
}

// Root begins a trace of something that nobody has asked for: what a node does by itself. Within another trace it is part of
// that.
func Root(ctx context.Context, name string) (context.Context, Span) {
	t, _ := ctx.Value(tracerKey{}).(*Tracer)
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.tracer.Start(ctx, name)
	return ctx, Span{s}
}

// Start begins a part of ctx's trace. Where there is none, nothing is begun: what runs each second by itself is not worth one.
func Start(ctx context.Context, name string) (context.Context, Span) {
	if !otel.SpanFromContext(ctx).IsRecording() {
		return ctx, Span{}
	}
	return Root(ctx, name)
}

// A Span is one act. The zero Span is that of no trace; all of its methods do nothing. One that is not ended is not sent.
type Span struct{ span otel.Span }

// Set tells something of the act. Values are words of logs: never a secret, never what somebody has written.
func (s Span) Set(key, value string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Count tells how many there were of something.
func (s Span) Count(key string, n int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(key, n))
	}
}

// End ends the act, which has failed where err is not nil. Of the error the span tells the kind: its text may hold what
// somebody has written.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.span.SetAttributes(attribute.String("error.type", fmt.Sprintf("%T", err)))
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
