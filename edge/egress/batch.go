package egress

const (
	maxMessages = 64       // in one call; more brings nothing
	arenaSize   = 64 << 10 // a message's bytes at most (the kernel's limit) ...
	arenas      = 8        // ... and how much is sealed before a call: sealed bytes should still be in the cache

	maxSegments = 60    // the kernel cuts a message into 64 at most
	maxMessage  = 60000 // bytes; below UDP's 65,507

	readSize = 2048 // more than any path carries; what is longer is cut off and fails to parse
)

// A message is what the kernel sends in one go: equal segments, of which the last may be shorter.
type message struct {
	to        *endpoint
	from, end int // in the arena
	segment   int // size of each but the last
	count     int
}

// sent counts what a batch did since it was last looked at.
type sent struct{ packets, bytes, dropped, calls, messages, segmented int }

// A batch gathers sealed packets into messages and hands them to the kernel. It is owned by its shard's
// loop. Between room and add nothing else may touch it.
type batch struct {
	socket   *socket
	arena    []byte
	messages []message
	open     bool // the last message may grow
	count    sent
}

func newBatch(s *socket) *batch {
	return &batch{socket: s, arena: make([]byte, arenas*arenaSize), messages: make([]message, 0, maxMessages)}
}

// room returns where the next packet of at most size bytes is to be sealed.
func (b *batch) room(size int) []byte {
	at := b.end()
	if at+size > len(b.arena) {
		b.flush()
		at = 0
	}
	return b.arena[at : at+size : at+size]
}

func (b *batch) end() int {
	if len(b.messages) == 0 {
		return 0
	}
	return b.messages[len(b.messages)-1].end
}

// add queues the n bytes written where room said, for to, which must stay as it is until flush.
func (b *batch) add(to *endpoint, n int) {
	b.count.packets++
	b.count.bytes += n
	if b.open {
		m := &b.messages[len(b.messages)-1]
		if m.to == to && n <= m.segment && m.count < maxSegments && m.end-m.from+n <= maxMessage {
			m.end += n
			m.count++
			b.open = n == m.segment
			return
		}
	}
	at := b.end()
	if len(b.messages) == maxMessages {
		// The packet stands behind what is sent now; it moves to the front.
		sealed := b.arena[at : at+n]
		b.flush()
		copy(b.arena, sealed)
		at = 0
	}
	b.messages = append(b.messages, message{to: to, from: at, end: at + n, segment: n, count: 1})
	b.open = b.socket.gso
}

// flush hands everything to the kernel.
func (b *batch) flush() {
	if len(b.messages) > 0 {
		b.count.messages += len(b.messages)
		b.count.dropped += b.socket.send(b.arena, b.messages, &b.count)
		b.messages = b.messages[:0]
	}
	b.open = false
}
