//go:build linux

package egress

import "freshet/bench/stand"

// Rows are all that there is to run, in the order in which they run.
func Rows() []stand.Row {
	return []stand.Row{mixRow(2000), mixRow(10000), cmRow(), keyRow(), slopeRow(), sessionsRow(), decodedRow(), rushRow(), hostileRow(), overloadRow()}
}
