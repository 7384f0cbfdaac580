package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
	"freshet/proto/problem"
)

// one is a Puller and Lease of one stream that never changes.
type one struct {
	s        *stream.Stream
	released chan struct{}
}

func (o one) Pull(context.Context, string) (Lease, error) { return o, nil }
func (o one) Stream() *stream.Stream                      { return o.s }
func (o one) Changed() <-chan struct{}                    { return nil }
func (o one) Route() []stream.Hop                         { return nil }
func (o one) Release()                                    { close(o.released) }

// A stream that ends between the pull and the viewer's place at a shard: nobody would tell the viewer any
// more, whose picture would stand still for good.
func TestStreamEndsBeforeTheViewerIsSeated(t *testing.T) {
	s := stream.New("floor", 1, nil, []stream.Format{
		{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}},
	}, func(*stream.Flow) {})
	mesh := one{s, make(chan struct{})}
	e, err := New(Config{Node: "test", Media: "127.0.0.1:0"},
		Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Puller: mesh})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	hold, err := e.pool.Get(ctx, "floor")
	if err != nil {
		t.Fatal(err)
	}
	s.End(stream.ErrEnded)
	select {
	case <-mesh.released: // after the end was told
	case <-ctx.Done():
		t.Fatal("the lease is held on to after the end")
	}
	offer, err := os.ReadFile("whep/testdata/audio.sdp")
	if err != nil {
		t.Fatal(err)
	}
	place, _ := e.gate.Enter("floor")
	_, _, err = e.seat(ctx, rtc.Offer{Session: "one", Stream: "floor", SDP: strings.ReplaceAll(string(offer), "\n", "\r\n")}, hold, place, nil)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Status != http.StatusConflict {
		t.Errorf("got %v, want a problem of 409", err)
	}
	hold.Release()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
