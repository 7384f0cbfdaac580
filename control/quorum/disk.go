package quorum

import (
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// maxFull is how full the disk may be for writes to be taken: a log that cannot grow loses the node its vote.
const maxFull = 0.90

// ErrDiskFull is the error of writes while the leader's disk is nearly full.
var ErrDiskFull = errors.New("the disk is more than 90 % full")

// A disk knows how full it is since it was last looked at.
type disk struct {
	dir  string
	full atomic.Bool
	used func(dir string) (float64, error) // share that is not free for this process
}

func newDisk(dir string) *disk { return &disk{dir: dir, used: used} }

func used(dir string) (float64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	taken := float64(s.Blocks - s.Bfree)
	return taken / max(1, taken+float64(s.Bavail)), nil
}

// look asks the system.
func (d *disk) look() error {
	u, err := d.used(d.dir)
	if err != nil {
		return err
	}
	d.full.Store(u > maxFull)
	return nil
}

// trouble returns ErrDiskFull while it is.
func (d *disk) trouble() error {
	if d.full.Load() {
		return ErrDiskFull
	}
	return nil
}
