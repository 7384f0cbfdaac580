package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

// spans are what a collector of OTLP got, by node and name.
type spans struct {
	t   *testing.T
	mu  sync.Mutex
	got map[string]*otlp.Span
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	var q collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(b, &q)
	}
	if err != nil {
		s.t.Errorf("traces: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range q.ResourceSpans {
		about := map[string]string{}
		for _, a := range one.Resource.Attributes {
			about[a.Key] = a.Value.GetStringValue()
		}
		node := about["freshet.node"]
		if about["service.name"] != "freshet" || about["service.version"] == "" || about["freshet.region"] == "" || !strings.HasPrefix(node, about["freshet.role"]+"-") {
			s.t.Errorf("spans of %v", about)
		}
		for _, scope := range one.ScopeSpans {
			for _, span := range scope.Spans {
				s.got[node+" "+span.Name] = span
			}
		}
	}
}

// TestTraces has a publisher, a viewer and whoever joins leave their traces, of each node that they met.
func TestTraces(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	s := &spans{t: t, got: map[string]*otlp.Span{}}
	server := httptest.NewServer(s)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", t.TempDir(), "--output", "json", "--edges", "1")
	m := r.mesh()
	plays(t, m.Edges[0].WHEP+"/sample")
	for to, body := range map[string]string{
		m.API + "/events/sample/join": `{}`,
		m.API + "/setup":              `{"account":"Nordlicht","name":"Ana","email":"ana@example.org","password":"a long password"}`,
	} {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Post(to, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %d", to, resp.StatusCode)
		}
	}
	r.stop()
	for name, parent := range map[string]string{
		"origin-1 POST /whip/{stream}":              "",
		"edge-1 POST /whep/{stream}":                "",
		"edge-1 pull":                               "edge-1 POST /whep/{stream}",
		"edge-1 relay subscribe":                    "",
		"control-1 POST /api/v1/events/{slug}/join": "",
		"control-1 POST /api/v1/setup":              "",
		"control-1 transaction":                     "control-1 POST /api/v1/setup",
		"control-1 placement":                       "",
		"edge-1 DELETE /whep/{stream}/{session}":    "",
	} {
		span := s.got[name]
		if span == nil {
			t.Errorf("no span %q", name)
			continue
		}
		if of := s.got[parent]; parent == "" && len(span.ParentSpanId) > 0 || of != nil && !bytes.Equal(span.ParentSpanId, of.SpanId) {
			t.Errorf("%q is not part of %q: %v", name, parent, span)
		}
	}
	if t.Failed() {
		for name := range s.got {
			t.Log(name)
		}
	}
}
