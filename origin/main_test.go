package origin_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"freshet/cluster/stream"
	"freshet/origin"
	pb "freshet/proto"
	"freshet/proto/problem"
	"freshet/proto/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "a-stream-key"

// records let everyone publish with key to any stream but "unknown".
type records struct{}

func (records) CheckKey(stream, bearer string) error {
	switch {
	case stream == "unknown":
		return problem.New(404, "stream-unknown", "Stream unknown", "")
	case bearer == "":
		return problem.New(401, "unauthorized", "Stream key missing", "")
	case bearer != key:
		return problem.New(403, "forbidden", "Wrong stream key", "")
	}
	return nil
}

// A node is an origin with its HTTP server, on loopback.
type node struct {
	*origin.Origin
	table *stream.Table
	reg   *prometheus.Registry
	url   string
}

func start(t testing.TB) *node {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	n := &node{table: stream.NewTable(), reg: prometheus.NewRegistry()}
	var err error
	n.Origin, err = origin.New(origin.Config{Node: "origin-1", Region: "yul", Media: "127.0.0.1:0"},
		origin.Deps{Log: log, Metrics: n.reg, Records: records{}, Table: n.table})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(n.Handler())
	n.url = web.URL
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("origin: %v", err)
		}
		web.Close()
	})
	return n
}

// await looks until ok, and fails t where that takes longer than within.
func await(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("within %v: no %s", within, what)
		case <-look.C:
		}
	}
}

// live waits until all flows of a stream have packets.
func (n *node) live(t testing.TB, id string) *stream.Stream {
	t.Helper()
	var s *stream.Stream
	await(t, 5*time.Second, "packets in all flows of "+id, func() bool {
		if s = n.table.Get(id); s == nil {
			return false
		}
		for _, f := range s.Flows {
			if f.Ring.Head() < 10 {
				return false
			}
		}
		return true
	})
	return s
}

// value returns a counter or gauge, summed over its labels.
func (n *node) value(t testing.TB, name string) (sum float64) {
	t.Helper()
	families, err := n.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func (records) CheckHash(string, []byte) error         { return errors.ErrUnsupported }
func (records) Stream(string) (*pb.StreamRecord, bool) { return nil, false }
func (records) TokenKeys() token.Keys                  { return nil }
