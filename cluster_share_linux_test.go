package main

import "golang.org/x/sys/unix"

// of gives a thread its share. It may have ended, and not all may take the first.
func (s share) of(thread int) {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}
	switch s {
	case first:
		attr.Nice = -10
	case whatIsLeft:
		attr.Policy = unix.SCHED_IDLE
	}
	_ = unix.SchedSetAttr(thread, &attr, 0)
}
