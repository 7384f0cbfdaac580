//go:build !linux

package egress

import (
	"context"
	"errors"
	"io"

	"freshet/bench/stand"
)

// Rows are none: an edge's egress, and the crowds that watch it, need Linux.
func Rows() []stand.Row { return nil }

// Part says that it cannot.
func Part(context.Context, string, io.Reader, io.Writer) error {
	return errors.New("measuring an edge's egress needs Linux")
}
