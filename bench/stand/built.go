package stand

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Built is the real binary for the tests of one package, which share it. The zero one is ready for use.
type Built struct {
	once sync.Once
	dir  string
	file string
	err  error
}

// Binary builds freshet where that has not been done, as "make build" does, so that the cache of that serves.
func (b *Built) Binary(t T) string {
	t.Helper()
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "freshet-binary-"); b.err != nil {
			return
		}
		b.file = filepath.Join(b.dir, "freshet")
		build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", b.file, "freshet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("build: %w: %s", err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.file
}

// Remove removes it, once no test runs any more.
func (b *Built) Remove() error {
	if b.dir == "" {
		return nil
	}
	return os.RemoveAll(b.dir)
}
