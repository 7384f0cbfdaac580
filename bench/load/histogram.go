package load

import (
	"math"
	"time"
)

// A histogram keeps times in buckets that grow by 2 %, from 10 µs to some 40 s; percentiles are right to
// that width. The zero value is empty.
type histogram struct {
	buckets [768]uint32
	count   int64
	max     time.Duration
}

const (
	histogramBase   = 10 * time.Microsecond
	histogramGrowth = 1.02
)

var logGrowth = math.Log(histogramGrowth)

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	i := 0
	if d > histogramBase {
		i = min(int(math.Log(float64(d)/float64(histogramBase))/logGrowth)+1, len(h.buckets)-1)
	}
	h.buckets[i]++
	h.count++
	h.max = max(h.max, d)
}

// merge adds what other holds.
func (h *histogram) merge(other *histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
	h.max = max(h.max, other.max)
}

// percentile returns the time that the share q of all does not exceed.
func (h *histogram) percentile(q float64) time.Duration {
	want := int64(math.Ceil(q * float64(h.count)))
	for i, n := range h.buckets {
		if want -= int64(n); want <= 0 {
			return min(time.Duration(float64(histogramBase)*math.Pow(histogramGrowth, float64(i))), h.max)
		}
	}
	return h.max
}

// spread returns how its times lie, in milliseconds.
func (h *histogram) spread() Spread {
	return Spread{
		N: int(h.count), P50: milliseconds(h.percentile(0.50)), P95: milliseconds(h.percentile(0.95)),
		P99: milliseconds(h.percentile(0.99)), Max: milliseconds(h.max),
	}
}

// delay returns what a report says of h, nil where it is empty.
func (h *histogram) delay() *Delay {
	if h.count == 0 {
		return nil
	}
	return &Delay{P50: h.percentile(0.50), P99: h.percentile(0.99), Max: h.max}
}
