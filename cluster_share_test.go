package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Nodes whose machines are said to be apart share one here, and so do the network between them, their viewers and their
// publishers, who are the test itself and its browsers. Niceness has the first turn go to these: a path that is late for want
// of a core is not what is measured. A node takes one core at most.
const (
	aheadOfOthers = -10
	behindOthers  = 15
	oneCore       = "GOMAXPROCS=1"
)

// ahead has what is no node go first until the test ends, where that is allowed.
func (c *cluster) ahead() {
	weigh(os.Getpid(), aheadOfOthers)
	c.Cleanup(func() { weigh(os.Getpid(), 0) })
}

// weigh sets the niceness of all of a process's threads, and so of those they make.
func weigh(pid, nice int) {
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
				_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, nice) // it may have ended
			}
		}
	}
}
