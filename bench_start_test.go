package main

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"freshet/bench/opening"
)

// 200 pages that wait for an event all play once it starts. How soon, make bench-start holds to a goal on an idle machine:
// here the race detector and other tests share the cores.
func TestStartReachesAll(t *testing.T) {
	defer goleak.VerifyNone(t)
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", t.TempDir(), "--no-sample", "--output", "json")
	defer r.stop()
	got, err := opening.Run(t.Context(), opening.Config{API: r.mesh().API, Viewers: 200, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", *got)
	if got.Playing != 200 {
		t.Errorf("%d of 200 play: %v", got.Playing, got.LeftOut)
	}
	if !testing.Short() && !got.OK {
		t.Errorf("the last picture came after %.0f ms, want %.0f", got.Picture.Max, got.Goal)
	}
}
