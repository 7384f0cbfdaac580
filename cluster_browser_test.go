package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A browser is a viewer that watches the event's page in Chromium.
type browser struct {
	mu     sync.Mutex
	said   sight // the newest, without its frames
	frames []time.Time
}

// A sight is what control/web/e2e/viewer.mjs says.
type sight struct {
	Node   string    `json:"node"`
	State  string    `json:"state"`
	Stays  []string  `json:"stays"`
	Loads  int       `json:"loads"`
	Faults []string  `json:"faults"`
	Frames []float64 `json:"frames"` // Unix time, ms
}

// browse has a browser watch an event. Without one, or without the packages that drive it, the test goes on without.
func (c *cluster) browse(slug string) *browser {
	c.Helper()
	b := &browser{}
	if !c.chromium(b.read, "e2e/viewer.mjs", c.web+"/e/"+slug) {
		return nil
	}
	if err := until(c.Context(), time.Minute, func() bool { return b.shown(time.Now().Add(-time.Second)) > 10 }); err != nil {
		c.Fatalf("Chromium shows nothing: %+v", b.now())
	}
	return b
}

// chromium starts a script that drives one until the test ends, and has read take what it says. Without what drives it
// that is not done.
func (c *cluster) chromium(read func(io.Reader), script string, args ...string) bool {
	c.Helper()
	if _, err := os.Stat("control/web/node_modules/playwright-core"); err != nil {
		c.Log("NOT TESTED in Chromium: make web brings what drives it")
		return false
	}
	cmd := exec.CommandContext(c.Context(), "node", append([]string{script}, args...)...)
	cmd.Dir, cmd.Stderr = "control/web", c.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		c.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.Fatal(err)
	}
	cmd.Cancel = in.Close // it closes its browser
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	c.browsers = append(c.browsers, cmd.Process.Pid)
	done := make(chan struct{})
	go func() {
		defer close(done)
		read(out)
		_ = cmd.Wait() // it is told to end
	}()
	c.Cleanup(func() { <-done })
	return true
}

// offspring returns pid, the processes it has started, those they have, and so on: a browser has many.
func offspring(pid int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		text := string(b)
		var state string
		var parent int
		if _, err := fmt.Sscan(text[strings.LastIndex(text, ")")+1:], &state, &parent); err == nil { // proc(5)
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

func (b *browser) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var s sight
		if json.Unmarshal(lines.Bytes(), &s) != nil {
			continue
		}
		b.mu.Lock()
		for _, ms := range s.Frames {
			b.frames = append(b.frames, time.UnixMicro(int64(1000*ms)))
		}
		s.Frames, b.said = nil, s
		b.mu.Unlock()
	}
}

func (b *browser) now() sight {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said
}

// at returns the node of its edge.
func (b *browser) at() string {
	node, _, _ := strings.Cut(b.now().Node, ",")
	return node
}

// shown counts the pictures since a moment.
func (b *browser) shown(since time.Time) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, at := range b.frames {
		if at.After(since) {
			n++
		}
	}
	return n
}

// gap returns the longest time between two pictures of which the later came after a moment.
func (b *browser) gap(since time.Time) (longest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := 1; i < len(b.frames); i++ {
		if b.frames[i].After(since) {
			longest = max(longest, b.frames[i].Sub(b.frames[i-1]))
		}
	}
	return longest
}

// browserMoved waits until the browser shows pictures from another edge than one.
func (c *cluster) browserMoved(b *browser, from string) {
	c.Helper()
	moved := func() bool { return b.at() != from && b.at() != "" && b.shown(time.Now().Add(-time.Second)) > 10 }
	if err := until(c.Context(), 20*time.Second, moved); err != nil {
		c.Fatalf("Chromium stays at %s: %+v", from, b.now())
	}
}

// unbroken holds what was seen to one page that was never loaded again, and one stay.
func (c *cluster) unbroken(b *browser) {
	c.Helper()
	if s := b.now(); s.Loads != 1 || len(s.Stays) != 1 || len(s.Faults) > 0 {
		c.Errorf("Chromium: loaded %d times, %d stays, faults %q", s.Loads, len(s.Stays), s.Faults)
	}
}
