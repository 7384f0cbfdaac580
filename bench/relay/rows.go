// Package relay measures what the relay promises: real nodes with impaired paths between them, publishers and
// viewers by WHIP and WHEP at the ends. Each row sets up a mesh of its own, in this process (testmesh) or as
// processes of the real binary, and gives one result a target. "freshet bench relay" runs them.
//
// Delays are taken from the stamps in the packets of load.Raw, so both ends need one clock: all runs on one
// machine, whose load is part of each result.
package relay

import "freshet/bench/stand"

// Rows are all that there is to run, in the order in which they run.
func Rows() []stand.Row {
	all := []stand.Row{hopRow()}
	all = append(all, lossyRows()...)
	all = append(all, reorderRows()...)
	all = append(all, joinRow(), narrowRow(), rebindRow(), silentRow(), fanRow())
	all = append(all, failoverRows()...)
	all = append(all, loopRow())
	all = append(all, cpuRow(), soakRow())
	return all
}
