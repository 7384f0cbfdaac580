package egress

import (
	"fmt"
	"runtime"
	"strconv"
	"time"

	"freshet/bench/stand"
	"freshet/edge/egress"
)

const (
	measureFor = 2 * time.Second
	shareStep  = 50 // viewers; no figure is as exact as one of them
)

// An attendance is how many fake viewers a row has.
type attendance struct {
	which   string // in the ids of results
	words   string
	viewers func(b *stand.Bench) int
}

// of is n viewers.
func of(n int) attendance {
	return attendance{strconv.Itoa(n), fmt.Sprintf("%d fake viewers", n), func(*stand.Bench) int { return n }}
}

// share is that share of what an edge on this machine admits, by what it measures when it starts.
func share(which string, of float64, words string) attendance {
	return attendance{which, words, func(b *stand.Bench) int {
		b.Helper()
		m, err := egress.Measure(b.Context(), measureFor)
		if err != nil {
			b.Fatal(err)
		}
		n := int(of*float64(m.Capacity(runtime.NumCPU(), runtime.NumCPU()).Packets)) / packetsASecond
		n = max(shareStep, n-n%shareStep)
		b.Tell("a packet costs %v: %d viewers", m.Cost.Round(time.Nanosecond), n)
		return n
	}}
}
