package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"freshet/bench/load"
)

// A running is the program in this process, started as from a shell.
type running struct {
	t       *testing.T
	stdout  *bufio.Reader
	serving chan served
	cancel  context.CancelFunc
	code    chan int
	done    bool
}

// served is the log line with which a node says where it listens.
type served struct{ Msg, Node, URL, Relay, Agents string }

// memberlist lets a probe that is under way come to its end after it was shut down, up to 5 s later.
var probing = goleak.IgnoreAnyFunction("github.com/hashicorp/memberlist.(*Memberlist).probeNode")

// begin runs freshet with args. The test ends it, and fails where it does not end with 0 within 10 s.
func begin(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	r := &running{t: t, stdout: bufio.NewReader(out), serving: make(chan served, 16), cancel: cancel, code: make(chan int, 1)}
	go func() {
		code := run(ctx, args, in, r)
		_ = in.Close()
		r.code <- code
	}()
	t.Cleanup(r.stop)
	return r
}

func (r *running) stop() {
	r.t.Helper()
	if r.done {
		return
	}
	r.done = true
	r.cancel()
	select {
	case code := <-r.code:
		if code != 0 {
			r.t.Errorf("exit code %d, want 0", code)
		}
	case <-time.After(10 * time.Second):
		r.t.Error("did not stop within 10 s")
	}
}

// mesh returns the mesh that up printed.
func (r *running) mesh() meshJSON {
	r.t.Helper()
	text, err := r.stdout.ReadBytes('\n')
	if err != nil {
		r.t.Fatalf("the mesh did not start: %v", err)
	}
	var m meshJSON
	if err := json.Unmarshal(text, &m); err != nil {
		r.t.Fatalf("%v: %s", err, text)
	}
	return m
}

// Write takes a line of the log, which is shown where the test fails.
func (r *running) Write(b []byte) (int, error) {
	r.t.Logf("%s", b)
	var line served
	if json.Unmarshal(b, &line) == nil && line.Msg == "serving" {
		r.serving <- line
	}
	return len(b), nil
}

// where returns where the one node that runs listens.
func (r *running) where() served {
	r.t.Helper()
	select {
	case s := <-r.serving:
		return s
	case <-time.After(10 * time.Second):
		r.t.Fatal("the node does not say where it listens")
		return served{}
	}
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	c := http.Client{Timeout: 5 * time.Second}
	defer c.CloseIdleConnections()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("GET %s: %d %s, %v", url, resp.StatusCode, b, err)
	}
	if s, ok := into.(*string); ok {
		*s = string(b)
	} else if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("GET %s: %v: %s", url, err, b)
	}
}

// plays plays url until a picture is there and frames go on, and returns the last report.
func plays(t *testing.T, url string) load.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var last load.Report
	err := load.Play(ctx, load.PlayConfig{URL: url}, func(r load.Report) {
		last = r
		if v := video(r); v != nil && v.Frames > 30 {
			cancel()
		}
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("play %s: %v", url, err)
	}
	if v := video(last); v == nil || v.Frames <= 30 || last.FirstFrame == 0 {
		t.Fatalf("play %s: no moving picture: %s", url, last)
	}
	return last
}

func video(r load.Report) *load.TrackReport {
	for i := range r.Tracks {
		if r.Tracks[i].Kind == "video" {
			return &r.Tracks[i]
		}
	}
	return nil
}

type streamJSON struct {
	ID     string
	Live   bool
	Origin struct{ Node, WHIP string }
	Tracks []struct{ Codec string }
	Edges  []struct {
		Node, Upstream string
		Hops           int
	}
}

// TestUp starts a mesh as a person does, watches the sample at the far end of the chain, and stops it.
func TestUp(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	data := t.TempDir()
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", data, "--output", "json", "--stream", "talk=talk-key")
	m := r.mesh()
	if len(m.Control) != 1 || len(m.Origins) != 1 || len(m.Edges) != 3 || m.Stream != "sample" || m.Key == "" {
		t.Fatalf("mesh: %+v", m)
	}
	for i, want := range []string{"yul", "par", "sin"} {
		if e := m.Edges[i]; e.Node != fmt.Sprintf("edge-%d", i+1) || e.Region != want {
			t.Errorf("edge %d: %+v, want region %s", i+1, e, want)
		}
	}
	plays(t, m.Edges[2].WHEP+"/sample")

	var all []streamJSON
	get(t, m.API+"/streams", &all)
	if len(all) != 2 || all[0].ID != "sample" || !all[0].Live || all[1].ID != "talk" || all[1].Live {
		t.Errorf("streams: %+v", all)
	}
	hops := 0
	for _, e := range all[0].Edges {
		hops = max(hops, e.Hops)
	}
	if hops != 1 { // each region has one edge, which takes it from the origin
		t.Errorf("the sample has %d hops at most, want 1: %+v", hops, all[0].Edges)
	}
	for _, n := range append(append(m.Control, m.Origins...), m.Edges...) {
		var text string
		get(t, n.Metrics, &text)
		if !strings.Contains(text, `freshet_build_info{`) || !strings.Contains(text, `node="`+n.Node+`"`) {
			t.Errorf("%s: metrics without freshet_build_info of the node", n.Node)
		}
		get(t, strings.TrimSuffix(n.Metrics, "/metrics")+"/readyz", &text)
	}
	for _, f := range []string{"keys/sample", "origin-1/origin-1.state", "edge-3/edge-3.state", "mesh.state"} {
		st, err := os.Stat(filepath.Join(data, f))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", f, st, err)
		}
	}
	begun := time.Now()
	r.stop()
	t.Logf("stopped in %s", time.Since(begun))

	// The key stays the same from one start to the next.
	r = begin(t, "up", "--http", "127.0.0.1:0", "--data", data, "--output", "json", "--edges", "1", "--no-sample")
	if again := r.mesh(); again.Key != m.Key || len(again.Edges) != 1 {
		t.Errorf("second start: %+v", again)
	}
	r.stop()
}

