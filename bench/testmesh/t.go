package testmesh

import (
	"context"
	"io"
)

// A T is what a mesh runs for: a test (*testing.T is one) or a measurement. Fatal and Fatalf do not return.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	TempDir() string
	Output() io.Writer
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
