//go:build !linux

package egress

import (
	"context"
	"errors"
	"io"
	"time"
)

// Config says what to run.
type Config struct {
	Viewers        []int
	For            time.Duration
	Shards         int
	Binary         string
	Stdout, Stderr io.Writer
}

var errLinux = errors.New("measuring an edge's fan-out needs Linux")

// Run says that it cannot.
func Run(context.Context, Config) error { return errLinux }

// Part says that it cannot.
func Part(context.Context, string, io.Reader, io.Writer) error { return errLinux }
