// Package ring holds the packets of one layer or audio track in memory: written by one goroutine,
// read by any number without a lock and without a copy.
//
// A packet stands in the ring under two numbers. Its Seq is the extended RTP sequence number: joins,
// retransmission and duplicate suppression look there. Its Index counts arrivals: whoever follows the
// live stream reads by Index, so that a packet repaired late still reaches it.
package ring

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	minSlots = 512     // 1 s of 4 Mbit/s in 1,200-byte packets; most rings never grow past it
	maxSlots = 1 << 14 // what MaxBytes holds in 1,200-byte packets, rounded up
	chunk    = 64      // packets a writer allocates at once

	// MaxAge and MaxBytes bound what a ring keeps of the newest group of pictures. With up to 4 bytes of
	// framing a packet it fits the 16 MiB of a group stream.
	MaxAge   = 12 * time.Second
	MaxBytes = 16<<20 - 4*maxSlots

	// MinAge is kept whatever the groups are, for retransmission.
	MinAge = 2 * time.Second
	// GroupFor is how long a group stays after the next began, for viewers who started with it and are
	// still catching up.
	GroupFor = 3 * time.Second

	maxGroups = 64
)

// A Packet is one RTP packet, shared by all readers and never changed after it was written.
type Packet struct {
	Seq       int64     // extended sequence number; the low 16 bits are the RTP sequence number
	Index     int64     // place in the order of arrival, from 0
	At        time.Time // when this node wrote it
	Data      []byte    // the whole RTP packet
	Header    int       // bytes of RTP header, extensions included
	Timestamp uint32
	Type      uint8 // payload type
	Marker    bool  // last packet of a frame
	Key       bool  // first packet of a key frame; see Write
}

// Payload returns what follows the RTP header.
func (p *Packet) Payload() []byte { return p.Data[p.Header:] }

// A Group is a key frame and what follows it up to the next.
type Group struct {
	First     int64 // Seq of the key frame's first packet
	Timestamp uint32
	At        time.Time
}

// A Waker is told of each packet written. Wake is called by the writer and must not block.
type Waker interface{ Wake(r *Ring, p *Packet) }

// A Ring is written by one goroutine (Write) and read by any number of others (the rest).
type Ring struct {
	table  atomic.Pointer[table]
	head   atomic.Int64 // Index of the next packet
	high   atomic.Int64 // highest Seq written; -1 before the first
	groups atomic.Pointer[[]Group]
	wakers atomic.Pointer[[]Waker]
	mu     sync.Mutex // held while wakers is replaced

	// The writer's own.
	tail  int64 // Index of the oldest packet kept
	bytes int
	free  []Packet
}

type table struct {
	mask  int64
	bySeq []atomic.Pointer[Packet]
	byIdx []atomic.Pointer[Packet]
}

func newTable(n int) *table {
	return &table{mask: int64(n - 1), bySeq: make([]atomic.Pointer[Packet], n), byIdx: make([]atomic.Pointer[Packet], n)}
}

// New returns an empty ring.
func New() *Ring {
	r := &Ring{}
	r.table.Store(newTable(minSlots))
	r.high.Store(-1)
	r.groups.Store(&[]Group{})
	r.wakers.Store(&[]Waker{})
	return r
}

// Write adds p, whose Index the ring sets, and wakes the watchers. It returns false, and keeps nothing,
// where p is a duplicate or older than what the ring holds. The ring shares p.Data with its readers
// from then on. Only the ring's one writer may call it.
//
// Where several packets of one frame come with Key, as H.264's parameter sets and IDR slice do, the
// frame begins at the lowest Seq: Key is taken off those behind it.
func (r *Ring) Write(p Packet) bool {
	t := r.table.Load()
	high := r.high.Load()
	if old := t.bySeq[p.Seq&t.mask].Load(); old != nil && old.Seq == p.Seq || high >= 0 && p.Seq <= high-maxSlots {
		return false
	}
	r.evict(p.At, len(p.Data))
	t = r.room(p.Seq)
	old := t.bySeq[p.Seq&t.mask].Load()
	if old != nil && old.Seq > p.Seq {
		return false
	}
	if len(r.free) == 0 {
		r.free = make([]Packet, chunk)
	}
	q := &r.free[0]
	r.free = r.free[1:]
	*q = p
	q.Index = r.head.Load()
	q.Key = p.Key && r.begins(q)
	r.bytes += len(q.Data)
	t.bySeq[q.Seq&t.mask].Store(q)
	t.byIdx[q.Index&t.mask].Store(q)
	if q.Seq > high {
		r.high.Store(q.Seq)
	}
	if q.Key {
		r.addGroup(Group{q.Seq, q.Timestamp, q.At})
	}
	r.head.Store(q.Index + 1)
	for _, w := range *r.wakers.Load() {
		w.Wake(r, q)
	}
	return true
}

// room returns a table with a free place for seq and for the next Index: it grows the table, or drops
// the oldest packet where the table may not grow any more.
func (r *Ring) room(seq int64) *table {
	for {
		t := r.table.Load()
		old := t.bySeq[seq&t.mask].Load()
		full := r.head.Load()-r.tail > t.mask
		clash := old != nil && old.Seq != seq && old.Index >= r.tail
		switch {
		case !full && !clash:
			return t
		case len(t.byIdx) < maxSlots && (full || max(seq-old.Seq, old.Seq-seq) < maxSlots):
			r.grow(t)
		case full:
			r.drop(t)
		default:
			return t // a jump in the numbers: Write keeps the newer
		}
	}
}

