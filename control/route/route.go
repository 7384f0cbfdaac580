// Package route decides where people are sent: a viewer to the nearest edges, a publisher to an origin.
// Its functions are pure.
package route

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// An Origin is one that may take a publisher.
type Origin struct {
	Node string
	WHIP string
	Live bool // it carries the stream now
}

// Pick returns the origin for a publisher of stream: the one placement assigned, where it is there;
// else the one that carries the stream already, so that a second publisher becomes its backup; else the
// same one each time. ok is false without an origin.
func Pick(stream, assigned string, origins []Origin) (best Origin, ok bool) {
	if len(origins) == 0 {
		return Origin{}, false
	}
	rank := func(o Origin) int {
		switch {
		case o.Node == assigned:
			return 0
		case o.Live:
			return 1
		}
		return 2
	}
	return slices.MinFunc(origins, func(a, b Origin) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(turn(stream, a.Node), turn(stream, b.Node)))
	}), true
}

// turn orders nodes differently, but always alike, for each key (rendezvous hashing).
func turn(key, node string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(node))
	// FNV's high bits hardly depend on the last bytes; one round of mixing spreads them.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}
