package trace

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	otel "go.opentelemetry.io/otel/trace"
)

// Handler has each request of h be a trace, but for streams of events, which last for hours. A traceparent (W3C Trace
// Context) that a request brings is linked to, and no more: who asks is anybody, and must neither name our traces nor decide
// which are kept. A nil Tracer leaves h as it is.
func (t *Tracer) Handler(h http.Handler) http.Handler {
	if t == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			h.ServeHTTP(w, r)
			return
		}
		options := []otel.SpanStartOption{
			otel.WithNewRoot(), otel.WithSpanKind(otel.SpanKindServer), otel.WithAttributes(attribute.String("http.request.method", method(r))),
		}
		from := otel.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
		if from.IsValid() {
			options = append(options, otel.WithLinks(otel.Link{SpanContext: from}))
		}
		ctx, s := t.tracer.Start(With(r.Context(), t), method(r), options...)
		defer s.End()
		a := &answer{ResponseWriter: w}
		h.ServeHTTP(a, r.WithContext(ctx))
		code := cmp.Or(a.status, http.StatusOK)
		s.SetAttributes(attribute.Int("http.response.status_code", code))
		if code >= 500 {
			s.SetStatus(codes.Error, "")
		}
	})
}

// Route names the trace of r by the pattern that it matches, as http.ServeMux writes it. An address itself never stands in
// a trace: it may hold a ticket, or what only its holder knows.
func Route(r *http.Request, pattern string) {
	s := otel.SpanFromContext(r.Context())
	if !s.IsRecording() || pattern == "" {
		return
	}
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path
	}
	s.SetName(method(r) + " " + pattern)
	s.SetAttributes(attribute.String("http.route", pattern))
}

// method is r's where it is one that we know: it names a span.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "_OTHER"
}

// An answer remembers its status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
