package trace

import (
	"context"
	"log/slog"

	otel "go.opentelemetry.io/otel/trace"
)

// Log returns a handler that writes what h does, with the trace_id of the trace that a line is of.
func Log(h slog.Handler) slog.Handler { return &logged{h} }

type logged struct{ slog.Handler }

// Handle implements slog.Handler.
func (l *logged) Handle(ctx context.Context, r slog.Record) error {
	if s := otel.SpanContextFromContext(ctx); s.IsSampled() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", s.TraceID().String()))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l *logged) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logged{l.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (l *logged) WithGroup(name string) slog.Handler { return &logged{l.Handler.WithGroup(name)} }