// TestSampleMakesWay has somebody publish to the sample's stream while the sample is on the air, by way
// of control: they go on the air, and the sample comes back when they have left.
func TestSampleMakesWay(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", t.TempDir(), "--output", "json", "--edges", "1")
	m := r.mesh()
	state := func() streamJSON {
		var s streamJSON
		get(t, m.API+"/streams/sample", &s)
		return s
	}
	frames := make(chan int, 100)
	ctx, cancel := context.WithCancel(t.Context())
	published := make(chan error, 1)
	go func() {
		published <- load.Publish(ctx, load.PublishConfig{
			URL: m.Origins[0].WHIP + "/sample", Key: m.Key,
			Report: func(p load.PublishReport) { frames <- p.Frames },
		}, slog.New(slog.DiscardHandler))
	}()
	// The sample leaves a second after they came; a viewer sees pictures all the same.
	<-frames
	<-frames
	<-frames
	plays(t, m.Edges[0].WHEP+"/sample")
	if !state().Live {
		t.Error("nobody is on the air after the sample made way")
	}
	cancel()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := until(ctx, 20*time.Second, func() bool { return !state().Live }); err != nil {
		t.Fatalf("still live after the publisher left: %v", err)
	}
	if err := until(ctx, 20*time.Second, func() bool { return state().Live }); err != nil {
		t.Fatalf("the sample did not come back: %v", err)
	}
	plays(t, m.Edges[0].WHEP+"/sample")
	r.stop()
}

// TestSampleMakesWayForOthers has somebody publish what could not be the sample's backup, a picture without
// sound: the sample leaves, and they are let in at once.
func TestSampleMakesWayForOthers(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", t.TempDir(), "--output", "json", "--edges", "1")
	m := r.mesh()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	frames := make(chan int, 100)
	published := make(chan error, 1)
	go func() {
		published <- load.Publish(ctx, load.PublishConfig{
			URL: m.Origins[0].WHIP + "/sample", Key: m.Key, Input: "bench/load/sample/sample.h264", Loop: true,
			Report: func(p load.PublishReport) { frames <- p.Frames },
		}, slog.New(slog.DiscardHandler))
	}()
	select {
	case <-frames:
	case err := <-published:
		t.Fatalf("refused: %v", err)
	}
	if got := plays(t, m.Edges[0].WHEP+"/sample"); len(got.Tracks) != 1 {
		t.Errorf("%d tracks on the air, want the new publisher's one", len(got.Tracks))
	}
	cancel()
	<-published
	r.stop()
}

// TestParts starts the same mesh from its parts, each as its own command on ports of its own.
func TestParts(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("a-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := func(command string, args ...string) *running {
		args = append([]string{command, "--http", "127.0.0.1:0", "--ca", filepath.Join(dir, "ca"), "--data", dir}, args...)
		if command != "control" {
			args = append(args, "--relay", "127.0.0.1:0", "--media", "127.0.0.1:0")
		}
		return begin(t, args...)
	}
	control := node("control", "--agents", "127.0.0.1:0", "--stream", "talk=@"+key)
	at := control.where()
	origin := node("origin", "--control", at.Agents)
	hub := node("edge", "--region", "par", "--shards", "1", "--control", at.Agents, "--upstream", "origin-1="+origin.where().Relay)
	far := node("edge", "--node", "edge-2", "--region", "sin", "--shards", "1", "--control", at.Agents, "--upstream", "edge-1="+hub.where().Relay)
	api := at.URL + "/api/v1"
	c := http.Client{Timeout: 5 * time.Second}
	defer c.CloseIdleConnections()
	join := func() string {
		resp, err := c.Post(api+"/events/talk/join", "application/json", strings.NewReader(`{"region":"sin"}`))
		if err != nil {
			return ""
		}
		defer func() { _ = resp.Body.Close() }()
		var j struct{ Edges []struct{ Node, WHEP string } }
		if json.NewDecoder(resp.Body).Decode(&j) != nil || len(j.Edges) < 2 || j.Edges[0].Node != "edge-2" {
			return ""
		}
		return j.Edges[0].WHEP
	}
	var whep string
	if err := until(t.Context(), 15*time.Second, func() bool { whep = join(); return whep != "" }); err != nil {
		t.Fatalf("no join answer with both edges: %v", err)
	}
	// The publisher asks control, which sends it on to the origin.
	ctx, cancel := context.WithCancel(t.Context())
	published := make(chan error, 1)
	go func() {
		published <- load.Publish(ctx, load.PublishConfig{URL: at.URL + "/whip/talk", Key: "a-secret", Reconnect: true}, slog.New(slog.DiscardHandler))
	}()
	live := func() bool {
		var s streamJSON
		get(t, api+"/streams/talk", &s)
		return s.Live
	}
	if err := until(t.Context(), 15*time.Second, live); err != nil {
		t.Fatalf("not live: %v", err)
	}
	plays(t, whep+"/talk")

	// Control goes away: what is on the air stays on the air, and who knows the edge still joins.
	control.stop()
	plays(t, whep+"/talk")

	cancel()
	if err := <-published; err != nil {
		t.Error(err)
	}
	for _, p := range []*running{far, hub, origin} {
		p.stop()
	}
}
