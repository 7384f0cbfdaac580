package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// remote is where a request comes from: where a proxy stands before us, the last address that X-Forwarded-For names,
// which is the proxy's own word. What stands before that the caller may have made up. Where it is known which addresses
// proxies have, these are passed over, and nobody else is believed.
func (g *guard) remote(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := address(host)
	if !g.proxied && len(g.trusted) == 0 {
		return at
	}
	told := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if len(g.trusted) == 0 {
		if last := told[len(told)-1]; last != "" {
			return address(last)
		}
		return at
	}
	for _, before := range slices.Backward(told) {
		if before == "" || !g.trusts(at) {
			break
		}
		at = address(before)
	}
	return at
}

func (g *guard) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(g.trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// address is what is written in s, not valid where that is none.
func address(s string) netip.Addr {
	a, _ := netip.ParseAddr(strings.TrimSpace(s))
	return a.Unmap().WithZone("")
}
