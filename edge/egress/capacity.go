package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"freshet/edge/admit"
)

// What a packet costs in a shard's loop beside sealing and sending, and how much of a loop's time may be planned for.
const (
	// loopCost is the cost of a packet in the loop as a multiple of sealing and sending it: numbers and timestamps,
	// reports, retransmission, feedback and checks. The egress bench holds a shard to it.
	loopCost = 1.4
	// loopShare leaves a fifth of each core to what comes on top: key frames, viewers who catch up, handshakes,
	// the relay, and neighbours on the machine.
	loopShare = 0.8
)

const (
	probeViewers = 512 // each with keys and a number of its own: more cost a few hundredths more ...
	probeSinks   = 64  // ... and share sockets
	sinkBuffer   = 4 << 10
	probeTicks   = 15 // of 150 a second
)

// A Measurement is what sealing and sending one packet costs on this machine: CPU of one core, over loopback, in
// the shape of the typical load and with nothing around it. Loopback charges the sender for the receiver's part in
// the kernel, a network card for its driver; how fast the card is cannot be known from here.
type Measurement struct {
	Cost        time.Duration // the median of the samples
	Least, Most time.Duration
	Samples     int
	Took        time.Duration
	Segmented   bool // the kernel cuts messages into packets
}

// Capacity returns what loops shards can send on so many cores, headroom left out.
func (m Measurement) Capacity(loops, cores int) admit.Rate {
	perCore := loopShare / (loopCost * m.Cost.Seconds())
	return admit.Rate{Packets: int64(perCore * float64(min(loops, cores)))}
}

// Measure finds out what a packet costs, in about the time given, of which it keeps one core busy. CPU time counts,
// where the system tells it, so that waiting for a core is no cost; a neighbour on the other half of the core is, and
// would be to the shards too.
func Measure(ctx context.Context, within time.Duration) (Measurement, error) {
	began := time.Now()
	p, err := newProbe()
	if err != nil {
		return Measurement{}, fmt.Errorf("measure capacity: %w", err)
	}
	defer p.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.run() // fills the sinks and warms the caches
	var samples []time.Duration
	for len(samples) == 0 || time.Since(began) < within && ctx.Err() == nil {
		from := threadTime()
		n := p.run()
		samples = append(samples, (threadTime()-from)/time.Duration(n))
	}
	if c := p.batch.count; c.dropped > c.packets/100 {
		return Measurement{}, fmt.Errorf("measure capacity: the kernel took only %d of %d packets", c.packets-c.dropped, c.packets)
	}
	slices.Sort(samples)
	m := Measurement{
		Cost: samples[len(samples)/2], Least: samples[0], Most: samples[len(samples)-1],
		Samples: len(samples), Took: time.Since(began), Segmented: p.socket.gso,
	}
	if m.Cost <= 0 {
		return Measurement{}, errors.New("measure capacity: the clock stands still")
	}
	return m, nil
}

// A probe seals and sends as a shard does, to sockets that nobody reads.
type probe struct {
	socket  *socket
	batch   *batch
	sinks   []*net.UDPConn
	viewers []probeViewer
	number  int64
	frames  int
}

type probeViewer struct {
	to   endpoint
	seal *sealer
}

func newProbe() (*probe, error) {
	loopback := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	s, err := openSocket(loopback)
	if err != nil {
		return nil, err
	}
	p := &probe{socket: s, batch: newBatch(s)}
	for range probeSinks {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback))
		if err != nil {
			p.close()
			return nil, err
		}
		p.sinks = append(p.sinks, c)
		// Full after a few packets: from then on the kernel routes, looks up and drops.
		if err := c.SetReadBuffer(sinkBuffer); err != nil {
			p.close()
			return nil, err
		}
	}
	for i := range probeViewers {
		v := probeViewer{to: s.endpoint(p.sinks[i%probeSinks].LocalAddr().(*net.UDPAddr).AddrPort())}
		var key [16]byte // protects nothing
		var salt [12]byte
		binary.BigEndian.PutUint32(key[:], uint32(i))
		if v.seal, err = newGCM(key[:], salt[:], key[:], salt[:]); err != nil {
			p.close()
			return nil, err
		}
		p.viewers = append(p.viewers, v)
	}
	return p, nil
}

func (p *probe) close() {
	for _, c := range p.sinks {
		_ = c.Close() // nothing was read
	}
	_ = p.socket.close()
}

// run sends a tenth of a second of the typical load to every viewer, and returns how many packets that were.
func (p *probe) run() (packets int) {
	const header = 12
	var head [header]byte
	var video [1150 - header - gcmTag]byte
	var audio [120 - header - gcmTag]byte
	head[0] = 0x80
	for tick := range probeTicks {
		if tick%3 == 0 {
			packets += p.fan(1, head[:], audio[:])
		}
		if tick%5 == 0 {
			packets += p.fan(3+p.frames%2, head[:], video[:])
			p.frames++
		}
	}
	return packets
}

// fan sends n packets to each viewer.
func (p *probe) fan(n int, head, body []byte) (packets int) {
	for i := range p.viewers {
		v := &p.viewers[i]
		for range n {
			p.number++
			room := p.batch.room(len(head) + len(body) + maxExpansion)
			p.batch.add(&v.to, v.seal.seal(room, head, body, &numbers{ssrc: 1, n: p.number, ts: uint32(p.number)}))
		}
	}
	p.batch.flush()
	return n * len(p.viewers)
}
