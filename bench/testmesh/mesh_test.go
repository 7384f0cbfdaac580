package testmesh_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSampleCrossesTwoHops(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	m.Background("publisher", func(ctx context.Context) error {
		return load.Publish(ctx, load.PublishConfig{URL: m.Origin.WHIP(testmesh.Stream), Key: testmesh.Key}, testmesh.Log(t))
	})
	m.Origin.WaitLive(testmesh.Stream)
	var final load.Report
	err := load.Play(t.Context(), load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream), For: 5 * time.Second},
		func(r load.Report) { final = r; t.Log(r) }, testmesh.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(final.Tracks) != 2 {
		t.Fatalf("%d tracks, want picture and sound: %+v", len(final.Tracks), final)
	}
	for _, tr := range final.Tracks {
		if tr.Kind == "video" && (tr.Codec != "H264" || tr.Width != 640 || tr.Height != 360 || tr.KeyFrames < 2 || tr.Frames < 120) {
			t.Errorf("video: %+v", tr)
		}
		if tr.Kind == "audio" && tr.Packets < 200 {
			t.Errorf("audio: %+v", tr)
		}
		if tr.Lost > 0 || tr.Damaged > 0 {
			t.Errorf("%s: lost or damaged on loopback: %+v", tr.Kind, tr)
		}
	}
	if s := m.Last().WaitLive(testmesh.Stream); len(s.Hops()) != 2 {
		t.Errorf("the stream came through %v, want the origin and the first edge", s.Hops())
	}
}

// Packets of one link's connections overtake each other, so order is not held to; what came is.
func TestRawStampsCrossTwoHops(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(2))
	m.Publish(load.RawConfig{Audio: true, KeyEvery: 30})
	var final load.Report
	err := load.Play(t.Context(), load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream), For: 3 * time.Second},
		func(r load.Report) { final = r }, testmesh.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]int64{"video": 200, "audio": 100}
	for _, tr := range final.Tracks {
		// The last few may be on their way when it ends.
		if s := tr.Stamps; s == nil || s.Packets < least[tr.Kind] || s.Missing > 4 || s.Repeated != 0 || tr.Damaged != 0 {
			t.Errorf("%s: %d damaged, stamps %+v", tr.Kind, tr.Damaged, s)
		}
		delete(least, tr.Kind)
	}
	if len(least) != 0 {
		t.Errorf("no tracks of %v", least)
	}
}

func TestEdgeThatStopsSaysGoodbye(t *testing.T) {
	m := testmesh.New(t, testmesh.Chain(1))
	m.Publish(load.RawConfig{Audio: true})
	var final load.Report
	ended := make(chan error, 1)
	go func() {
		ended <- load.Play(t.Context(), load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream)},
			func(r load.Report) { final = r }, testmesh.Log(t))
	}()
	testmesh.Until(t, "a viewer", testmesh.Patience, func() bool { return m.Last().Edge.Viewers()[testmesh.Stream] == 1 })
	m.Last().Stop()
	select {
	case err := <-ended:
		if err != nil || final.End != "the stream ended" {
			t.Errorf("ended with %v, %q", err, final.End)
		}
	case <-time.After(testmesh.Patience):
		t.Error("the viewer was not told")
	}
}
