package shim

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	strangers  = 64
	strangeFor = int64(3 * time.Second)
	noStream   = ^uint32(0) // no id has more than 24 bits
)

// A foreign stream is one whose packets are handed up without being followed: of an address that has no state
// yet, or whose id nobody has vouched for.
type foreign struct {
	id   uint32
	seen uint64 // of the first 64 numbers
	next uint32 // behind the highest
}

func (f *foreign) note(id, seq uint32) {
	if f.id != id {
		*f = foreign{id: id, next: seq}
	}
	if seq < young {
		f.seen |= 1 << seq
	}
	if !before(seq, f.next) {
		f.next = seq + 1
	}
}

// A stranger is what came from an address before anything was written to it.
type stranger struct {
	foreign
	addr    netip.AddrPort
	at      int64
	bytes   uint64
	packets uint64
	plain   bool
}

// A lobby remembers some strangers, so that the state that begins when QUIC answers one knows what came before.
// It is a fixed table: a flood overwrites it, and costs no memory.
type lobby struct {
	mu   sync.Mutex
	seed maphash.Seed
	slot [strangers]stranger
}

func (l *lobby) at(a netip.AddrPort) *stranger {
	return &l.slot[maphash.Comparable(l.seed, a)%strangers]
}

// visit notes a packet of n bytes.
func (l *lobby) visit(a netip.AddrPort, n int, now int64) *stranger {
	s := l.at(a)
	if s.addr != a || now-s.at > strangeFor {
		*s = stranger{addr: a, foreign: foreign{id: noStream}}
	}
	s.at = now
	s.bytes += uint64(n)
	s.packets++
	return s
}

// plain notes a packet of plain QUIC.
func (l *lobby) plain(a netip.AddrPort, n int, now int64) {
	l.mu.Lock()
	l.visit(a, n, now).plain = true
	l.mu.Unlock()
}

// numbered notes a packet with a header.
func (l *lobby) numbered(a netip.AddrPort, h header, n int, now int64) {
	l.mu.Lock()
	s := l.visit(a, n, now)
	s.plain = false
	s.note(h.id, h.seq)
	l.mu.Unlock()
}

// leave returns what is known of a and forgets it; ok is false for who is new.
func (l *lobby) leave(a netip.AddrPort, now int64) (s stranger, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.at(a)
	if at.addr != a || now-at.at > strangeFor {
		return stranger{}, false
	}
	s = *at
	*at = stranger{}
	return s, true
}
