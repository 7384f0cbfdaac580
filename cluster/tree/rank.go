package tree

import "hash/fnv"

// A Key stands for a node's name where ranks are compared.
type Key uint64

// KeyOf returns the key of name.
func KeyOf(name string) Key {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	return Key(mix(h.Sum64()))
}

// Rank orders hubs for a leaf: it takes the highest one's stream (rendezvous hashing). So leaves spread evenly, a hub that
// goes leaves its own to all others, and one that comes takes its share of each. Of equal ranks the lower name counts.
func Rank(leaf, hub Key) uint64 {
	return mix(uint64(leaf) ^ (uint64(hub)<<1 | uint64(hub)>>63)) // turned, so that two nodes rank each other differently
}

// mix spreads every bit of x over all others: the end of SplitMix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return x
}
