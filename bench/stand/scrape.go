package stand

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Metrics are what a node counts, as /metrics told them, by series: freshet_relay_links{direction="up"}.
type Metrics map[string]float64

// mostMetrics is how much a node may answer.
const mostMetrics = 4 << 20

// Scrape asks the node whose HTTP server is at url.
func Scrape(ctx context.Context, url string) (Metrics, error) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	q.Close = true // a kept connection would outlive its node
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s/metrics: %s", url, resp.Status)
	}
	return parseMetrics(io.LimitReader(resp.Body, mostMetrics))
}

// Scrape asks a node that must answer.
func (b *Bench) Scrape(url string) Metrics {
	b.Helper()
	m, err := Scrape(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// parseMetrics reads the text format of Prometheus, without times, which no node of ours adds.
func parseMetrics(r io.Reader) (Metrics, error) {
	m := Metrics{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<16)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("metrics: %q", line)
		}
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("metrics: %q: %w", line, err)
		}
		m[line[:at]] = v
	}
	return m, lines.Err()
}

// Sum adds up the series of the metric called name that have all of labels, each as in name="value".
func (m Metrics) Sum(name string, labels ...string) float64 {
	sum := 0.0
next:
	for series, v := range m {
		have, rest, _ := strings.Cut(series, "{")
		if have != name {
			continue
		}
		for _, l := range labels {
			if !strings.Contains(","+strings.TrimSuffix(rest, "}")+",", ","+l+",") {
				continue next
			}
		}
		sum += v
	}
	return sum
}

// Since returns what m has more than before.
func (m Metrics) Since(before Metrics) Metrics {
	d := Metrics{}
	for series, v := range m {
		d[series] = v - before[series]
	}
	return d
}

// Quantile returns what the share q of the observations of the histogram called name does not exceed, taking
// those within a bucket as evenly spread; 0 where there are none. Beyond the last bound it is that bound.
func (m Metrics) Quantile(name string, q float64) float64 {
	type bucket struct{ bound, count float64 }
	counts := map[float64]float64{} // by bound: of series that differ in their labels, together
	for series, count := range m {
		have, rest, _ := strings.Cut(series, "{")
		if have != name+"_bucket" {
			continue
		}
		_, text, _ := strings.Cut(rest, `le="`)
		text, _, _ = strings.Cut(text, `"`)
		if bound, err := strconv.ParseFloat(text, 64); err == nil { // "+Inf" is one
			counts[bound] += count
		}
	}
	var all []bucket
	for _, bound := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, bucket{bound, counts[bound]})
	}
	if len(all) == 0 {
		return 0
	}
	rank := q * all[len(all)-1].count
	below := bucket{}
	for _, b := range all {
		if b.count >= rank && b.count > below.count {
			if math.IsInf(b.bound, 1) {
				return below.bound
			}
			return below.bound + (b.bound-below.bound)*(rank-below.count)/(b.count-below.count)
		}
		below = b
	}
	return 0
}

// Over returns which share of the histogram called name lies over the bound of one of its buckets, and of how
// many observations.
func (m Metrics) Over(name, bound string) (float64, int) {
	n := m.Sum(name + "_count")
	if n == 0 {
		return 0, 0
	}
	return max(0, 1-m.Sum(name+"_bucket", `le="`+bound+`"`)/n), int(n)
}
