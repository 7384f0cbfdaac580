package impair

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/net/ipv4"
)

// maxClients is how many clients a proxy remembers; a further one takes the place of the one that has been
// silent for longest.
const maxClients = 256

// A client is an address from which packets come, and the socket by which they leave to the target.
type client struct {
	key  netip.AddrPort
	addr *net.UDPAddr // the same, as the socket wants it
	out  atomic.Pointer[outer]
	used atomic.Uint64 // when it was last heard of, by clients.clock
}

// An outer is a client's socket on the target's side: its address there.
type outer struct {
	conn  *net.UDPConn
	batch *ipv4.PacketConn
}

func dial(target *net.UDPAddr) (*outer, error) {
	conn, err := net.DialUDP("udp", nil, target)
	if err != nil {
		return nil, err
	}
	prepare(conn)
	return &outer{conn, ipv4.NewPacketConn(conn)}, nil
}

// clients are the clients of a proxy. Safe for concurrent use.
type clients struct {
	target *net.UDPAddr
	clock  atomic.Uint64

	mu      sync.Mutex
	byAddr  map[netip.AddrPort]*client
	evicted uint64
	closed  bool
}

func newClients(target *net.UDPAddr) *clients {
	return &clients{target: target, byAddr: map[netip.AddrPort]*client{}}
}

// touch notes that c was heard of.
func (cs *clients) touch(c *client) { c.used.Store(cs.clock.Add(1)) }

// get returns the client at addr, which may be new: then the caller starts its reader. It returns nil where
// there is no socket for it.
func (cs *clients) get(addr *net.UDPAddr) (c *client, fresh bool) {
	key := addr.AddrPort()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c := cs.byAddr[key]; c != nil {
		cs.touch(c)
		return c, false
	}
	if cs.closed {
		return nil, false
	}
	o, err := dial(cs.target)
	if err != nil {
		return nil, false
	}
	if len(cs.byAddr) == maxClients {
		cs.evict()
	}
	c = &client{key: key, addr: addr}
	c.out.Store(o)
	cs.touch(c)
	cs.byAddr[key] = c
	return c, true
}

// evict forgets the client that has been silent for longest. Called with mu held.
func (cs *clients) evict() {
	var oldest *client
	for _, c := range cs.byAddr {
		if oldest == nil || c.used.Load() < oldest.used.Load() {
			oldest = c
		}
	}
	cs.remove(oldest)
	cs.evicted++
}

// remove forgets c and closes its socket, which ends its reader. Called with mu held.
func (cs *clients) remove(c *client) {
	if cs.byAddr[c.key] == c {
		delete(cs.byAddr, c.key)
	}
	_ = c.out.Load().conn.Close()
}

// drop forgets c.
func (cs *clients) drop(c *client) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.remove(c)
}

// rebind gives each client a new socket. One for which there is none is forgotten, and gets one with its
// next packet.
func (cs *clients) rebind() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.byAddr {
		o, err := dial(cs.target) // before the old one closes, so that its port is another
		if err != nil {
			cs.remove(c)
			continue
		}
		_ = c.out.Swap(o).conn.Close()
	}
}

// close forgets all clients, for good.
func (cs *clients) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for _, c := range cs.byAddr {
		cs.remove(c)
	}
}

// count returns how many clients there are, and how many had to give way so far.
func (cs *clients) count() (now int, evicted uint64) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.byAddr), cs.evicted
}
