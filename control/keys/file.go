package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"freshet/cluster/disk"
)

// Names in the data directory.
const (
	sealedFile = "freshet.keys" // what is kept, sealed
	openerFile = "freshet.key"  // what opens it where there is no passphrase
)

// Open returns the keys in directory dir, which it makes, and keeps there, where there are none yet. They are sealed by
// passphrase or, where that is empty, by a key that lies beside them. What was sealed by such a key and is opened with a
// passphrase is sealed by that from then on, and the key is removed. An error names the file, and says what to do.
func Open(dir, passphrase string) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	at := filepath.Join(dir, sealedFile)
	b, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		k, err := create(dir, passphrase)
		if !errors.Is(err, fs.ErrExist) {
			return k, err
		}
		b, err = os.ReadFile(at) // another process was first
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	k, err := open(dir, b, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return k, nil
}

func open(dir string, b []byte, passphrase string) (*Keys, error) {
	s, err := parseSealed(b)
	if err != nil {
		return nil, err
	}
	opener := filepath.Join(dir, openerFile)
	if s.byPassphrase() {
		if passphrase == "" {
			return nil, errors.New("it is sealed with a passphrase: give that")
		}
		return s.open(passphrase)
	}
	own, err := os.ReadFile(opener)
	if err != nil {
		return nil, fmt.Errorf("it is sealed with a key that is not beside it: %w", err)
	}
	k, err := s.open(string(own))
	if err != nil || passphrase == "" {
		return k, err
	}
	sealed, err := seal(k, passphrase, true)
	if err != nil {
		return nil, err
	}
	if err := disk.Replace(filepath.Join(dir, sealedFile), sealed); err != nil {
		return nil, err
	}
	return k, errors.Join(os.Remove(opener), disk.Settle(dir))
}

// create makes keys and keeps them. The error is fs.ErrExist where others are there by then.
func create(dir, passphrase string) (*Keys, error) {
	k := Make()
	secret := passphrase
	if secret == "" {
		var err error
		if secret, err = ownSecret(filepath.Join(dir, openerFile)); err != nil {
			return nil, err
		}
	}
	sealed, err := seal(k, secret, passphrase != "")
	if err != nil {
		return nil, err
	}
	return k, disk.Place(filepath.Join(dir, sealedFile), sealed)
}

// ownSecret returns what the file at path holds; where there is none, it makes one.
func ownSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = disk.Place(path, newSecret()); err == nil || errors.Is(err, fs.ErrExist) {
			b, err = os.ReadFile(path)
		}
	}
	return string(b), err
}
