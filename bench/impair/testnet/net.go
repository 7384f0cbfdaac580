// Package testnet makes small networks for tests: hosts, each a network namespace with addresses of its own, on one
// impair.Switch, so that unchanged programs talk over paths that delay, lose, reorder, narrow and cut.
//
//	n := testnet.New(t, 3, impair.Path{Delay: 40 * time.Millisecond}) // gone at the end of t
//	cmd := n.Hosts[0].Command("freshet", "up", "--http", n.Hosts[0].Addr.String()+":8080")
//	n.Cut(0, 2)                                                       // one way, until Heal
//
// It takes root, Linux and iproute2; elsewhere New skips the test. Nothing leads out of such a network: no host has
// a route beyond it, and its devices never stand in the namespace of the machine.
package testnet

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"freshet/bench/impair"
)

// A Net is hosts on one switch. Where a method takes hosts, it takes their places in Hosts.
type Net struct {
	Hosts []*Host

	t  testing.TB
	sw *impair.Switch
}

// endWait is how long what runs in a network may take to go, once it was killed.
const endWait = 10 * time.Second

// New makes a network of n hosts, 2 to 32, with the path given from each to each other. At the end of t what still
// runs in it is killed and all of it is removed. A test process that ends without that, killed or interrupted, leaves
// namespaces; the next New removes those in which nothing runs.
func New(t testing.TB, n int, path impair.Path) *Net {
	t.Helper()
	return build(t, n, false, path)
}

// Apart says whether this process runs where there is no network, as in a namespace that `unshare --net` has made.
func Apart() bool {
	all, err := net.Interfaces()
	return err == nil && !slices.ContainsFunc(all, func(i net.Interface) bool {
		return i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0
	})
}

// NewAround is New with the namespace of the test itself as the first of n hosts, so that what the test does by itself
// goes over the switch. It skips a test that runs in the machine's namespace: see Apart.
func NewAround(t testing.TB, n int, path impair.Path) *Net {
	t.Helper()
	if !Apart() {
		t.Skip("NOT TESTED: this process would stand among the hosts, and takes a namespace of its own for that (make test-mesh)")
	}
	return build(t, n, true, path)
}

func build(t testing.TB, n int, around bool, path impair.Path) *Net {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT TESTED: networks of namespaces, held to real time, are not in the short tests (make test-mesh)")
	}
	if why := missing(); why != "" {
		t.Skipf("NOT TESTED: no network of namespaces here: %s", why)
	}
	if err := sweep(); err != nil {
		t.Fatalf("testnet: %v", err)
	}
	made := &Net{t: t}
	id := fmt.Sprintf("%s%d-%08x", prefix, os.Getpid(), rand.Uint32())
	var ports []io.ReadWriteCloser
	t.Cleanup(func() {
		for _, p := range ports {
			_ = p.Close() // the switch has closed them, if it ever ran
		}
	})
	for i := range n {
		h := newHost(fmt.Sprintf("%s-%d", id, i), i)
		if around && i == 0 {
			h.Name = ""
		}
		t.Cleanup(func() {
			if err := h.remove(); err != nil {
				t.Errorf("testnet: %v", err)
			}
		})
		tap, err := h.set()
		if err != nil {
			t.Fatalf("testnet: %v", err)
		}
		made.Hosts, ports = append(made.Hosts, h), append(ports, tap)
	}
	var err error
	if made.sw, err = impair.NewSwitch(ports, path, 1); err != nil {
		t.Fatalf("testnet: %v", err)
	}
	made.run()
	return made
}

// run has the switch pass frames until the end of the test, after what runs on the hosts has ended.
func (n *Net) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.sw.Run(ctx) }()
	n.t.Cleanup(func() {
		for _, h := range n.Hosts {
			if err := h.end(time.Now().Add(endWait)); err != nil {
				n.t.Errorf("testnet: %v", err)
			}
			if missed, err := h.Missed(); err != nil || missed > 0 {
				n.t.Logf("testnet: %d frames of %s were dropped before the switch saw them (%v): the machine was too slow", missed, h.Name, err)
			}
		}
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("testnet: switch: %v", err)
		}
	})
}

// Set changes the path from one host to another, that way alone, for what is sent from now on.
func (n *Net) Set(from, to int, path impair.Path) { n.sw.Set(from, to, path) }

// Path returns the path in force from one host to another.
func (n *Net) Path(from, to int) impair.Path { return n.sw.Path(from, to) }

// Cut lets nothing pass from one host to another, that way alone. What is in the air arrives.
func (n *Net) Cut(from, to int) {
	path := n.sw.Path(from, to)
	path.Cut = true
	n.sw.Set(from, to, path)
}

// Heal undoes Cut: the path is what it was otherwise.
func (n *Net) Heal(from, to int) {
	path := n.sw.Path(from, to)
	path.Cut = false
	n.sw.Set(from, to, path)
}

// Stats returns what happened so far from one host to another, in frames: ARP and the like are among them.
func (n *Net) Stats(from, to int) impair.Stats { return n.sw.Stats(from, to) }
