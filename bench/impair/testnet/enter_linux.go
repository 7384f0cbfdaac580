package testnet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// missing says why there can be no network here, or nothing.
func missing() string {
	if os.Geteuid() != 0 {
		return "it takes root"
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return err.Error()
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return "iproute2: " + err.Error()
	}
	return ""
}

// Enter calls f on a thread that is in h's namespace: sockets that f opens are h's, and stay so when f has returned.
// Goroutines that f starts are not in it, nor what net.Dial does about a name or more addresses than one.
func (h *Host) Enter(f func() error) (err error) {
	if h.Name == "" {
		return f()
	}
	runtime.LockOSThread() // for good, unless the thread gets back: it then ends with its goroutine
	back, err := open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer unix.Close(back) //nolint:errcheck // only read
	there, err := open(filepath.Join("/run/netns", h.Name))
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer unix.Close(there) //nolint:errcheck // only read
	if err := unix.Setns(there, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", h.Name, err)
	}
	defer func() {
		if e := unix.Setns(back, unix.CLONE_NEWNET); e != nil {
			err = errors.Join(err, fmt.Errorf("leave %s: %w", h.Name, e))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

func open(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}
