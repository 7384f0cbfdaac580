package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/cluster/stream"
	"freshet/control/ops"
	"freshet/control/route"
)

// TestStaticStability holds R7: while all of control is away, what is on the air goes on, an edge that dies loses nobody,
// and who knows an edge is let in there.
func TestStaticStability(t *testing.T) {
	c, slug := startMesh(t)
	viewers := slices.Concat(c.follow(4, slug, "par"), c.follow(4, slug, "sin"))
	c.watching(viewers)
	was := c.view().Streams[0]
	controls := []string{"control-1", "control-2", "control-3"}
	for _, name := range controls {
		_ = c.nodes[name].cmd.Process.Kill()
	}
	for _, name := range controls {
		<-c.nodes[name].done
	}
	gone := time.Now()
	there := c.mostWatched(viewers)
	edge, _ := there[0].at()
	p := c.nodes[edge]
	_ = p.cmd.Process.Kill()
	died := time.Now()
	c.moved(there, edge)
	c.watching(viewers)
	moving, dark := gaps(there, died)
	c.result("R7", "an edge is killed while control is away", moving, dark)
	if g := slices.Max(moving); g > 5*time.Second {
		t.Errorf("%s without a picture", g)
	}
	settled := time.Now()

	// Who comes now, and knows where to go.
	for _, name := range slices.DeleteFunc([]string{"edge-1", "edge-4", "edge-6"}, func(name string) bool { return name == edge }) {
		w := c.watch(c.nodes[name].url + "/whep/" + was.ID)
		c.playing([]*watcher{w}, 30)
		w.stop()
		if err := <-w.ended; err != nil {
			t.Errorf("a newcomer at %s: %v", name, err)
		}
	}
	select {
	case <-time.After(time.Until(gone.Add(lasts()))):
	case <-t.Context().Done():
	}
	c.watching(viewers)
	steady, dark := gaps(viewers, settled)
	c.result("R7", "control is away for "+lasts().String(), steady, dark)
	if g := slices.Max(steady); g > 500*time.Millisecond || dark > 0 {
		t.Errorf("%s without a picture, %d without one now", g, dark)
	}

	<-p.done
	var coming []*process
	for _, name := range append(controls, edge) {
		coming = append(coming, c.launch(name, c.nodes[name].args...))
	}
	for _, p := range coming {
		c.await(p)
	}
	c.until("all is as it was", 30*time.Second, func(v ops.View) bool {
		return alive(11)(v) && len(v.Streams) == 1 && v.Streams[0].Origin == was.Origin && v.Streams[0].Epoch == was.Epoch && v.Streams[0].Live
	})
	c.watching(viewers)
	c.leave(viewers)
}

// TestRotation holds R17 for keys: those of gossip and of tokens change under load, and nobody notices.
func TestRotation(t *testing.T) {
	c, slug := startMesh(t)
	viewers := slices.Concat(c.follow(2, slug, "yul"), c.follow(2, slug, "sin"))
	c.watching(viewers)
	begun := time.Now()
	for _, path := range []string{"/gossip-keys", "/signing-keys"} {
		if err := until(t.Context(), 60*time.Second, func() bool {
			return clusterFlags{Data: c.data("control-1")}.ask(t.Context(), http.MethodPost, path, nil, &struct{}{}) == nil // not while one goes on
		}); err != nil {
			t.Fatalf("%s: nothing begins", path)
		}
	}
	if err := until(t.Context(), 60*time.Second, func() bool {
		// A second one begins when all hold the first.
		return clusterFlags{Data: c.data("control-1")}.ask(t.Context(), http.MethodPost, "/gossip-keys", nil, &struct{}{}) == nil
	}); err != nil {
		t.Fatal("the change of gossip keys comes to no end")
	}
	c.until("all live", 10*time.Second, alive(11))
	c.tellsWhy(slug)
	more := c.follow(2, slug, "par")
	c.watching(append(more, viewers...))
	longest, dark := gaps(viewers, begun)
	c.result("R17", "keys change", longest, dark)
	for i, f := range viewers {
		if g, _, _ := f.Longest(stream.Video, begun, time.Now()); g > 500*time.Millisecond {
			t.Errorf("viewer %d was without a picture for %s", i, g)
		}
		if _, edges := f.at(); edges != 1 {
			t.Errorf("viewer %d moved %d times", i, edges-1)
		}
	}
	c.leave(append(more, viewers...))
}

// tellsWhy has a viewer come by way of each control node, and each of the others say why it was sent where it was.
func (c *cluster) tellsWhy(slug string) {
	c.Helper()
	controls := []string{"control-1", "control-2", "control-3"}
	for _, by := range controls {
		res, err := http.Post(c.nodes[by].url+"/api/v1/events/"+slug+"/join", "application/json", strings.NewReader(`{"region":"sin"}`))
		if err != nil {
			c.Fatal(err)
		}
		var joined struct{ Session string }
		err = json.NewDecoder(res.Body).Decode(&joined)
		_ = res.Body.Close()
		if err != nil || joined.Session == "" {
			c.Fatalf("%s: %s, %v", by, res.Status, err)
		}
		for _, other := range controls {
			var d route.Decision
			if err := (clusterFlags{Data: c.data(other)}).ask(c.Context(), http.MethodGet, "/sessions/"+joined.Session, nil, &d); err != nil || d.Choice == "" {
				c.Errorf("placed by %s, asked of %s: %+v, %v", by, other, d, err)
			}
		}
	}
}
