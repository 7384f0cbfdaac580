package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/control/store"
	"freshet/control/store/storetest"
)

// A copy goes back to where it was made, and what was written meanwhile stays beside it.
func TestRestore(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy.db")
	db, err := store.Open(t.Context(), store.Config{Dir: dir}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	do(t, db, "make_counter", nil)
	do(t, db, "put_counter", store.Args{"name": "a", "n": 1})
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	do(t, db, "set_counter", store.Args{"name": "a", "n": 2})

	if _, err := store.Restore(t.Context(), copied, dir); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("restored under a process that has it open: %v", err)
	}
	if n := get[int64](t, db, "get_counter", store.Args{"name": "a"}); n != 2 {
		t.Errorf("%d after what was refused", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := store.Restore(t.Context(), copied, dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := get[int64](t, storetest.Open(t, store.Config{Dir: dir}), "get_counter", store.Args{"name": "a"}); n != 1 {
		t.Errorf("%d, want what was copied", n)
	}

	// What was there is whole, without its write-ahead log.
	elsewhere := t.TempDir()
	if _, err := store.Restore(t.Context(), kept, elsewhere); err != nil {
		t.Fatal(err)
	}
	if n := get[int64](t, storetest.Open(t, store.Config{Dir: elsewhere}), "get_counter", store.Args{"name": "a"}); n != 2 {
		t.Errorf("%d, want what was there", n)
	}
}

// What is no copy, or a damaged one, changes nothing.
func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Config{Dir: dir}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(store.File(dir))
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"empty":   {},
		"text":    []byte(strings.Repeat("no database at all\n", 1000)),
		"cut off": before[:len(before)/2],
	}
	for name, b := range bad {
		file := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(t.Context(), file, dir); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	if _, err := store.Restore(t.Context(), filepath.Join(dir, "nowhere"), dir); err == nil {
		t.Error("what is not there was restored")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if f.Name() != filepath.Base(store.File(dir)) {
			t.Errorf("%s is left", f.Name())
		}
	}
	storetest.Open(t, store.Config{Dir: dir})
}
