package filter

import (
	"net/netip"
	"strings"
	"testing"
)

func networks(t *testing.T, all ...string) (kept []netip.Prefix) {
	t.Helper()
	for _, s := range all {
		p, ok := Network(s)
		if !ok {
			t.Fatalf("%s is no network", s)
		}
		kept = append(kept, p)
	}
	return kept
}

func TestAdmits(t *testing.T) {
	office := Addresses{Allow: networks(t, "192.0.2.0/24", "2001:db8::/32"), Deny: networks(t, "192.0.2.66")}
	north := Countries{Allow: []string{"CA", "US"}}
	staff := Domains{Allow: []string{"example.org", "*.example.org"}, Deny: []string{"guest.example.org"}}
	for _, c := range []struct {
		name        string
		filter      Filter
		from, email string
		want        bool
	}{
		{"nothing is asked", Filter{}, "203.0.113.1", "a@b.example", true},
		{"nothing is asked, and nothing known", Filter{}, "", "", true},
		{"of the network", Filter{Addresses: office}, "192.0.2.7", "", true},
		{"of the network, written as IPv6", Filter{Addresses: office}, "::ffff:192.0.2.7", "", true},
		{"of the network of IPv6, with a zone", Filter{Addresses: office}, "2001:db8::7%eth0", "", true},
		{"denied within it", Filter{Addresses: office}, "192.0.2.66", "", false},
		{"denied within it, written as IPv6", Filter{Addresses: office}, "::ffff:192.0.2.66", "", false},
		{"of another network", Filter{Addresses: office}, "198.51.100.1", "", false},
		{"of an unknown one", Filter{Addresses: office}, "", "", false},
		{"of an unknown one, where some are denied", Filter{Addresses: Addresses{Deny: office.Deny}}, "", "", true},
		{"not among the denied", Filter{Addresses: Addresses{Deny: office.Deny}}, "192.0.2.67", "", true},
		{"of the domain", Filter{Domains: staff}, "203.0.113.1", "ana@EXAMPLE.org", true},
		{"of one below it", Filter{Domains: staff}, "203.0.113.1", "ana@ca.example.org", true},
		{"of a denied one", Filter{Domains: staff}, "203.0.113.1", "ana@guest.example.org", false},
		{"of one that ends alike", Filter{Domains: staff}, "203.0.113.1", "ana@badexample.org", false},
		{"of one that begins alike", Filter{Domains: staff}, "203.0.113.1", "ana@example.org.evil.example", false},
		{"a name like an address", Filter{Domains: staff}, "203.0.113.1", `"x@example.org"@evil.example`, false},
		{"no email was asked for", Filter{Domains: staff}, "203.0.113.1", "", true},
		{"of the country", Filter{Countries: north}, "198.51.100.1 CA", "", true},
		{"of another", Filter{Countries: north}, "198.51.100.1 FR", "", false},
		{"of no country that is known", Filter{Countries: north}, "198.51.100.1", "", false},
		{"of a denied one", Filter{Countries: Countries{Deny: []string{"CA"}}}, "198.51.100.1 CA", "", false},
		{"of one that is not denied", Filter{Countries: Countries{Deny: []string{"CA"}}}, "198.51.100.1 FR", "", true},
		{"of none that is known, where some are denied", Filter{Countries: Countries{Deny: []string{"CA"}}}, "198.51.100.1", "", true},
		{"of one that is both", Filter{Countries: Countries{Allow: []string{"CA"}, Deny: []string{"CA"}}}, "198.51.100.1 CA", "", false},
		{"of the country, and not of the network", Filter{Addresses: office, Countries: north}, "198.51.100.1 CA", "", false},
		{"both are asked", Filter{Addresses: office, Domains: staff}, "198.51.100.1", "ana@example.org", false},
	} {
		address, country, _ := strings.Cut(c.from, " ")
		from := From{Country: country}
		from.Address, _ = netip.ParseAddr(address)
		if got := c.filter.Admits(from, c.email); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for s, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "192.0.2.7/24": "192.0.2.0/24", "2001:DB8::1/32": "2001:db8::/32", "0.0.0.0/0": "0.0.0.0/0",
		"::ffff:192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7/120": "192.0.2.0/24",
	} {
		if p, ok := Network(s); !ok || p.String() != want {
			t.Errorf("%s: %v %v, want %s", s, p, ok, want)
		}
	}
	for _, s := range []string{"", "192.0.2.0/33", "192.0.2", "fe80::1%eth0", "example.org", "::ffff:192.0.2.0/64", "192.0.2.0/24 "} {
		if p, ok := Network(s); ok {
			t.Errorf("%q became %v", s, p)
		}
	}
}

func TestName(t *testing.T) {
	for s, want := range map[string]string{
		" Example.ORG ": "example.org", "*.Example.org": "*.example.org", "bücher.example": "xn--bcher-kva.example",
		"localhost": "localhost", "a-b.c1": "a-b.c1", "192.0.2.1": "192.0.2.1",
	} {
		if got, ok := Name(s); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"", "*", "*.", "**.example.org", "a.*.example", ".example.org", "example.org.", "a..b", "-a.example", "a_b.example", "a b.example",
		"example.org;script-src *", "example.org 'unsafe-inline'", "https://example.org", "example.org/path", "user@example.org",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 130) + "example", "[::1]", "\xb7", "exa\u202emple.org",
	} {
		if got, ok := Name(s); ok {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// A name that is taken is taken again as it is, and stands for nothing that could end it in a header.
func FuzzName(f *testing.F) {
	f.Add("*.Example.org")
	f.Add("bücher.example")
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := Name(s)
		if !ok {
			return
		}
		if again, ok := Name(name); !ok || again != name || strings.ContainsAny(name, " ;,'\"\r\n\t") {
			t.Fatalf("%q became %q, and that %q", s, name, again)
		}
	})
}

func TestCountry(t *testing.T) {
	for s, want := range map[string]string{"CA": "CA", " fr ": "FR", "gb": "GB", "XK": "XK", "re": "RE", "uk": "GB"} {
		if got, ok := Country(s); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "C", "CAN", "Canada", "ZZ", "EU", "124", "C1", "é", "CA,FR"} {
		if got, ok := Country(s); ok {
			t.Errorf("%q became %q", s, got)
		}
	}
}
