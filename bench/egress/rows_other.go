//go:build !linux

package egress

import "freshet/bench/stand"

// Rows are none: an edge's egress, and the crowds that watch it, need Linux.
func Rows() []stand.Row { return nil }
