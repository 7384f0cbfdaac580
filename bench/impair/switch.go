package impair

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// maxPorts bounds a switch: each port has a goroutine and a timer for each other one.
const maxPorts = 32

// A Switch passes Ethernet frames between its ports, over a Path of its own from each port to each other. It learns
// where addresses are; a frame for a group, or for an address not seen yet, goes to all ports but its own. It
// passes whatever frames carry: ARP, IPv4, IPv6. It neither ages what it learnt nor knows VLANs or spanning trees.
//
// A Path means what it means for datagrams. Rate counts what is behind a frame's Ethernet header, so that an IP
// packet weighs as much as at a Proxy. All methods may be called from any goroutine.
type Switch struct {
	ports []io.ReadWriteCloser
	lanes [][]*lane // from, to; nil from a port to itself
	table table
	odd   atomic.Uint64
}

// NewSwitch takes ports, 2 to 32 of them, each a TAP device or what else reads and writes a frame at a time; a Close
// must end its Read. The path is that between each two, either way. The switch owns the ports if there is no error.
func NewSwitch(ports []io.ReadWriteCloser, path Path, seed uint64) (*Switch, error) {
	if len(ports) < 2 || len(ports) > maxPorts {
		return nil, fmt.Errorf("want 2 to %d ports, not %d", maxPorts, len(ports))
	}
	if err := path.Validate(); err != nil {
		return nil, err
	}
	s := &Switch{ports: ports, table: table{ports: map[mac]int{}}}
	for from := range ports {
		row := make([]*lane, len(ports))
		s.lanes = append(s.lanes, row)
		for to, port := range ports {
			if to == from {
				continue
			}
			stream := uint64(from*maxPorts + to)
			l, err := newLane(newWire(seed, stream, -etherHeader, path), sendTo(port))
			if err != nil {
				s.closeAlarms()
				return nil, fmt.Errorf("port %d to %d: %w", from, to, err)
			}
			row[to] = l
		}
	}
	return s, nil
}

// sendTo returns how a lane sends to port.
func sendTo(port io.Writer) func(*outbox, []*packet) {
	return func(_ *outbox, list []*packet) {
		for _, p := range list {
			_, err := port.Write(p.buf[:p.n])
			p.sent = err == nil // a device that is down takes nothing
		}
	}
}

// Run passes frames until ctx ends or a port fails. It is called once, and closes the ports.
func (s *Switch) Run(ctx context.Context) error {
	var senders sync.WaitGroup
	s.each(func(l *lane) { senders.Go(l.run) })
	readers, inner := errgroup.WithContext(ctx)
	stop := context.AfterFunc(inner, s.closePorts)
	defer stop()
	for from := range s.ports {
		readers.Go(func() error { return s.read(from) })
	}
	err := readers.Wait()
	s.closePorts() // that which failed, too
	s.closeAlarms()
	senders.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *Switch) each(f func(*lane)) {
	for _, row := range s.lanes {
		for _, l := range row {
			if l != nil {
				f(l)
			}
		}
	}
}

func (s *Switch) closeAlarms() { s.each(func(l *lane) { l.alarm.close() }) }

func (s *Switch) closePorts() {
	for _, p := range s.ports {
		_ = p.Close()
	}
}

// read takes frames from a port, until it fails or is closed.
func (s *Switch) read(from int) error {
	var out outbox
	for {
		p := packets.Get().(*packet)
		n, err := s.ports[from].Read(p.buf[:])
		if err != nil {
			p.free()
			return fmt.Errorf("port %d: %w", from, err)
		}
		p.n = n
		s.pass(from, p, &out)
	}
}

// pass puts p on its lane, or a copy on each where nobody knows which. It owns p from then on.
func (s *Switch) pass(from int, p *packet, out *outbox) {
	if p.n < etherHeader || p.n == packetSize { // what fills the buffer may have been longer
		s.odd.Add(1)
		p.free()
		return
	}
	to, known := s.table.route(p.buf[:p.n], from)
	if known {
		if to == from {
			p.free() // its receiver has had it already
			return
		}
		s.put(s.lanes[from][to], p, out)
		return
	}
	for _, l := range s.lanes[from] {
		if l == nil {
			continue
		}
		each := packets.Get().(*packet)
		each.n = copy(each.buf[:], p.buf[:p.n])
		s.put(l, each, out)
	}
	p.free()
}

func (s *Switch) put(l *lane, p *packet, out *outbox) {
	out.one[0] = p
	l.put(out.one[:], 0, out)
}

// Set changes the path from one port to another for the frames that come from now on; what is in the air arrives
// as it would have. It panics where Validate would return an error, and where there is no such pair.
func (s *Switch) Set(from, to int, path Path) {
	if err := path.Validate(); err != nil {
		panic("impair: " + err.Error())
	}
	s.lanes[from][to].set(path)
}

// Path returns the path in force from one port to another.
func (s *Switch) Path(from, to int) Path { return s.lanes[from][to].path() }

// Stats returns what happened so far from one port to another; bytes are those of frames. A flooded frame is one on
// each path.
func (s *Switch) Stats(from, to int) Stats { return s.lanes[from][to].stats() }

// Odd returns how many frames were dropped for their size, under 14 or over 2,047 bytes, and how many came from
// an address for which the table had no room: frames to it go everywhere.
func (s *Switch) Odd() (frames, unlearned uint64) { return s.odd.Load(), s.table.left() }
