package impair

import "sync"

const (
	etherHeader = 14   // receiver, sender, type
	maxMACs     = 1024 // that a switch learns: hosts have one or two
)

type mac [6]byte

// A table says at which port of a switch an address is. Safe for concurrent use.
type table struct {
	mu        sync.Mutex
	ports     map[mac]int
	unlearned uint64
}

// route returns the port of a frame's receiver, if that is known, and learns that of its sender. The frame has a header.
func (t *table) route(frame []byte, from int) (to int, known bool) {
	receiver, sender := mac(frame[0:6]), mac(frame[6:12])
	t.mu.Lock()
	defer t.mu.Unlock()
	if !group(sender) {
		t.learn(sender, from)
	}
	if group(receiver) {
		return 0, false
	}
	to, known = t.ports[receiver]
	return to, known
}

// group tells of addresses that stand for many, as ARP and IPv6's neighbour discovery use them.
func group(m mac) bool { return m[0]&1 != 0 }

// learn notes where sender is, which may have moved. Called with mu held.
func (t *table) learn(sender mac, from int) {
	at, known := t.ports[sender]
	switch {
	case known && at == from:
	case !known && len(t.ports) == maxMACs:
		t.unlearned++
	default:
		t.ports[sender] = from
	}
}

func (t *table) left() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unlearned
}
