package egress

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// gathered are an egress's metrics at one moment, without their common prefix.
type gathered struct {
	counters map[string]float64            // by name, and by name/label
	buckets  map[string]map[float64]uint64 // of histograms: cumulative counts by upper bound
}

const metricPrefix = "freshet_egress_"

func gather(reg *prometheus.Registry) gathered {
	g := gathered{map[string]float64{}, map[string]map[float64]uint64{}}
	families, err := reg.Gather()
	if err != nil {
		panic(err) // our own registry: a metric is registered wrongly
	}
	for _, f := range families {
		name := strings.TrimPrefix(f.GetName(), metricPrefix)
		for _, m := range f.GetMetric() {
			g.counters[name] += m.GetCounter().GetValue()
			for _, l := range m.GetLabel() {
				g.counters[name+"/"+l.GetValue()] += m.GetCounter().GetValue()
			}
			if h := m.GetHistogram(); h != nil {
				g.buckets[name] = map[float64]uint64{}
				for _, b := range h.GetBucket() {
					g.buckets[name][b.GetUpperBound()] = b.GetCumulativeCount()
				}
			}
		}
	}
	return g
}

// since returns what g has more than before.
func (g gathered) since(before gathered) gathered {
	d := gathered{map[string]float64{}, map[string]map[float64]uint64{}}
	for name, v := range g.counters {
		d.counters[name] = v - before.counters[name]
	}
	for name, all := range g.buckets {
		d.buckets[name] = map[float64]uint64{}
		for bound, n := range all {
			d.buckets[name][bound] = n - before.buckets[name][bound]
		}
	}
	return d
}

// quantile returns quantile q of the histogram called name, as if what is in a bucket were spread evenly over it.
func (g gathered) quantile(name string, q float64) float64 {
	bounds := slices.Sorted(maps.Keys(g.buckets[name]))
	if len(bounds) == 0 {
		return 0
	}
	want := q * float64(g.buckets[name][bounds[len(bounds)-1]])
	from, below := 0., uint64(0)
	for _, to := range bounds {
		n := g.buckets[name][to]
		if float64(n) >= want && n > below {
			return from + (to-from)*(want-float64(below))/float64(n-below)
		}
		from, below = to, n
	}
	return from
}
