package trace

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A sink is a collector of OTLP.
type sink struct {
	*httptest.Server

	mu    sync.Mutex
	about map[string]string // resource of the last
	spans []*otlp.Span
}

func newSink(t *testing.T) *sink {
	s := &sink{about: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var q collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &q)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range q.ResourceSpans {
			for _, a := range one.Resource.Attributes {
				s.about[a.Key] = a.Value.GetStringValue()
			}
			for _, scope := range one.ScopeSpans {
				s.spans = append(s.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(s.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	return s
}

func (s *sink) named(t *testing.T, name string) *otlp.Span {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.spans {
		if one.Name == name {
			return one
		}
	}
	var all []string
	for _, one := range s.spans {
		all = append(all, one.Name)
	}
	t.Fatalf("no span %q among %q", name, all)
	return nil
}

func of(s *otlp.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

func newTracer(t *testing.T, log io.Writer) (*Tracer, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	tr, err := New(Config{Node: "edge-1", Role: "edge", Region: "yul", Version: "v1.2.3"}, slog.New(slog.NewTextHandler(log, nil)), reg)
	if err != nil {
		t.Fatal(err)
	}
	return tr, reg
}

// during runs tr while do does, and until its spans are sent.
func during(t *testing.T, tr *Tracer, do func(ctx context.Context)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	do(With(t.Context(), tr))
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func counted(t *testing.T, reg *prometheus.Registry, sent, lost, full string) {
	t.Helper()
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
		# HELP freshet_trace_spans_total Spans, by what became of them: sent, lost (the collector did not take them), full (too many waited).
		# TYPE freshet_trace_spans_total counter
		freshet_trace_spans_total{result="full"} `+full+`
		freshet_trace_spans_total{result="lost"} `+lost+`
		freshet_trace_spans_total{result="sent"} `+sent+`
	`)); err != nil {
		t.Error(err)
	}
}

// A request is a trace of its own: with its parts, the route and not the address, a link to who asked, and lines of the log.
func TestRequest(t *testing.T) {
	s := newSink(t)
	tr, reg := newTracer(t, io.Discard)
	var lines bytes.Buffer
	log := slog.New(Log(slog.NewTextHandler(&lines, nil))).With("node", "edge-1")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events/{slug}/join", func(w http.ResponseWriter, r *http.Request) {
		ctx, part := Start(r.Context(), "transaction")
		part.Count("freshet.tries", 2)
		log.InfoContext(ctx, "joined")
		part.End(errors.New("what somebody wrote"))
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = http.NewResponseController(w).Flush()
		Route(r, r.Pattern)
	})
	during(t, tr, func(context.Context) {
		r := httptest.NewRequest(http.MethodPost, "/events/talk/join?ticket=hunter2", nil)
		r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		tr.Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
	})
	q, part := s.named(t, "POST /events/{slug}/join"), s.named(t, "transaction")
	if q.Kind != otlp.Span_SPAN_KIND_SERVER || len(q.ParentSpanId) != 0 || !bytes.Equal(part.ParentSpanId, q.SpanId) || !bytes.Equal(part.TraceId, q.TraceId) {
		t.Errorf("request %v, its part %v", q, part)
	}
	if from := "0af7651916cd43dd8448eb211c80319c"; len(q.Links) != 1 || hex.EncodeToString(q.Links[0].TraceId) != from || hex.EncodeToString(q.TraceId) == from {
		t.Errorf("links %v of %s, want one to %s and a trace of our own", q.Links, hex.EncodeToString(q.TraceId), from)
	}
	if got := of(q, "http.response.status_code"); got != "int_value:503" || q.Status.Code != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("status %s, %v", got, q.Status)
	}
	if strings.Contains(q.String()+part.String(), "hunter2") || strings.Contains(part.String(), "what somebody wrote") {
		t.Errorf("a trace tells what it must not: %v %v", q, part)
	}
	if of(part, "freshet.tries") != "int_value:2" || part.Status.Code != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("part: %v", part)
	}
	for key, want := range map[string]string{
		"service.name": "freshet", "service.version": "v1.2.3", "service.instance.id": "edge-1", "freshet.node": "edge-1",
		"freshet.role": "edge", "freshet.region": "yul",
	} {
		if s.about[key] != want {
			t.Errorf("%s is %q, want %q", key, s.about[key], want)
		}
	}
	if want := "trace_id=" + hex.EncodeToString(q.TraceId); !strings.Contains(lines.String(), want) || !strings.Contains(lines.String(), "node=edge-1") {
		t.Errorf("log %q, want %s", lines.String(), want)
	}
	counted(t, reg, "2", "0", "0")
}

// Streams of events, parts of nothing and what is not ended make no spans.
func TestNotWorthASpan(t *testing.T) {
	s := newSink(t)
	tr, reg := newTracer(t, io.Discard)
	during(t, tr, func(ctx context.Context) {
		r := httptest.NewRequest(http.MethodGet, "/live", nil)
		r.Header.Set("Accept", "text/event-stream")
		tr.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, part := Start(r.Context(), "within a stream of events")
			part.End(nil)
		})).ServeHTTP(httptest.NewRecorder(), r)
		_, part := Start(ctx, "of nothing")
		part.End(nil)
		_, _ = Root(ctx, "not ended")
		_, whole := Root(ctx, "whole")
		whole.End(nil)
	})
	s.named(t, "whole")
	counted(t, reg, "1", "0", "0")
}

// A sampler that takes nothing is heard, and then no line has a trace.
func TestSampler(t *testing.T) {
	newSink(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	tr, reg := newTracer(t, io.Discard)
	var lines bytes.Buffer
	during(t, tr, func(ctx context.Context) {
		ctx, whole := Root(ctx, "whole")
		slog.New(Log(slog.NewTextHandler(&lines, nil))).InfoContext(ctx, "done")
		whole.End(nil)
	})
	if strings.Contains(lines.String(), "trace_id") {
		t.Errorf("log %q", lines.String())
	}
	counted(t, reg, "0", "0", "0")
}

// While the collector is away nobody waits: what does not fit is dropped, and all of it is counted.
func TestCollectorAway(t *testing.T) {
	s := newSink(t)
	s.Close()
	var lines lockedBuffer
	tr, reg := newTracer(t, &lines)
	ctx := With(t.Context(), tr)
	began := time.Now()
	for range maxWaiting + 100 {
		_, whole := Root(ctx, "whole")
		whole.End(nil)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("%d spans took %v, and nobody takes them", maxWaiting+100, took)
	}
	counted(t, reg, "0", "0", "100")
	ran, stop := context.WithCancel(t.Context())
	stop()
	began = time.Now()
	if err := tr.Run(ran); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > lastWithin+5*time.Second {
		t.Errorf("the node's end waited for %v", took)
	}
	counted(t, reg, "0", "2048", "100")
	if got := strings.Count(lines.String(), "does not take them"); got != 1 {
		t.Errorf("%d lines of the log, want 1: %s", got, lines.String())
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestAsked(t *testing.T) {
	for _, row := range []struct {
		set  []string // NAME=VALUE
		want bool
		says string
	}{
		{nil, false, ""},
		{[]string{"OTEL_TRACES_SAMPLER=always_on"}, false, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"}, true, ""},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces"}, true, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", "OTEL_SDK_DISABLED=true"}, false, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER=none"}, false, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, false, "OTEL_EXPORTER_OTLP_PROTOCOL: "},
	} {
		t.Run(strings.Join(row.set, " "), func(t *testing.T) {
			for _, one := range row.set {
				name, value, _ := strings.Cut(one, "=")
				t.Setenv(name, value)
			}
			tr, err := New(Config{Node: "a"}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if row.says != "" {
				if err == nil || !strings.HasPrefix(err.Error(), row.says) {
					t.Errorf("got %v, want %s", err, row.says)
				}
				return
			}
			if err != nil || (tr != nil) != row.want {
				t.Errorf("got %v, %v; want one: %v", tr, err, row.want)
			}
		})
	}
}

// Without a collector nothing is made, and nothing costs.
func TestOffCostsNothing(t *testing.T) {
	ctx := With(t.Context(), nil)
	if n := testing.AllocsPerRun(1000, func() { act(ctx) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	h := http.NewServeMux()
	if got := (*Tracer)(nil).Handler(h); got != http.Handler(h) {
		t.Error("a handler is wrapped")
	}
}

// act is what every act that may be traced does.
func act(ctx context.Context) {
	ctx, whole := Root(ctx, "whole")
	_, part := Start(ctx, "part")
	part.Set("freshet.stream", "talk")
	part.Count("freshet.tries", 1)
	part.End(nil)
	whole.End(nil)
}

func BenchmarkOff(b *testing.B) {
	ctx := With(b.Context(), nil)
	b.ReportAllocs()
	for b.Loop() {
		act(ctx)
	}
}
