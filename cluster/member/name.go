package member

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

const (
	maxNode = 64 // bytes of a node's name, as in its certificate
	bootHex = 16 // digits of a boot id in a member's name
)

// memberName is a process as memberlist knows it: the node, and which of its processes.
func memberName(node string, boot uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], boot)
	return node + "/" + hex.EncodeToString(b[:])
}

// parseMember reads what memberName made.
func parseMember(name string) (node string, boot uint64, ok bool) {
	node, digits, ok := strings.Cut(name, "/")
	if !ok || node == "" || len(node) > maxNode || len(digits) != bootHex {
		return "", 0, false
	}
	b, err := hex.DecodeString(digits)
	if err != nil || memberName(node, binary.BigEndian.Uint64(b)) != name { // capital digits name nobody
		return "", 0, false
	}
	return node, binary.BigEndian.Uint64(b), true
}

// A boot is one process of a node. A later start wins, whichever clock told it; of two in one millisecond the greater id.
type boot struct {
	started uint64 // unix ms by the node's clock, greater than that of each process of the node before
	id      uint64
}

func (b boot) compare(other boot) int {
	return cmp.Or(cmp.Compare(b.started, other.started), cmp.Compare(b.id, other.id))
}
