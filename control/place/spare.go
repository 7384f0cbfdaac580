package place

// atOnce is how many values of a kind are made in one go.
const atOnce = 8192

// A slab is what is left of a large list, of which small ones are cut: plans need many, and to make each alone would take longer.
type slab[T any] struct{ left []T }

// list returns a list of n: was, where that has room, else a new one. What is in it is of no meaning.
func (s *slab[T]) list(was []T, n int) []T {
	if n <= cap(was) {
		return was[:n]
	}
	if len(s.left) < n {
		s.left = make([]T, max(n, atOnce))
	}
	list := s.left[:n:n]
	s.left = s.left[n:]
	return list
}

// A spare is what the lists of plans are cut of.
type spare struct {
	regions slab[int32]
	leaves  slab[leaf]
	cells   slab[cell]
	charges slab[charge]
	hubs    slab[hub]
}

// one returns a list of h alone. Most cells have no more.
func (s *spare) one(h hub) []hub {
	list := s.hubs.list(nil, 1)
	list[0] = h
	return list
}
