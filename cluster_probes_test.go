package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/bench/load"
	"freshet/control/ops"
)

// TestProbes holds NET-21: what an orchestrator is told of an edge, an origin and a control node while they start, are
// drained, taken back and stopped. They are healthy as long as they run, and ready as long as they can serve.
func TestProbes(t *testing.T) {
	c := newCluster(t, "--stream", "talk=a-secret")
	medias := []string{"origin-1", "edge-1"}
	c.node("origin-1", roleOrigin, "yul")
	c.node("edge-1", roleEdge, "yul")
	c.until("three nodes", 20*time.Second, alive(3))
	for _, name := range medias {
		c.ends(c.nodes[name])
		// Without what control has told it, it has to hear that again before it can serve.
		if err := os.RemoveAll(filepath.Join(c.data(name), name+".state")); err != nil {
			t.Fatal(err)
		}
	}
	c.ends(c.nodes["control-1"])

	c.controlLives()

	frozen := c.start("control-1", c.nodes["control-1"].args...).cmd.Process
	_ = frozen.Signal(syscall.SIGSTOP)
	var all []*probed
	for _, name := range medias {
		all = append(all, c.probed(name))
		c.start(name, c.nodes[name].args...)
	}
	for _, p := range all {
		p.until("200 503")
	}
	_ = frozen.Signal(syscall.SIGCONT)
	for i, p := range all {
		p.until("200 200")
		c.ask("drain", medias[i])
		p.until("200 503")
		c.ask("undrain", medias[i])
		p.until("200 200")
	}

	// What they have keeps them from ending until it is gone.
	publishing, unpublish := context.WithCancel(t.Context())
	defer unpublish()
	published := make(chan error, 1)
	c.until("a placement", 10*time.Second, func(v ops.View) bool { return v.Streams[0].Origin != "" })
	go func() {
		published <- load.Publish(publishing, load.PublishConfig{URL: c.nodes["origin-1"].url + "/whip/talk", Key: "a-secret"}, slog.New(slog.DiscardHandler))
	}()
	c.until("on the air", 10*time.Second, func(v ops.View) bool { return v.Streams[0].Live })
	w := c.watch(c.nodes["edge-1"].url + "/whep/talk")
	c.playing([]*watcher{w}, 30)
	for i, name := range slices.Backward(medias) {
		_ = c.nodes[name].cmd.Process.Signal(syscall.SIGTERM)
		all[i].until("200 503")
		if name == "edge-1" {
			w.stop()
			if err := <-w.ended; err != nil {
				t.Errorf("the viewer: %v", err)
			}
		} else {
			unpublish()
			if err := <-published; err != nil {
				t.Errorf("publish: %v", err)
			}
		}
		c.ended(c.nodes[name])
	}
	c.ends(c.nodes["control-1"])
	for i, p := range all {
		p.was(medias[i], "0 200 0", "0 503 200 503 200 503 0")
	}
}

// controlLives has control start and stop. Which of the states that are short was met is a matter of when it was asked.
func (c *cluster) controlLives() {
	c.Helper()
	p := c.probed("control-1")
	c.start("control-1", c.nodes["control-1"].args...)
	p.until("200 200")
	if v := c.view(); v.Quorum.Leader != "control-1" {
		c.Errorf("a control node is ready that can decide nothing: %+v", v.Quorum)
	}
	c.ends(c.nodes["control-1"])
	p.was("control-1", "0 200 0", "0 (503 )?200 (503 )?0")
}

// ends stops a node, and waits until it has ended in order.
func (c *cluster) ends(p *process) {
	c.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	c.ended(p)
}

// ended waits until a node that was told to stop has ended in order.
func (c *cluster) ended(p *process) {
	c.Helper()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		c.Fatalf("%s runs on: %s", p.name, p.log())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		c.Errorf("%s ended with %d: %s", p.name, code, p.log())
	}
}

// A probed node is asked for its health and whether it is ready, over and over.
type probed struct {
	*cluster
	stop func()

	mu  sync.Mutex
	now string
	all [2][]string // what /healthz and /readyz answered, each once until it changed; 0 is no answer
}

const (
	probeEvery = 10 * time.Millisecond
	probeTakes = 5 * time.Second
)

// probed asks a node at the address that it had, whether it runs or not, until was is called.
func (c *cluster) probed(name string) *probed {
	args := c.nodes[name].args
	base := "http://" + args[slices.Index(args, "--http")+1]
	ctx, cancel := context.WithCancel(c.Context())
	ended := make(chan struct{})
	p := &probed{cluster: c, stop: func() { cancel(); <-ended }}
	client := &http.Client{Timeout: probeTakes, Transport: &http.Transport{DisableKeepAlives: true}} // as an orchestrator asks
	go func() {
		defer close(ended)
		for tick := time.NewTicker(probeEvery); ctx.Err() == nil; {
			p.note(status(client, base+"/healthz"), status(client, base+"/readyz"))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	c.Cleanup(p.stop)
	return p
}

// status returns that of an answer, 0 where there is none.
func status(client *http.Client, url string) string {
	a, err := client.Get(url)
	if err != nil {
		return "0"
	}
	_ = a.Body.Close()
	return strconv.Itoa(a.StatusCode)
}

func (p *probed) note(answers ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = strings.Join(answers, " ")
	for i, a := range answers {
		if n := len(p.all[i]); n == 0 || p.all[i][n-1] != a {
			p.all[i] = append(p.all[i], a)
		}
	}
}

// until waits until the node answers so, its health first.
func (p *probed) until(want string) {
	p.Helper()
	err := until(p.Context(), 20*time.Second, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.now == want
	})
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.Fatalf("never %s, but %q", want, p.all)
	}
}

// was says whether that, and nothing else, is what a node answered from before its start to after its end.
func (p *probed) was(name, healthy, ready string) {
	p.Helper()
	p.until("0 0")
	p.stop()
	for i, want := range []string{healthy, ready} {
		if got := strings.Join(p.all[i], " "); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			p.Errorf("%s: %s answered %s, want %s", name, []string{"/healthz", "/readyz"}[i], got, want)
		}
	}
	p.Logf("%s: %q", name, p.all)
}
