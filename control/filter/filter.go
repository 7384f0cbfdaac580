// Package filter says who may come by where they come from: network addresses, countries, and the domains of email
// addresses. Pure.
package filter

import (
	"net/netip"
	"slices"
	"strings"
)

// A Filter is what an event asks of those who come. The zero Filter admits everybody.
type Filter struct {
	Addresses Addresses `json:"addresses"`
	Domains   Domains   `json:"domains"`
	Countries Countries `json:"countries"`
}

// Addresses are networks. Where Allow is not empty nobody else may come; Deny goes before it.
type Addresses struct {
	Allow []netip.Prefix `json:"allow"`
	Deny  []netip.Prefix `json:"deny"`
}

// Domains are those of email addresses, as Name returns them. Where Allow is not empty nobody else may come; Deny goes
// before it.
type Domains struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

// Countries are codes, as Country returns them. Where Allow is not empty nobody else may come; Deny goes before it.
type Countries struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

// From is where somebody comes from. An address that is not valid is not known, and neither is an empty country: what is
// not known is in no list.
type From struct {
	Address netip.Addr
	Country string
}

// Admits says whether somebody from somewhere, with an email address, may come. An empty email is not looked at: whoever
// asks for none knows none.
func (f Filter) Admits(from From, email string) bool {
	return f.Addresses.admits(from.Address) && f.Countries.admits(from.Country) && (email == "" || f.Domains.admits(email))
}

func (c Countries) admits(country string) bool {
	return !slices.Contains(c.Deny, country) && (len(c.Allow) == 0 || slices.Contains(c.Allow, country))
}

func (a Addresses) admits(from netip.Addr) bool {
	from = from.Unmap().WithZone("")
	in := func(p netip.Prefix) bool { return p.Contains(from) }
	return !slices.ContainsFunc(a.Deny, in) && (len(a.Allow) == 0 || slices.ContainsFunc(a.Allow, in))
}

func (d Domains) admits(email string) bool {
	domain := strings.ToLower(email[strings.LastIndexByte(email, '@')+1:])
	in := func(name string) bool { return Matches(name, domain) }
	return !slices.ContainsFunc(d.Deny, in) && (len(d.Allow) == 0 || slices.ContainsFunc(d.Allow, in))
}

// Network reads an address or a network in CIDR form ("192.0.2.0/24"), and returns it without the bits of a host.
func Network(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), a.Zone() == ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, false // neither of IPv4 nor of IPv6
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
