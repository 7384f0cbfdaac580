package report

import (
	"os/exec"
	"testing"
	"time"
)

// What a child that still runs has used is this process's own, where its number is told.
func TestChildren(t *testing.T) {
	child := exec.Command("sh", "-c", "while :; do :; done")
	if err := child.Start(); err != nil {
		t.Skipf("NOT TESTED: what uses the processor here is a shell: %v", err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait() // it was killed
	}()
	var used time.Duration
	// It is looked at again and again: no system says when a process has used so much.
	for deadline := time.Now().Add(10 * time.Second); used < 50*time.Millisecond; time.Sleep(time.Millisecond) {
		var err error
		if used, err = CPUOf(child.Process.Pid); err != nil {
			t.Skipf("NOT TESTED: Linux alone tells of other processes: %v", err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("a child that does nothing else has used %v", used)
		}
	}
	alone := ReadCounters()
	if with := ReadCounters(child.Process.Pid); with.own-alone.own < used {
		t.Errorf("%v with the child, %v without, which has used %v", with.own, alone.own, used)
	}
	if gone := ReadCounters(1 << 30); gone.own < alone.own {
		t.Errorf("%v with one that is gone, %v without", gone.own, alone.own)
	}
}
