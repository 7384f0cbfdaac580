package egress

import (
	"time"

	"freshet/bench/stand"
)

// A spell is what a node took of the processor over some time.
type spell struct{ cpu, took time.Duration }

// cores is how much of a core that was.
func (s spell) cores() float64 { return s.cpu.Seconds() / max(s.took, time.Nanosecond).Seconds() }

func (s spell) plus(o spell) spell { return spell{s.cpu + o.cpu, s.took + o.took} }

// begin begins one of node, which ends when end is called.
func begin(node *stand.Process) (end func() spell) {
	cpu, begun := node.CPU(), time.Now()
	return func() spell { return spell{node.CPU() - cpu, time.Since(begun)} }
}

// quiet returns one of d, while nobody comes or goes.
func quiet(b *stand.Bench, node *stand.Process, d time.Duration, what string) spell {
	b.Helper()
	end := begin(node)
	b.During(d, what)
	return end()
}
