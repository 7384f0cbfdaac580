package place

// A Line is what placement takes for the cost of a bit between two regions: a thousand kilometres cost 1.
type Line struct {
	A, B  string // in order
	Price float64
}

// Lines returns the lines between m's regions, each once.
func Lines(m Mesh) []Line {
	b := newBoard(m)
	var lines []Line
	for r, from := range b.regions {
		for q := r + 1; q < len(b.regions); q++ {
			lines = append(lines, Line{from, b.regions[q], float64(b.costs(int32(r), int32(q)))})
		}
	}
	return lines
}
