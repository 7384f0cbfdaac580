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
// passphrase is sealed by that from then on, and the key is removed; a file without a CA gets one. An error names the file,
// and says what to do.
func Open(dir, passphrase string) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	at := filepath.Join(dir, sealedFile)
	b, err := os.ReadFile(at)
	if errors.Is(err, fs.ErrNotExist) {
		k, err := create(Make(), dir, passphrase)
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
	opener, secret := filepath.Join(dir, openerFile), passphrase
	if s.byPassphrase() {
		if passphrase == "" {
			return nil, errors.New("it is sealed with a passphrase: give that")
		}
	} else {
		own, err := os.ReadFile(opener)
		if err != nil {
			return nil, fmt.Errorf("it is sealed with a key that is not beside it: %w", err)
		}
		secret = string(own)
	}
	k, whole, err := s.open(secret)
	turn := passphrase != "" && !s.byPassphrase()
	if err != nil || whole && !turn {
		return k, err
	}
	if turn {
		secret = passphrase
	}
	sealed, err := k.seal(secret, turn || s.byPassphrase())
	if err != nil {
		return nil, err
	}
	if err := disk.Replace(filepath.Join(dir, sealedFile), sealed); err != nil {
		return nil, err
	}
	if !turn {
		return k, nil
	}
	return k, errors.Join(os.Remove(opener), disk.Settle(dir))
}

// create keeps k. The error is fs.ErrExist where others are there by then.
func create(k *Keys, dir, passphrase string) (*Keys, error) {
	secret := passphrase
	if secret == "" {
		var err error
		if secret, err = ownSecret(filepath.Join(dir, openerFile)); err != nil {
			return nil, err
		}
	}
	sealed, err := k.seal(secret, passphrase != "")
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