func (r *Ring) grow(t *table) {
	n := newTable(2 * len(t.byIdx))
	for i := r.tail; i < r.head.Load(); i++ {
		p := t.byIdx[i&t.mask].Load()
		if p == nil {
			continue
		}
		n.byIdx[i&n.mask].Store(p)
		if q := n.bySeq[p.Seq&n.mask].Load(); q == nil || q.Seq < p.Seq {
			n.bySeq[p.Seq&n.mask].Store(p)
		}
	}
	r.table.Store(n)
}

// evict drops what is past the bounds, with need more bytes to come. The newest group stays, the one before
// it for GroupFor, and MinAge of whatever there is.
func (r *Ring) evict(now time.Time, need int) {
	t := r.table.Load()
	first := int64(-1) // of the oldest group to keep
	for _, g := range *r.groups.Load() {
		if first < 0 || now.Sub(g.At) >= GroupFor {
			first = g.First
		}
	}
	for r.tail < r.head.Load() {
		p := t.byIdx[r.tail&t.mask].Load()
		age := now.Sub(p.At)
		keep := age <= MinAge || first >= 0 && p.Seq >= first && age <= MaxAge
		if keep && r.bytes+need <= MaxBytes {
			return
		}
		r.drop(t)
	}
}

func (r *Ring) drop(t *table) {
	p := t.byIdx[r.tail&t.mask].Swap(nil)
	t.bySeq[p.Seq&t.mask].CompareAndSwap(p, nil)
	r.bytes -= len(p.Data)
	r.tail++
}

// begins says whether no packet below p began the same frame.
func (r *Ring) begins(p *Packet) bool {
	for _, g := range *r.groups.Load() {
		if g.Timestamp == p.Timestamp && g.First < p.Seq && p.Seq-g.First < maxSlots {
			return false
		}
	}
	return true
}

// addGroup keeps the groups in order of Seq; key frames may arrive out of order after a join.
func (r *Ring) addGroup(g Group) {
	old := *r.groups.Load()
	for len(old) > 0 && (len(old) == maxGroups || r.Get(old[0].First) == nil) {
		old = old[1:]
	}
	i := len(old)
	for i > 0 && old[i-1].First > g.First {
		i--
	}
	if i > 0 && old[i-1].First == g.First {
		return
	}
	rest := old[i:]
	if len(rest) > 0 && rest[0].Timestamp == g.Timestamp {
		rest = rest[1:] // the same frame, which began earlier than was known
	}
	n := make([]Group, 0, len(old)+1)
	n = append(append(append(n, old[:i]...), g), rest...)
	r.groups.Store(&n)
}

// Head returns the Index that the next packet will get.
func (r *Ring) Head() int64 { return r.head.Load() }

// High returns the highest Seq written, -1 before the first packet.
func (r *Ring) High() int64 { return r.high.Load() }

// At returns the packet that arrived as number index, nil where it is gone or not here yet.
func (r *Ring) At(index int64) *Packet {
	t := r.table.Load()
	if p := t.byIdx[index&t.mask].Load(); p != nil && p.Index == index {
		return p
	}
	return nil
}

// Get returns the packet with extended sequence number seq, nil where the ring does not hold it.
func (r *Ring) Get(seq int64) *Packet {
	t := r.table.Load()
	if p := t.bySeq[seq&t.mask].Load(); p != nil && p.Seq == seq {
		return p
	}
	return nil
}

// Newest returns the newest group whose key frame's first packet is still in the ring.
func (r *Ring) Newest() (Group, bool) {
	g := *r.groups.Load()
	if len(g) == 0 || r.Get(g[len(g)-1].First) == nil {
		return Group{}, false
	}
	return g[len(g)-1], true
}

// NextKey returns the first group that begins at seq or later and is still in the ring.
func (r *Ring) NextKey(seq int64) (Group, bool) {
	for _, g := range *r.groups.Load() {
		if g.First >= seq && r.Get(g.First) != nil {
			return g, true
		}
	}
	return Group{}, false
}

// Near returns the extended sequence number closest to the highest one whose low 16 bits are seq.
// Before the first packet it leaves room below for a group of pictures that comes later.
func (r *Ring) Near(seq uint16) int64 {
	high := r.high.Load()
	if high < 0 {
		return 1<<16 + int64(seq)
	}
	return high + int64(int16(seq-uint16(high)))
}

// Watch has w told of each packet from now on, until stop is called. A call may still be under way
// when stop returns.
func (r *Ring) Watch(w Waker) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := append([]Waker{}, *r.wakers.Load()...)
	n = append(n, w)
	r.wakers.Store(&n)
	return sync.OnceFunc(func() { r.unwatch(w) })
}

func (r *Ring) unwatch(w Waker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var n []Waker
	for i, have := range *r.wakers.Load() {
		if have == w {
			n = append(n, (*r.wakers.Load())[i+1:]...)
			break
		}
		n = append(n, have)
	}
	r.wakers.Store(&n)
}
