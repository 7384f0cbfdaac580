package impair

import (
	"errors"
	"net"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"
)

const (
	packetSize = 2048 // more than any path that is not a test's own machine carries
	batchSize  = 32   // datagrams read or written by one call
)

// A packet is one datagram, frame or piece of a TCP connection. One owner at a time has it: reader, lane, pool.
type packet struct {
	buf    [packetSize]byte
	n      int
	client *client // whose datagram it is
	unfit  bool    // it cannot be passed on: too large, or no socket for it
	draw   float64 // its luck in jitter
	sent   bool
	next   *packet // in the queue of a wire
}

var packets = sync.Pool{New: func() any { return new(packet) }}

func (p *packet) free() {
	p.client, p.next, p.sent, p.unfit = nil, nil, false, false
	packets.Put(p)
}

// An inbox reads datagrams by the batch. It belongs to one goroutine.
type inbox struct {
	messages [batchSize]ipv4.Message
	vectors  [batchSize][1][]byte
	packets  [batchSize]*packet
	control  [batchSize][controlSize]byte
	got      []*packet

	dropped uint32 // what the socket has dropped so far, by its own count
	missed  int    // what it dropped since the last batch
}

// read waits for datagrams and returns them; who calls owns the packets until the next call takes new ones.
func (b *inbox) read(conn *ipv4.PacketConn) ([]*packet, error) {
	for i := range b.packets {
		if b.packets[i] != nil {
			continue
		}
		p := packets.Get().(*packet)
		b.packets[i] = p
		b.vectors[i][0] = p.buf[:]
		b.messages[i].Buffers = b.vectors[i][:]
		b.messages[i].OOB = b.control[i][:]
	}
	n, err := conn.ReadBatch(b.messages[:], 0)
	if err != nil || n == 0 {
		return nil, err
	}
	b.got, b.missed = b.got[:0], 0
	if last := b.messages[n-1]; last.NN > 0 {
		dropped := drops(last.OOB[:last.NN])
		b.missed, b.dropped = int(dropped-b.dropped), dropped
	}
	for i := range n {
		p := b.packets[i]
		b.packets[i] = nil
		p.n = b.messages[i].N
		b.got = append(b.got, p)
	}
	return b.got, nil
}

// move says that the next batch comes from another socket.
func (b *inbox) move() { b.dropped = 0 }

// from returns who sent the i-th datagram of the last batch.
func (b *inbox) from(i int) *net.UDPAddr { return b.messages[i].Addr.(*net.UDPAddr) }

// whole tells whether the i-th datagram of the last batch fitted.
func (b *inbox) whole(i int) bool { return b.messages[i].Flags&truncated == 0 }

// free gives the packets back; the inbox is of no use then.
func (b *inbox) free() {
	for _, p := range b.packets {
		if p != nil {
			p.free()
		}
	}
}

// An outbox writes datagrams by the batch. It belongs to one goroutine.
type outbox struct {
	messages [batchSize]ipv4.Message
	vectors  [batchSize][1][]byte
	direct   [batchSize]*packet // room for a lane's put
	one      [1]*packet         // room for a switch's
}

// write sends list, of batchSize at most, and marks what the kernel took. With to, each goes to its client.
func (b *outbox) write(conn *ipv4.PacketConn, list []*packet, to bool) {
	for i, p := range list {
		b.vectors[i][0] = p.buf[:p.n]
		b.messages[i].Buffers = b.vectors[i][:]
		b.messages[i].Addr = nil
		if to {
			b.messages[i].Addr = p.client.addr
		}
	}
	refused := false
	for at := 0; at < len(list); {
		n, err := conn.WriteBatch(b.messages[at:len(list)], 0)
		for _, p := range list[at : at+max(n, 0)] {
			p.sent = true
		}
		at += max(n, 0)
		switch {
		case err == nil:
			refused = false
		case !refused && isRefusal(err):
			refused = true // of an earlier datagram, told by ICMP: this one has not been tried
		default:
			refused = false
			at++
		}
	}
	for i := range list {
		b.vectors[i][0], b.messages[i].Addr = nil, nil
	}
}

// socketBuffer is what a socket may hold: some 2,000 packets, 30 ms of a gigabit.
const socketBuffer = 4 << 20

// isRefusal tells of errors that ICMP brings about an earlier datagram: the socket is as good as before.
func isRefusal(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}
