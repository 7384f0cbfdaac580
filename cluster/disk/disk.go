// Package disk keeps small files that are whole or not there, whenever the machine dies, and that nobody but their owner
// may read.
package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrOpen is the error of a secret that others than its owner may read.
var ErrOpen = errors.New("others may read it: want mode 0600")

// Place puts b at path in one step, where nothing is there yet: fs.ErrExist otherwise. A link, unlike a rename, never
// replaces, and so decides between processes that start together.
func Place(path string, b []byte) error {
	return written(path, b, func(fresh string) error {
		defer os.Remove(fresh) //nolint:errcheck // a second name of the same file, or of none
		return os.Link(fresh, path)
	})
}

// Replace puts b at path in one step, whatever is there. Who reads it, after a power cut too, finds the old or the new.
func Replace(path string, b []byte) error {
	return written(path, b, func(fresh string) error { return os.Rename(fresh, path) })
}

// Secret returns what the file at path holds, at most max bytes. It refuses one that others may read: ErrOpen.
func Secret(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %#o, %w", path, mode, ErrOpen)
	}
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = fmt.Errorf("%s is larger than %d bytes", path, max)
	}
	return b, err
}

// Settle has the names in dir outlive a power cut.
func Settle(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func written(path string, b []byte, put func(fresh string) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = put(f.Name())
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it may not be there any more
		return err
	}
	return Settle(dir)
}
