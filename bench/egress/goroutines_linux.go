package egress

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"freshet/bench/stand"
)

// running returns how many goroutines p has, without those of HTTP connections: viewers' HTTP clients keep some open for a
// minute after they have joined, which is no part of a session.
func running(b *stand.Bench, p *stand.Process) float64 {
	b.Helper()
	text, err := p.Get(b.Context(), "/debug/pprof/goroutine", url.Values{"debug": {"1"}}, 8<<20)
	if err != nil {
		b.Fatal(err)
	}
	n, err := countGoroutines(string(text))
	if err != nil {
		b.Fatalf("goroutines of %s: %v", p.Name, err)
	}
	return float64(n)
}

// countGoroutines reads a goroutine profile as text: blocks of those that stand at the same place, each begun by how
// many they are and an @.
func countGoroutines(text string) (n int, err error) {
	for block := range strings.SplitSeq(text, "\n\n") {
		if title, rest, ok := strings.Cut(block, "\n"); ok && strings.HasPrefix(title, "goroutine profile:") {
			block = rest
		}
		count, _, ok := strings.Cut(block, " @ ")
		if !ok || strings.Contains(block, "net/http.(*conn).serve") {
			continue
		}
		these, err := strconv.Atoi(count)
		if err != nil {
			return 0, fmt.Errorf("%.40q: %w", block, err)
		}
		n += these
	}
	if n == 0 {
		return 0, errors.New("none in its profile")
	}
	return n, nil
}
