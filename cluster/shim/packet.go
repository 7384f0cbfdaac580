package shim

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
)

// WriteMsgUDP sends b to addr, as net.UDPConn does, behind a header if the peer speaks the repair layer. Where
// oob has UDP_SEGMENT b is a batch, each packet of which gets a header, and still takes one system call.
// Acknowledgements may leave some milliseconds later.
func (c *Conn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	if addr == nil || len(b) == 0 {
		return c.u.WriteMsgUDP(b, oob, addr) // its error, or nothing worth a number
	}
	if err := c.write(b, oob, addr, c.now()); err != nil {
		return 0, 0, err
	}
	return len(b), len(oob), nil
}

func (c *Conn) write(b, oob []byte, addr *net.UDPAddr, now int64) error {
	key := keyOf(addr)
	p := c.table.find(key)
	if p == nil {
		p = c.open(key, addr.Zone, standUnproven, now)
	}
	return p.write(b, oob, now)
}

// WriteTo is WriteMsgUDP without control messages.
func (c *Conn) WriteTo(b []byte, addr net.Addr) (int, error) {
	u, ok := addr.(*net.UDPAddr)
	if !ok {
		return c.u.WriteTo(b, addr) // its error
	}
	n, _, err := c.WriteMsgUDP(b, nil, u)
	return n, err
}

// ReadBatch waits for QUIC packets and fills ms with them, only the first buffer of each. A packet's header
// goes to memory of the layer's own, so that nothing is copied, unless packets of the layer itself came before
// it in the batch. The buffers stay in their places.
func (c *Conn) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	if len(ms) == 0 {
		return 0, nil
	}
	c.readMu.Lock()
	defer c.readMu.Unlock()
	for {
		n, err := c.reader.read(ms, flags)
		if err != nil {
			return 0, err
		}
		now := c.now()
		out := 0
		for i := range n {
			m := c.reader.packet(i)
			size, from := c.take(&m, ms[i].Buffers[0], now)
			if size == 0 {
				continue
			}
			to := &ms[out]
			if out != i {
				copy(to.Buffers[0], ms[i].Buffers[0][:size])
				copy(to.OOB, ms[i].OOB[:m.oob])
			}
			to.N, to.NN, to.Flags, to.Addr = size, m.oob, m.flags, from
			out++
		}
		c.ask(now)
		if out > 0 {
			return out, nil
		}
	}
}

// ask sends the NACKs that the packets of a batch led to.
func (c *Conn) ask(now int64) {
	for _, p := range c.asking {
		p.asks = false
		p.wake(p.ask(now), now)
	}
	c.asking = c.asking[:0]
}

// take handles one packet, of which buf has what does not fit into m.head. It returns how much of buf goes up
// to QUIC, and who sent it.
func (c *Conn) take(m *arrival, buf []byte, now int64) (size int, from *net.UDPAddr) {
	if m.n == 0 {
		c.drop(dropLength)
		return 0, nil
	}
	if m.n > headerLen+len(buf) {
		c.drop(dropLong)
		return 0, nil
	}
	p := c.table.find(m.from)
	if m.head[0] >= firstPlain {
		if m.n > len(buf) {
			c.drop(dropLong)
			return 0, nil
		}
		if m.n > headerLen {
			copy(buf[headerLen:], buf[:m.n-headerLen])
		}
		copy(buf, m.head[:min(m.n, headerLen)])
		if p == nil {
			c.table.lobby.plain(m.from, m.n, now)
			return m.n, m.addr()
		}
		p.plain(m.n, now)
		return m.n, p.udp
	}
	h, why := parseHeader(m.head[:], m.n)
	if why != dropNot {
		c.drop(why)
		return 0, nil
	}
	b := buf[:m.n-headerLen]
	if p != nil {
		if !p.input(h, b, m.n, now) {
			return 0, nil
		}
		return len(b), p.udp
	}
	if h.kind != kindData && h.kind != kindResent {
		c.drop(dropNoState)
		return 0, nil
	}
	c.table.lobby.numbered(m.from, h, m.n, now)
	return len(b), m.addr()
}

// ReadMsgUDP reads one QUIC packet, as net.UDPConn does.
func (c *Conn) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	ms := []ipv4.Message{{Buffers: [][]byte{b}, OOB: oob}}
	if _, err := c.ReadBatch(ms, 0); err != nil {
		return 0, 0, 0, nil, err
	}
	return ms[0].N, ms[0].NN, ms[0].Flags, ms[0].Addr.(*net.UDPAddr), nil
}

// ReadFrom reads one QUIC packet.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, _, addr, err := c.ReadMsgUDP(b, nil)
	if err != nil {
		return 0, nil, err
	}
	return n, addr, nil
}

// An arrival is a packet as it came from the socket: its first bytes, how long it is in all, and from where.
type arrival struct {
	head  *[headerLen]byte
	n     int // bytes of the packet; more than the buffers hold if it was cut
	oob   int // bytes of control messages
	flags int
	from  netip.AddrPort
	zone  string
}

// addr is the sender's address for QUIC, where there is no peer that has it.
func (m *arrival) addr() *net.UDPAddr {
	return &net.UDPAddr{IP: m.from.Addr().AsSlice(), Port: int(m.from.Port()), Zone: m.zone}
}
