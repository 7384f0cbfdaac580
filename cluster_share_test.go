package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Nodes whose machines are said to be apart share one here, and so do the network between them, their viewers and their
// publishers, who are the test itself and its browsers. Shares have the first turn go to these: a path that is late for want
// of a core is not what is measured. A node takes one core at most.
type share int

const (
	fair       share = iota
	first            // before any other
	whatIsLeft       // by all others
)

const oneCore = "GOMAXPROCS=1"

// ahead has what is no node go first until the test ends, where that is allowed.
func (c *cluster) ahead() {
	gets(os.Getpid(), first)
	c.Cleanup(func() { gets(os.Getpid(), fair) })
}

// gets gives all of a process's threads a share of the machine, and so those they make.
func gets(pid int, s share) {
	done := map[string]bool{}
	for more := true; more; {
		more = false
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		for _, path := range tasks {
			if done[path] {
				continue
			}
			done[path], more = true, true
			if id, err := strconv.Atoi(filepath.Base(path)); err == nil {
				s.of(id)
			}
		}
	}
}
