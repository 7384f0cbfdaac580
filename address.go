package main

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"freshet/cluster/ops"
	"freshet/cluster/relay"
)

// reachable returns the addresses at which others reach what is bound to ip: those given, else ip itself,
// else, where ip stands for all addresses, those of the machine.
func reachable(ip net.IP, given []netip.Addr) ([]netip.Addr, error) {
	if len(given) > 0 {
		return given, nil
	}
	if a, ok := netip.AddrFromSlice(ip); ok && !a.IsUnspecified() {
		return []netip.Addr{a.Unmap()}, nil
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, o := range own {
		n, ok := o.(*net.IPNet)
		if !ok {
			continue
		}
		if a, ok := netip.AddrFromSlice(n.IP); ok && a.Unmap().IsGlobalUnicast() {
			given = append(given, a.Unmap())
		}
	}
	if len(given) == 0 { // a machine without a network serves itself
		given = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return given, nil
}

// baseURL returns the URL of s, at the first of the addresses given or where it listens.
func baseURL(s *ops.HTTP, given []netip.Addr) (string, error) {
	bound := s.Addr().(*net.TCPAddr)
	at, err := reachable(bound.IP, given)
	if err != nil {
		return "", err
	}
	return "http://" + net.JoinHostPort(at[0].String(), strconv.Itoa(bound.Port)), nil
}

// upstreams parses NODE=HOST:PORT, best first.
func upstreams(list []string) ([]relay.Upstream, error) {
	var all []relay.Upstream
	for _, u := range list {
		node, addr, ok := strings.Cut(u, "=")
		if !ok || node == "" {
			return nil, badConfig("upstream", "want NODE=HOST:PORT, not %q", u)
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return nil, badConfig("upstream", "%s: %w", node, err)
		}
		all = append(all, relay.Upstream{Node: node, Addr: addr})
	}
	return all, nil
}
