package egress

import (
	"math"
	"slices"
)

// percentile returns what the share q of all does not exceed; 0 of none.
func percentile(all []float64, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[max(0, int(math.Ceil(q*float64(len(all))))-1)]
}

// thirds are the percentiles of the first, second and last third of all, which came in that order.
func thirds(all []float64, q float64) (each []float64) {
	n := (len(all) + 2) / 3
	for part := range slices.Chunk(all, max(1, n)) {
		each = append(each, percentile(part, q))
	}
	return each
}
