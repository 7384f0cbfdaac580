package main

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"freshet/bench/load"
	"freshet/control/ops"
)

// TestPhonesOfARegion holds BEY-12 on a mesh that freshet up starts: where a region has viewers of the lowest layer alone, its link
// carries that and the sound, and what the ops page is told of it says so; the link to a region with a large screen carries more.
func TestPhonesOfARegion(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	data := t.TempDir()
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", data, "--output", "json", "--no-sample")
	m := r.mesh()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	cfg := load.Simulcast()
	cfg.URL, cfg.Key = m.Origins[0].WHIP+"/sample", m.Key
	raw, err := load.NewRaw(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 4)
	go func() { ended <- raw.Run(ctx) }()
	plays := func(edge int, rid string) {
		whep := m.Edges[edge].WHEP + "/sample"
		if err := until(ctx, 20*time.Second, func() bool { return knows(ctx, whep) }); err != nil {
			t.Errorf("%s never knows the stream", whep)
		}
		layer := make(chan string, 1)
		layer <- rid
		go func() {
			ended <- load.Play(ctx, load.PlayConfig{URL: whep, Layer: layer}, func(load.Report) {}, quiet)
		}()
	}
	select {
	case <-raw.Connected():
	case <-ctx.Done():
		t.Fatal("the publisher does not connect")
	}
	plays(1, "f") // par
	plays(2, "q") // sin
	plays(2, "q")
	links := func() map[string]ops.Link {
		var v ops.View
		if err := (clusterFlags{Data: data}).ask(ctx, http.MethodGet, "/mesh", nil, &v); err != nil {
			t.Fatal(err)
		}
		all := map[string]ops.Link{}
		for _, l := range v.Links {
			all[l.B] = l
		}
		return all
	}
	// The upper layers are 0.8 and 2.5 Mbit/s, the lowest with the sound 0.3. Nobody watches the one in the middle.
	var last map[string]ops.Link
	if err := until(ctx, time.Minute, func() bool {
		last = links()
		phones, screen := last["edge-3"], last["edge-2"]
		return phones.Kbps > 100 && phones.Kbps < 700 && phones.Saved > 2000 && screen.Kbps > 2000 && screen.Saved < 1200
	}); err != nil {
		t.Errorf("links: %+v; want that of edge-3 to spare the upper layers, and edge-2 the one in the middle", last)
	}
	t.Logf("links: %+v", last)
	cancel()
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	r.stop()
}

// knows reports whether the edge with this endpoint has heard of the stream: it refuses what is no offer, and not the stream.
func knows(ctx context.Context, whep string) bool {
	c := http.Client{Timeout: 5 * time.Second}
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, whep, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := c.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode != http.StatusNotFound
}
