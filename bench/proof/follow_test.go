package proof_test

import (
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// Publishers with other tracks follow each other at once on one stream. Each finds the place free, and who
// joins a moment later, two hops away, has a picture at once and not at the next natural key frame.
func TestPublishersFollow(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	var first sample
	for i := range 8 {
		raw, stop := m.Publish(load.RawConfig{Rate: 30, KeyEvery: 300, KeyOnAsk: true, Audio: i%2 == 0})
		testmesh.Until(t, "some pictures", testmesh.Patience, func() bool { return raw.Stats().Layers[0].Pictures > 10 })
		cfg := load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream), For: 700 * time.Millisecond}
		err := load.Play(t.Context(), cfg, func(r load.Report) {
			if r.Final {
				first = append(first, r.FirstFrame)
			}
		}, testmesh.Log(t))
		if err != nil {
			t.Fatalf("viewer of publisher %d: %v", i, err)
		}
		if first[i] == 0 {
			t.Fatalf("viewer of publisher %d saw nothing", i)
		}
		if s := raw.Stats().Layers[0]; s.PLI+s.FIR > 0 {
			t.Errorf("publisher %d was asked for %d key frames", i, s.PLI+s.FIR)
		}
		stop()
	}
	first.log(t, "click to first whole key frame")
	held(t, "slowest first picture", first.at(100), 300*time.Millisecond)
}
