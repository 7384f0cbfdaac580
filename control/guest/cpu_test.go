package guest_test

import (
	"syscall"
	"time"
)

// cpu is the time that this process has had on cores, clients and server alike.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
