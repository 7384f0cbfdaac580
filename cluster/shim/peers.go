package shim

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

const cached = 64 // peers found without a lock

// A table has the peers by address, and bounds how many of each standing there are: the one that was silent
// longest makes room.
type table struct {
	mu      sync.RWMutex
	byAddr  map[netip.AddrPort]*peer
	byStand [standings][]*peer
	cache   [cached]atomic.Pointer[peer]
	lobby   lobby
	past    totals // of peers forgotten
}

// keyOf is the address by which a peer is known: IPv4 in IPv6 is IPv4, and there are no zones.
func keyOf(a *net.UDPAddr) netip.AddrPort {
	ip, _ := netip.AddrFromSlice(a.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(a.Port))
}

func slotOf(a netip.AddrPort) int {
	b := a.Addr().As16()
	return (int(a.Port()) ^ int(b[15]) ^ int(b[14])<<1) % cached
}

// find returns the peer at a; nil if QUIC never wrote there, or it was forgotten.
func (t *table) find(a netip.AddrPort) *peer {
	slot := &t.cache[slotOf(a)]
	if p := slot.Load(); p != nil && p.addr == a {
		return p
	}
	t.mu.RLock()
	p := t.byAddr[a]
	if p != nil {
		slot.Store(p) // under the lock: who forgets a peer clears the slot under it
	}
	t.mu.RUnlock()
	return p
}

// open returns the peer at a, and begins its state if there is none.
func (c *Conn) open(a netip.AddrPort, zone string, as standing, now int64) *peer {
	t := &c.table
	t.mu.Lock()
	p := t.byAddr[a]
	if p == nil {
		p = newPeer(c, a, zone, now)
		if s, ok := t.lobby.leave(a, now); ok {
			p.greet(s, now)
			if s.plain {
				as = standPlain
			}
		}
		t.admit(p, as, now)
		t.byAddr[a] = p
		t.cache[slotOf(a)].Store(p)
	}
	t.mu.Unlock()
	c.schedule(p, now, now)
	return p
}

// admit gives p a place under its standing. Who is there too long in silence goes.
func (t *table) admit(p *peer, as standing, now int64) {
	list := t.byStand[as]
	if len(list) >= maxPeers[as] {
		oldest := list[0]
		for _, q := range list[1:] {
			if q.sign() < oldest.sign() {
				oldest = q
			}
		}
		t.remove(oldest, now)
		p.c.metrics.evicted.Add(1)
		list = t.byStand[as]
	}
	p.place = len(list)
	p.stand.Store(int32(as))
	t.byStand[as] = append(list, p)
}

// sign is the last there was of the peer.
func (p *peer) sign() int64 { return max(p.born, p.heard.Load()) }

// leave takes p off the list of its standing.
func (t *table) leave(p *peer) {
	list := t.byStand[p.standing()]
	last := list[len(list)-1]
	list[p.place], last.place = last, p.place
	list[len(list)-1] = nil
	t.byStand[p.standing()] = list[:len(list)-1]
}

// remove forgets p; what it holds back goes out. The lock is held.
func (t *table) remove(p *peer, now int64) {
	t.leave(p)
	delete(t.byAddr, p.addr)
	t.cache[slotOf(p.addr)].CompareAndSwap(p, nil)
	p.gone.Store(true)
	p.c.unschedule(p)
	p.sendMu.Lock()
	p.send.letGo(never, now)
	p.send.discard()
	p.sendMu.Unlock()
	t.past.add(p)
}

// forget removes p if its time is over; false where QUIC wrote to it after all.
func (c *Conn) forget(p *peer, now int64) bool {
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	if !p.gone.Load() {
		if now < p.end() {
			return false
		}
		c.table.remove(p, now)
	}
	return true
}

// restand gives p another standing.
func (c *Conn) restand(p *peer, as standing, now int64) {
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	if p.gone.Load() || p.standing() == as {
		return
	}
	c.table.leave(p)
	c.table.admit(p, as, now)
}
