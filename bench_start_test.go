package main

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"freshet/bench/opening"
)

// All pages that wait for an event play once it starts. How soon, make bench-start holds to a goal on an idle machine: in
// the short form the race detector and other tests share the cores.
func TestStartReachesAll(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", t.TempDir(), "--no-sample", "--output", "json")
	defer r.stop()
	viewers := 200
	if testing.Short() {
		viewers = 60
	}
	got, err := opening.Run(t.Context(), opening.Config{API: r.mesh().API, Viewers: viewers, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", *got)
	if got.Playing != viewers {
		t.Errorf("%d of %d play: %v", got.Playing, viewers, got.LeftOut)
	}
	if !testing.Short() && !got.OK {
		t.Errorf("the last picture came after %.0f ms, want %.0f", got.Picture.Max, got.Goal)
	}
}
