package member

import (
	"context"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
	"golang.org/x/sync/errgroup"
)

const (
	rejoinEvery = 5 * time.Second        // seeds and peers that are not alive
	lookEvery   = 500 * time.Millisecond // for somebody half known, or for anybody while nobody is alive
	halfWait    = 500 * time.Millisecond // for the other half to come by gossip
	rejoinMost  = 8                      // addresses a time, by chance: each costs the other end an exchange
	rejoinOnce  = 4                      // of them at once
	rejoinRest  = 30 * time.Second       // after an address that answered and did not become alive: it goes by another
	resolveWait = 2 * time.Second
)

// A sighting is how one node's newest process does.
type sighting struct {
	status Status
	addr   string
}

// rejoin asks seeds and last-known peers that are not alive, for ever: gossip itself gives up those it holds for dead, and so
// never heals a mesh that was cut in two for long. And it asks who is half known.
func (m *Member) rejoin(ctx context.Context, list *memberlist.Memberlist) {
	rest := map[string]time.Time{} // addresses that were asked, and until when they have rest
	var due time.Time
	for {
		now := m.now()
		seen, alive := m.table.seen()
		m.peers.update(seen, now)
		todo := m.table.half(now)
		if alone := len(alive) <= 1; alone || !now.Before(due) {
			due = now.Add(rejoinEvery)
			m.keepPeers()
			for _, addr := range m.candidates(ctx) {
				if alone {
					delete(rest, addr)
				}
				if !alive[addr] && addr != m.Addr() {
					todo = append(todo, addr)
				}
			}
		}
		maps.DeleteFunc(rest, func(_ string, until time.Time) bool { return now.After(until) })
		todo = slices.DeleteFunc(todo, func(addr string) bool { _, resting := rest[addr]; return resting })
		m.ask(ctx, list, todo, rest)
		if !sleep(ctx, lookEvery) {
			seen, _ = m.table.seen()
			m.peers.update(seen, m.now())
			m.keepPeers()
			return
		}
	}
}

func (m *Member) keepPeers() {
	if err := m.peers.save(m.boot.started); err != nil {
		m.m.peerErrors.Inc()
		m.log.Error("list of peers not kept on disk", "err", err)
	}
}

// candidates returns the addresses of all seeds and peers.
func (m *Member) candidates(ctx context.Context) []string {
	set := map[string]bool{}
	for _, seed := range m.cfg.Seeds {
		for _, addr := range resolve(ctx, seed) {
			set[addr] = true
		}
	}
	for _, p := range m.peers.known {
		set[p.addr] = true
	}
	out := make([]string, 0, len(set))
	for addr := range set {
		out = append(out, addr)
	}
	return out
}

// ask exchanges states with some of addrs, and gives them rest.
func (m *Member) ask(ctx context.Context, list *memberlist.Memberlist, addrs []string, rest map[string]time.Time) {
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	addrs = addrs[:min(len(addrs), rejoinMost)]
	answered := make([]bool, len(addrs))
	var g errgroup.Group
	g.SetLimit(rejoinOnce)
	for i, addr := range addrs {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			n, err := list.Join([]string{addr})
			answered[i] = n > 0
			if err != nil {
				m.log.Debug("no answer from a peer", "remote", addr, "err", err)
			}
			return nil
		})
	}
	_ = g.Wait() // none fails
	for i, addr := range addrs {
		if answered[i] {
			rest[addr] = m.now().Add(rejoinRest)
			m.m.rejoins.WithLabelValues("done").Inc()
		} else {
			rest[addr] = m.now().Add(rejoinEvery - lookEvery)
			m.m.rejoins.WithLabelValues("failed").Inc()
		}
	}
}

// resolve returns the addresses of a seed, none where its name is not known now.
func resolve(ctx context.Context, seed string) []string {
	host, port, err := net.SplitHostPort(seed)
	if err != nil {
		return nil // New has checked it
	}
	ctx, cancel := context.WithTimeout(ctx, resolveWait)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil
	}
	var out []string
	for _, ip := range ips {
		out = append(out, netip.AddrPortFrom(ip.Unmap(), uint16(n)).String())
	}
	return out
}

// half returns the addresses of those that are half known: members of which nothing is held, and nodes that speak but are no
// members. Gossip has missed one half, an exchange with them brings it; or else there is nothing that counts here.
func (t *table) half(now time.Time) (addrs []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, p := range t.members {
		if node, id, ok := parseMember(name); ok && p.status == Alive && now.Sub(p.since) >= halfWait {
			if h := t.nodes[node]; h == nil || h.parts[0] == nil || h.boot.id != id && h.heard.Before(p.since) {
				addrs = append(addrs, p.addr)
			}
		}
	}
	for node, h := range t.nodes {
		if t.members[memberName(node, h.boot.id)] != nil || h.parts[0] == nil || h.parts[0].state.Leaving || now.Sub(h.heard) > rejoinEvery {
			continue
		}
		if at, err := netip.ParseAddrPort(h.parts[0].state.Addresses.GetGossip()); err == nil {
			addrs = append(addrs, at.String())
		}
	}
	return addrs
}

// seen returns how each other node does, and the addresses of all processes that are alive.
func (t *table) seen() (nodes map[string]sighting, alive map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	nodes, alive = map[string]sighting{}, map[string]bool{}
	for name, p := range t.members {
		node, id, ok := parseMember(name)
		if !ok {
			continue
		}
		if p.status == Alive || p.status == Suspect {
			alive[p.addr] = true
		}
		h := t.nodes[node]
		if node == t.self || h == nil || h.boot.id != id {
			continue // a process that was replaced, or one that has proved nothing
		}
		status := p.status
		if h.parts[0] != nil && h.parts[0].state.Leaving {
			status = Left
		}
		nodes[node] = sighting{status, p.addr}
	}
	return nodes, alive
}
