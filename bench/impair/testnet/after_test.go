package testnet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/bench/impair"
)

// TestAfterFailure: a test that fails, with a process running or before it has a network, leaves neither the process
// nor a namespace; one that is killed leaves them, and the next network removes those in which nothing runs.
func TestAfterFailure(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: not in the short tests")
	}
	if why := missing(); why != "" {
		t.Skip("NOT TESTED: " + why)
	}
	for _, how := range []string{"fails", "gets no network", "is killed"} {
		t.Run(how, func(t *testing.T) {
			inner, out := fails(t, how)
			var server int
			var name string
			if _, tail, ok := strings.Cut(out, "SERVER "); ok {
				if _, err := fmt.Sscan(tail, &server, &name); err != nil {
					t.Fatalf("%v in\n%s", err, out)
				}
			} else if how != "gets no network" {
				t.Fatalf("no server in\n%s", out)
			}
			if how == "is killed" {
				New(t, 2, impair.Path{})
				if names, err := namespaces(); err != nil || !slices.Contains(names, name) {
					t.Errorf("namespaces %v, %v, want %s still there: a process runs in it", names, err, name)
				}
				if err := (&Host{Name: name}).end(time.Now().Add(within)); err != nil {
					t.Fatal(err)
				}
				New(t, 2, impair.Path{})
			}
			names, err := namespaces()
			left := func(name string) bool { return strings.HasPrefix(name, fmt.Sprint(prefix, inner, "-")) }
			if err != nil || slices.ContainsFunc(names, left) {
				t.Errorf("namespaces %v, %v, want that those of process %d have gone", names, err, inner)
			}
			if server != 0 {
				until(t, "the server has gone", func() bool { return errors.Is(syscall.Kill(server, 0), syscall.ESRCH) })
			}
		})
	}
}

// fails runs TestFails in a process of its own, and returns its id and what it said.
func fails(t *testing.T, how string) (pid int, out string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*within)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^TestFails$", "-test.v")
	cmd.Env = append(os.Environ(), "TESTNET_FAILS="+how)
	text, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the inner test passed:\n%s", text)
	}
	return cmd.Process.Pid, string(text)
}

// TestFails is the inner test of TestAfterFailure.
func TestFails(t *testing.T) {
	how := os.Getenv("TESTNET_FAILS")
	if how == "" {
		t.Skip("for TestAfterFailure alone")
	}
	hosts := 2
	if how == "gets no network" {
		hosts = 1
	}
	h := New(t, hosts, impair.Path{}).Hosts[1]
	server := start(t, h, netip.AddrPortFrom(h.Addr, 8000))
	fmt.Println("SERVER", server.Process.Pid, h.Name)
	if how == "is killed" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	t.Fatal("as it should")
}
