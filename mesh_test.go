package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"freshet/bench/impair"
	"freshet/bench/impair/testnet"
	"freshet/bench/load"
	"freshet/control/ops"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

// The mesh of these tests: three control nodes on one PostgreSQL, CockroachDB's stand-in; two origins; six edges, in three
// regions. In a network namespace of the test's own each node has a host, and regions are as far apart as these cities.
var regions = []string{"yul", "par", "sin"}

var apart = map[[2]string]impair.Path{
	{"yul", "par"}: {Delay: 40 * time.Millisecond, Jitter: 2 * time.Millisecond, Loss: 0.001},
	{"yul", "sin"}: {Delay: 105 * time.Millisecond, Jitter: 4 * time.Millisecond, Loss: 0.002},
	{"par", "sin"}: {Delay: 80 * time.Millisecond, Jitter: 4 * time.Millisecond, Loss: 0.002},
}

// startMesh starts the mesh and a webcast on it, and returns the slug of that.
func startMesh(t *testing.T) (*cluster, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT TESTED: eleven nodes are not in the short tests (make test-mesh)")
	}
	database := storetest.Empty(t, store.Postgres)
	args := []string{"--database", database}
	var c *cluster
	if testnet.Apart() {
		c = newClusterOn(t, 11, impair.Path{Delay: time.Millisecond}, args...)
	} else {
		c = newCluster(t, args...)
	}
	c.database = database
	var coming []*process
	for i, region := range regions[1:] {
		name := fmt.Sprintf("control-%d", i+2)
		more := append(args, "--join", c.agents, "--token", c.token(roleControl, region), "--node", name)
		coming = append(coming, c.control(name, c.address(name), more...))
	}
	for i, region := range regions[:2] {
		coming = append(coming, c.joins(fmt.Sprintf("origin-%d", i+1), roleOrigin, region))
	}
	for i := range 6 {
		coming = append(coming, c.joins(fmt.Sprintf("edge-%d", i+1), roleEdge, regions[i/2]))
	}
	for _, p := range coming {
		c.await(p)
	}
	c.until("eleven nodes", 30*time.Second, alive(11))
	c.until("three voters", 30*time.Second, func(v ops.View) bool {
		return len(v.Quorum.Peers) == 2 && !slices.ContainsFunc(v.Quorum.Peers, func(p ops.Peer) bool { return !p.Voter || !p.Answers })
	})
	c.farApart(true)
	return c, c.webcast()
}

// farApart gives each pair of hosts the path of their regions, where loss is wanted with what it loses: what is lost across an
// ocean comes a round trip later, some 250 ms, and who counts shorter pauses cannot tell them from his own.
func (c *cluster) farApart(loss bool) {
	c.Helper()
	if c.hosts == nil {
		return
	}
	for _, a := range c.view().Nodes {
		for _, b := range c.view().Nodes {
			path, ok := apart[[2]string{a.Region, b.Region}]
			if !ok {
				continue
			}
			if !loss {
				path.Loss = 0
			}
			c.hosts.Set(c.host(a.Node), c.host(b.Node), path)
			c.hosts.Set(c.host(b.Node), c.host(a.Node), path)
		}
	}
}

// webcast plans an event as an organizer does, starts it, and publishes to it until the test ends.
func (c *cluster) webcast() (slug string) {
	c.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.Fatal(err)
	}
	o := &organizer{c, &http.Client{Jar: jar, Timeout: 10 * time.Second}}
	o.post("/setup", map[string]string{"account": "Delta", "email": organizerMail, "password": organizerPassword, "name": "Ana"}, nil)
	var event struct{ ID, Slug string }
	o.post("/events", map[string]any{"title": "Talk", "access": "open", "startsAt": time.Now().Add(time.Hour), "timeZone": "UTC"}, &event)
	var on struct{ ID, Key string }
	o.post("/events/"+event.ID+"/streams", map[string]string{"name": "Stage"}, &on)
	o.post("/events/"+event.ID+"/start", nil, nil)
	c.until("a placement", 10*time.Second, func(v ops.View) bool {
		return len(v.Streams) == 1 && v.Streams[0].Origin != "" && v.Streams[0].Standby != ""
	})
	c.ingest = load.PublishConfig{URL: c.web + "/whip/" + on.ID, Key: on.Key, Reconnect: true}
	c.publish(c.ingest)
	c.until("on the air", 15*time.Second, func(v ops.View) bool { return v.Streams[0].Live })
	return event.Slug
}

// publish publishes until stop, or the end of the test.
func (c *cluster) publish(cfg load.PublishConfig) (stop func()) {
	c.Helper()
	published := make(chan error, 1)
	publishing, unpublish := context.WithCancel(c.Context())
	go func() { published <- load.Publish(publishing, cfg, slog.New(slog.DiscardHandler)) }()
	stop = sync.OnceFunc(func() {
		unpublish()
		if err := <-published; err != nil {
			c.Errorf("publish: %v", err)
		}
	})
	c.Cleanup(stop)
	return stop
}

// Who plans the webcast of these tests, and operates their mesh.
const (
	organizerMail     = "ana@delta.example"
	organizerPassword = "snow melts in may"
)

// An organizer is logged in.
type organizer struct {
	*cluster
	http *http.Client
}

// post asks control for something that has to be granted.
func (o *organizer) post(path string, in, out any) {
	o.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		o.Fatal(err)
	}
	req, err := http.NewRequestWithContext(o.Context(), http.MethodPost, o.web+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		o.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := o.http.Do(req)
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil || res.StatusCode/100 != 2 {
		o.Fatalf("POST %s: %s: %s %v", path, res.Status, text, err)
	}
}

// rounds is how often each death is died: for percentiles, as FRESHET_ROUNDS has it (make test-mesh-long).
func rounds() int {
	n, err := strconv.Atoi(os.Getenv("FRESHET_ROUNDS"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}
