package main

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPlanet holds BEY-01: one program and one file of settings make every role, and a node takes another by the word that
// names it.
func TestPlanet(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: make planet takes the ports of a mesh (make test-mesh)")
	}
	c := emptyCluster(t)
	for role, other := range map[string]string{roleEdge: roleOrigin, roleOrigin: roleEdge} {
		members := planet(t, c.exe, "swing", role, "par", "127.0.0.31", "fixed", other, "yul", "127.0.0.32")
		for node, is := range map[string]string{"control-1": roleControl, "swing": role, "fixed": other} {
			if got := members[node]; got != is {
				t.Errorf("%s is %q, want %q", node, got, is)
			}
		}
	}
}

// planet runs deploy/planet.sh until all is there, and returns the roles of the nodes that live.
func planet(t *testing.T, exe string, nodes ...string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "deploy/planet.sh", append([]string{exe}, nodes...)...)
	cmd.Stderr = t.Output()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 90 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	members, ready := map[string]string{}, false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch words := strings.Fields(lines.Text()); {
		case len(words) > 3 && words[3] == "alive":
			members[words[0]] = words[1]
		case lines.Text() == "Ctrl-C ends it.":
			ready = true
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || !ready {
		t.Fatalf("it ended before its time, or not well: %v", err)
	}
	return members
}
