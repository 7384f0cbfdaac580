package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"freshet/cluster/disk"
)

// parts are the files that Copy and Restore take along, by what they are called beside a copy of the database.
var parts = map[string]string{".keys": sealedFile, ".key": openerFile}

// Copy puts a copy of what directory dir has of keys beside a copy of the database: to.keys and, where no passphrase
// seals it, to.key, which must not be there. It returns the names, none where dir has no keys. As the file is sealed,
// to.keys alone opens nothing; both together do.
func Copy(dir, to string) (names []string, err error) {
	for _, end := range []string{".keys", ".key"} {
		b, err := os.ReadFile(filepath.Join(dir, parts[end]))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = disk.Place(to+end, b)
		}
		if err != nil {
			return names, fmt.Errorf("copy the keys: %w", err)
		}
		names = append(names, to+end)
	}
	return names, nil
}

// Restore puts what Copy has put beside from into directory dir. What was there is kept beside it. It says whether there
// was anything.
func Restore(from, dir string, now time.Time) (bool, error) {
	b, err := os.ReadFile(from + ".keys")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		_, err = parseSealed(b)
	}
	if err != nil {
		return false, fmt.Errorf("restore %s.keys: %w", from, err)
	}
	for _, end := range []string{".key", ".keys"} { // a file that is not sealed yet opens with either
		to := filepath.Join(dir, parts[end])
		if err := os.Rename(to, to+"."+now.UTC().Format("20060102T150405.000Z")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("restore the keys: %w", err)
		}
		b, err := os.ReadFile(from + end)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a passphrase opens it
		}
		if err == nil {
			err = disk.Place(to, b)
		}
		if err != nil {
			return false, fmt.Errorf("restore the keys: %w", err)
		}
	}
	return true, nil
}
