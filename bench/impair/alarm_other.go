//go:build !linux

package impair

import (
	"net"
	"time"
)

// An alarm wakes one goroutine, by a timer of Go's.
type alarm struct {
	timer  *time.Timer
	closed chan struct{}
}

func newAlarm() (*alarm, error) {
	return &alarm{timer: time.NewTimer(time.Hour), closed: make(chan struct{})}, nil
}

// set has wait return d from now, in place of what was set before. Calls must not overlap.
func (a *alarm) set(d time.Duration) { a.timer.Reset(d) }

// wait returns when it is time, and with an error once the alarm is closed.
func (a *alarm) wait() error {
	select {
	case <-a.timer.C:
		return nil
	case <-a.closed:
		return net.ErrClosed
	}
}

func (a *alarm) close() { close(a.closed) }
