package relay

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"freshet/bench/stand"
)

// built is the real binary, which tests with processes share.
var built stand.Built

func TestMain(m *testing.M) {
	code := m.Run()
	err := built.Remove()
	if code == 0 && err == nil {
		err = goleak.Find()
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
