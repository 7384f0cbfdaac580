package impair

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
)

// Config says where a proxy stands and what its paths are like.
type Config struct {
	Listen string // host:port; port 0 takes a free one
	Target string // host:port
	Up     Path   // from clients to the target
	Down   Path   // from the target to clients
	Seed   uint64 // of all that is left to chance
}

func (cfg Config) validatePaths() error {
	if err := cfg.Up.Validate(); err != nil {
		return fmt.Errorf("up: %w", err)
	}
	if err := cfg.Down.Validate(); err != nil {
		return fmt.Errorf("down: %w", err)
	}
	return nil
}

// A Proxy passes packets between its clients and its target. All methods may be called from any goroutine.
type Proxy struct {
	front   *net.UDPConn
	batch   *ipv4.PacketConn // front
	addr    netip.AddrPort
	clients *clients
	up      *lane
	down    *lane
	readers sync.WaitGroup
}

// Headers of a datagram, which count at a path's rate.
const (
	overhead4 = 20 + 8
	overhead6 = 40 + 8
)

// New binds cfg.Listen. Until Run, what comes waits in the socket.
func New(cfg Config) (*Proxy, error) {
	if err := cfg.validatePaths(); err != nil {
		return nil, err
	}
	target, err := net.ResolveUDPAddr("udp", cfg.Target)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if target.Port == 0 || target.IP == nil {
		return nil, fmt.Errorf("target: want HOST:PORT, not %q", cfg.Target)
	}
	listen, err := net.ResolveUDPAddr("udp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	front, err := net.ListenUDP("udp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	prepare(front)
	if front.LocalAddr().String() == target.String() {
		_ = front.Close()
		return nil, fmt.Errorf("target: %s is where the proxy itself listens", target)
	}
	p := &Proxy{
		front: front, batch: ipv4.NewPacketConn(front), clients: newClients(target),
		addr: front.LocalAddr().(*net.UDPAddr).AddrPort(),
	}
	if err := p.lanes(cfg, overhead(listen.IP), overhead(target.IP)); err != nil {
		_ = front.Close()
		return nil, err
	}
	return p, nil
}

func overhead(ip net.IP) int {
	if ip != nil && ip.To4() == nil {
		return overhead6
	}
	return overhead4
}

// lanes makes the two lanes, which draw from different streams of the same seed.
func (p *Proxy) lanes(cfg Config, front, target int) (err error) {
	if p.up, err = newLane(newWire(cfg.Seed, 1, target, cfg.Up), sendUp); err != nil {
		return err
	}
	if p.down, err = newLane(newWire(cfg.Seed, 2, front, cfg.Down), p.sendDown); err != nil {
		p.up.alarm.close()
	}
	return err
}

// Run passes packets until ctx ends or the listening socket fails. It is called once, and closes what New opened.
func (p *Proxy) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, p.close)
	defer stop()
	var senders sync.WaitGroup
	senders.Go(p.up.run)
	senders.Go(p.down.run)
	err := p.readFront()
	p.close()
	p.readers.Wait()
	p.up.alarm.close()
	p.down.alarm.close()
	senders.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// discard closes what New opened, in place of Run.
func (p *Proxy) discard() {
	p.close()
	p.up.alarm.close()
	p.down.alarm.close()
}

func (p *Proxy) close() {
	_ = p.front.Close()
	p.clients.close()
}

// Addr returns where the proxy listens.
func (p *Proxy) Addr() netip.AddrPort { return p.addr }

// Set changes both paths for the packets that come from now on; what is in the air arrives as it would have.
// It panics where Validate would return an error.
func (p *Proxy) Set(up, down Path) {
	if err := errors.Join(up.Validate(), down.Validate()); err != nil {
		panic("impair: " + err.Error())
	}
	p.up.set(up)
	p.down.set(down)
}

// Paths returns the paths in force.
func (p *Proxy) Paths() (up, down Path) { return p.up.path(), p.down.path() }

// Rebind gives every client a new outer address, as a NAT does that forgot it. What the target still sends
// to the old one is lost, uncounted.
func (p *Proxy) Rebind() { p.clients.rebind() }

// Stats returns what happened so far.
func (p *Proxy) Stats() (up, down Stats) { return p.up.stats(), p.down.stats() }

// Clients returns how many clients there are, of 256 at most, and how many had to give way to others so far.
func (p *Proxy) Clients() (now int, evicted uint64) { return p.clients.count() }

func (p *Proxy) tell(r *LinkReport) { r.Clients, r.Evicted = p.Clients() }

// readFront takes what clients send, and starts a reader for each.
func (p *Proxy) readFront() error {
	var in inbox
	var out outbox
	defer in.free()
	for {
		list, err := in.read(p.batch)
		if err != nil {
			return fmt.Errorf("read from clients: %w", err)
		}
		for i, packet := range list {
			c, fresh := p.clients.get(in.from(i))
			if fresh {
				p.readers.Go(func() { p.readTarget(c) })
			}
			packet.client, packet.unfit = c, c == nil || !in.whole(i)
		}
		p.up.put(list, in.missed, &out)
	}
}

// readTarget takes what the target sends to c, through all of its sockets, until c is forgotten.
func (p *Proxy) readTarget(c *client) {
	var in inbox
	var out outbox
	defer in.free()
	for from := c.out.Load(); ; {
		list, err := in.read(from.batch)
		if isRefusal(err) {
			continue // nobody is there yet, or any more
		}
		if err != nil {
			if last := from; last != c.out.Load() {
				from = c.out.Load()
				in.move()
				continue
			}
			p.clients.drop(c)
			return
		}
		for i, packet := range list {
			packet.client, packet.unfit = c, !in.whole(i)
		}
		p.clients.touch(c)
		p.down.put(list, in.missed, &out)
	}
}

// sendUp sends packets to the target, those of one client after another's.
func sendUp(out *outbox, list []*packet) {
	for len(list) > 0 {
		c, n := list[0].client, 1
		for n < len(list) && list[n].client == c {
			n++
		}
		out.write(c.out.Load().batch, list[:n], false)
		list = list[n:]
	}
}

// sendDown sends packets to their clients.
func (p *Proxy) sendDown(out *outbox, list []*packet) { out.write(p.batch, list, true) }
