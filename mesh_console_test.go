package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"freshet/bench/impair"
	"freshet/control/ops"
	"freshet/control/store/storetest"
)

// A console is the ops console in Chromium, as control/web/e2e/console.mjs reads it.
type console struct {
	mu   sync.Mutex
	text string
	ways []string // of nodes in the relay trees that are drawn, as "origin → hub → edge"
}

// now returns what stands on the page.
func (o *console) now() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text
}

func (o *console) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var s struct {
			Text string
			Ways []string
		}
		if json.Unmarshal(lines.Bytes(), &s) == nil {
			o.mu.Lock()
			o.text, o.ways = s.Text, s.Ways
			o.mu.Unlock()
		}
	}
}

// says reports whether what stands on the page matches.
func (o *console) says(want *regexp.Regexp) bool { return want.MatchString(o.now()) }

// draws reports whether a way is drawn on the page.
func (o *console) draws(way string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.ways, way)
}

// TestConsole holds NET-03 and NET-13: a way of origin, hub and edge is drawn on the page of operations while it plays; each
// fault is there within five seconds, and gone from it once it is mended.
func TestConsole(t *testing.T) {
	c, slug := startMesh(t)
	viewers := slices.Concat(c.follow(2, slug, "par"), c.follow(2, slug, "sin"))
	c.watching(viewers)
	leader := func() string { return c.view().Quorum.Leader }
	shown := slices.DeleteFunc([]string{"control-2", "control-3"}, func(name string) bool { return name == leader() })[0]
	o := &console{}
	if !c.chromium(o.read, "e2e/console.mjs", c.nodes[shown].url, organizerMail, organizerPassword) {
		t.Skip("NOT TESTED: the console is looked at in Chromium alone, and what drives it is not here (make web)")
	}
	well := regexp.MustCompile("Nothing is wrong")
	calm := func() {
		t.Helper()
		if err := until(t.Context(), time.Minute, func() bool { return o.says(well) }); err != nil {
			t.Fatalf("something is wrong for ever:\n%s", o.now())
		}
	}
	calm()
	c.drawn(o, slug)
	fault := func(name, pattern string, inject, mend func()) {
		t.Helper()
		want := regexp.MustCompile(pattern)
		busy, begun := c.counters(), time.Now()
		inject()
		err := until(t.Context(), 15*time.Second, func() bool { return o.says(want) })
		took, void := time.Since(begun), c.counters().Since(busy).Starved()
		if err != nil {
			t.Errorf("%s: %q is never said:\n%s", name, pattern, o.now())
		}
		c.held("NET-13", name, []time.Duration{took}, 0, void, 5*time.Second, 5*time.Second)
		mend()
		calm()
	}
	back := func(name string) {
		p := c.nodes[name]
		<-p.done
		c.start(name, p.args...)
	}

	fault("an edge is killed", `edge-6 (does not answer|has gone silent|has failed)`,
		func() { _ = c.nodes["edge-6"].cmd.Process.Kill() }, func() { back("edge-6") })

	if c.hosts == nil {
		t.Log("NOT TESTED: links lose packets between hosts (make test-mesh)")
	} else {
		hop := c.ocean()
		a, b := c.host(hop.Node), c.host(hop.Upstream)
		there, again := c.hosts.Path(a, b), c.hosts.Path(b, a)
		losing := func(p impair.Path) impair.Path { p.Loss = .08; return p }
		fault("a link loses 8 %", `The link from `+hop.Upstream+` to `+hop.Node+` loses [0-9.]+ %`,
			func() { c.hosts.Set(a, b, losing(there)); c.hosts.Set(b, a, losing(again)) },
			func() { c.hosts.Set(a, b, there); c.hosts.Set(b, a, again) })
	}

	dying := leader()
	if dying == "control-1" { // of whom the test asks how things are
		c.viewed = shown
	}
	fault("the leader is killed", `(No control node leads|Control node `+dying+` does not answer|`+dying+` (does not answer|has gone silent|has failed))`,
		func() { _ = c.nodes[dying].cmd.Process.Kill() }, func() { back(dying) })
	c.until("a leader", 15*time.Second, func(v ops.View) bool { return v.Quorum.Leader != "" })

	fault("the database is away", `The database does not answer `+shown,
		func() { storetest.Refuse(t, c.database, true) }, func() { storetest.Refuse(t, c.database, false) })
	c.watching(viewers)
	c.leave(viewers)
}

// drawn has a viewer at each edge of a region, one of which passes the stream on to the others, and waits until that is drawn.
func (c *cluster) drawn(o *console, slug string) {
	c.Helper()
	var joined struct {
		Token   string
		Streams []struct{ ID string }
		Edges   []struct{ Region, WHEP string }
	}
	(&organizer{c, http.DefaultClient}).post("/events/"+slug+"/join", map[string]string{"region": "sin"}, &joined)
	var all []*watcher
	for _, e := range joined.Edges {
		if e.Region == "sin" {
			all = append(all, c.watchWith(e.WHEP+"/"+joined.Streams[0].ID, joined.Token))
		}
	}
	c.playing(all, 30)
	way := ""
	if err := until(c.Context(), 15*time.Second, func() bool { way = hubWay(c.view()); return way != "" && o.draws(way) }); err != nil {
		c.Fatalf("the way %q of a viewer's stream is not drawn:\n%s", way, o.now())
	}
	c.playing(all, 30)
	c.Logf("NET-03: %s plays, and is drawn", way)
	for _, w := range all {
		w.stop()
		if err := <-w.ended; err != nil {
			c.Errorf("a viewer: %v", err)
		}
	}
}

// hubWay returns the way of the stream from its origin, by a hub, to an edge with viewers, empty where there is none.
func hubWay(v ops.View) string {
	for _, h := range v.Streams[0].Hops {
		hub, ok := hopOf(v, h.Upstream)
		if !ok || !hub.Live || hub.Hops != 1 || !h.Live || h.Viewers == 0 {
			continue
		}
		if slices.ContainsFunc(v.Streams[0].Hubs, func(one ops.Hub) bool { return one.Node == hub.Node }) {
			return hub.Upstream + " → " + hub.Node + " → " + h.Node
		}
	}
	return ""
}
