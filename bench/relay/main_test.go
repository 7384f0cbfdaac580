package relay

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// built is the real binary, which tests with processes share.
var built struct {
	once sync.Once
	dir  string
	file string
	err  error
}

// binary builds freshet as "make build" does, so that the cache of that serves.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "freshet-binary-"); built.err != nil {
			return
		}
		built.file = filepath.Join(built.dir, "freshet")
		build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", built.file, "freshet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = errors.New(err.Error() + ": " + string(out))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.file
}
