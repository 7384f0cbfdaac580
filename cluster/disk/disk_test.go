package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestPlaceKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			switch err := Place(path, []byte{byte(i)}); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	all.Wait()
	b, err := Secret(path, 1)
	if won.Load() != 1 || len(b) != 1 || err != nil {
		t.Errorf("%d placed it, it holds %v, %v", won.Load(), b, err)
	}
	if err := Replace(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if b, err := Secret(path, 3); string(b) != "new" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); len(left) != 1 || err != nil {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

func TestSecretIsPrivateAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := Secret(path, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	if err := Place(path, []byte("1234")); err != nil {
		t.Fatal(err)
	}
	if _, err := Secret(path, 3); err == nil || !strings.Contains(err.Error(), "larger than 3") {
		t.Errorf("4 bytes of 3: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Secret(path, 4); !errors.Is(err, ErrOpen) || !strings.Contains(err.Error(), path) {
		t.Errorf("a secret that the group may read: %v", err)
	}
}

func TestNothingIsLeftOfAFailure(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(dir, "taken"), nil); err == nil {
		t.Error("a folder was replaced")
	}
	if left, err := os.ReadDir(dir); len(left) != 1 || err != nil {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}
