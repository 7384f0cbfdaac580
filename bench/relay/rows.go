package relay

// rows are all that there is to run, in the order in which they run.
func rows() []row {
	all := []row{hopRow()}
	all = append(all, lossyRows()...)
	all = append(all, reorderRows()...)
	all = append(all, joinRow(), narrowRow(), rebindRow(), silentRow(), fanRow())
	all = append(all, failoverRows()...)
	all = append(all, loopRow())
	all = append(all, cpuRow(), soakRow())
	return all
}
