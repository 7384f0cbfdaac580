package impair

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An alarm wakes one goroutine. It is a timerfd: Go's own timers are rounded to milliseconds where the
// process waits in epoll, as one that only forwards packets nearly always does.
type alarm struct {
	f    *os.File
	raw  interface{ Control(func(uintptr)) error }
	spec unix.ItimerSpec
	arm  func(fd uintptr)
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd: %w", err)
	}
	a := &alarm{f: os.NewFile(uintptr(fd), "timerfd")}
	a.arm = func(fd uintptr) { _ = unix.TimerfdSettime(int(fd), 0, &a.spec, nil) } // cannot fail: fd and spec are good
	if a.raw, err = a.f.SyscallConn(); err != nil {
		return nil, err
	}
	return a, nil
}

// set has wait return d from now, at once if that has passed, in place of what was set before. Calls must not overlap.
func (a *alarm) set(d time.Duration) {
	a.spec.Value = unix.NsecToTimespec(max(int64(d), 1)) // 0 would disarm
	_ = a.raw.Control(a.arm)                             // fails once closed, when nobody waits
}

// wait returns when it is time, and with an error once the alarm is closed.
func (a *alarm) wait() error {
	var times [8]byte
	_, err := a.f.Read(times[:])
	return err
}

func (a *alarm) close() { _ = a.f.Close() }
