package testnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"freshet/bench/impair"
)

const (
	prefix = "freshet-" // of the names of namespaces; the process's id follows
	device = "eth0"     // of a host
	ipWait = 10 * time.Second
)

// A Host is a network namespace with one device.
type Host struct {
	Name  string     // of the namespace, as `ip netns exec` takes it; empty: the one that the test runs in
	Addr  netip.Addr // 10.77.0.1 for the first host, 10.77.0.2 for the next; /24
	Addr6 netip.Addr // fd77::1, fd77::2; /64
}

func newHost(name string, i int) *Host {
	last := byte(i + 1)
	return &Host{
		Name: name, Addr: netip.AddrFrom4([4]byte{10, 77, 0, last}),
		Addr6: netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x77, 15: last}),
	}
}

// set makes the namespace, its device and addresses, and returns the switch's end of the device.
func (h *Host) set() (*os.File, error) {
	args := []string{"-batch", "-"}
	if h.Name != "" {
		if err := ip("", "netns", "add", h.Name); err != nil {
			return nil, err
		}
		args = append([]string{"-n", h.Name}, args...)
	}
	var tap *os.File
	err := h.Enter(func() (err error) {
		tap, err = impair.OpenTAP(device)
		return err
	})
	if err != nil {
		return nil, err
	}
	batch := strings.NewReplacer("DEV", device, "ADDR4", h.Addr.String(), "ADDR6", h.Addr6.String()).Replace(
		"link set lo up\nlink set DEV mtu 1500\naddr add ADDR4/24 dev DEV\naddr add ADDR6/64 dev DEV nodad\nlink set DEV up\n")
	if err := ip(batch, args...); err != nil {
		_ = tap.Close()
		return nil, err
	}
	return tap, nil
}

// ip runs iproute2's ip with what it reads.
func ip(input string, args ...string) error {
	_, err := ask(input, args...)
	return err
}

// ask runs ip, and returns what it prints.
func ask(input string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), ipWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.Stdin = strings.NewReader(input)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}

// Command returns a command that runs on h. Its process is the program itself, so that signals reach it. Who starts
// it waits for it; what still runs on h at the end of the test is killed, what it started too.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	if h.Name == "" {
		return exec.Command(name, args...)
	}
	return exec.Command("ip", append([]string{"netns", "exec", h.Name, name}, args...)...)
}

// Missed returns how many frames the kernel dropped because the switch did not take them in time: with any, the
// machine was too slow, and losses prove nothing.
func (h *Host) Missed() (uint64, error) {
	var text []byte
	err := h.Enter(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/dev")
		return err
	})
	if err != nil {
		return 0, err
	}
	return dropped(string(text))
}

// dropped returns what /proc/net/dev says that the host's device dropped instead of sending it.
func dropped(text string) (uint64, error) {
	const column = 11 // 8 of what was received, then bytes, packets, errors, drops
	for line := range strings.Lines(text) {
		name, counts, _ := strings.Cut(strings.TrimSpace(line), ":")
		if f := strings.Fields(counts); name == device && len(f) > column {
			return strconv.ParseUint(f[column], 10, 64)
		}
	}
	return 0, fmt.Errorf("no counts of %s in %q", device, text)
}

// end kills what runs on h, and waits until it has gone.
func (h *Host) end(deadline time.Time) error {
	if h.Name == "" {
		return nil // it is the test that runs there
	}
	for {
		list, err := h.running()
		if err != nil || len(list) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: still runs %v", h.Name, list)
		}
		for _, pid := range list {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill() // fails where it has gone meanwhile
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// running returns the processes on h, but this one: a thread of its own may be there.
func (h *Host) running() (list []int, err error) {
	text, err := ask("", "netns", "pids", h.Name)
	if err != nil {
		return nil, err
	}
	for field := range strings.FieldsSeq(text) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("ip netns pids: %w", err)
		}
		if pid != os.Getpid() {
			list = append(list, pid)
		}
	}
	return list, nil
}

// remove removes the namespace, if there is one.
func (h *Host) remove() error {
	if h.Name == "" {
		return nil // its device goes with the switch, its addresses with the device
	}
	err := ip("", "netns", "del", h.Name)
	if err == nil {
		return nil
	}
	names, listErr := namespaces()
	if listErr == nil && !slices.Contains(names, h.Name) {
		return nil
	}
	return errors.Join(err, listErr)
}

// sweep removes the namespaces of test processes that have gone without doing so, where nothing runs any more.
func sweep() error {
	names, err := namespaces()
	if err != nil {
		return err
	}
	for _, name := range names {
		h := &Host{Name: name}
		if !orphaned(name) {
			continue
		}
		if list, err := h.running(); err != nil || len(list) > 0 {
			continue // another sweeps it, or somebody has to look after it
		}
		if err := h.remove(); err != nil {
			return err
		}
	}
	return nil
}

// orphaned tells whether a namespace is one of a test process that has gone.
func orphaned(name string) bool {
	rest, ours := strings.CutPrefix(name, prefix)
	text, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(text)
	if !ours || err != nil || pid <= 0 {
		return false
	}
	p, err := os.FindProcess(pid)
	return err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// namespaces returns the names of all there are.
func namespaces() (names []string, err error) {
	text, err := ask("", "netns", "list")
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		names = append(names, name)
	}
	return names, err
}
