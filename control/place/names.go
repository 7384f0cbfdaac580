package place

import "hash/maphash"

// names numbers nodes by name, in less time than a map: most of what placement is given are names.
type names struct {
	list  []string
	seed  maphash.Seed
	table []int32 // by hash, a number and 1; three of four places at least are 0, so that a search ends soon
}

func newNames(nodes []Node) names {
	size := 4
	for size < 4*len(nodes) {
		size *= 2
	}
	n := names{list: make([]string, len(nodes)), seed: maphash.MakeSeed(), table: make([]int32, size)}
	for i := range nodes {
		n.list[i] = nodes[i].Name
		at := n.hash(n.list[i])
		for n.table[at] != 0 {
			at = n.after(at)
		}
		n.table[at] = int32(i) + 1
	}
	return n
}

// find returns the number of name, or none.
func (n *names) find(name string) int32 {
	at := n.hash(name)
	for n.table[at] != 0 && n.list[n.table[at]-1] != name {
		at = n.after(at)
	}
	return n.table[at] - 1
}

func (n *names) hash(name string) int {
	return int(maphash.String(n.seed, name) & uint64(len(n.table)-1))
}

func (n *names) after(at int) int { return (at + 1) & (len(n.table) - 1) }
