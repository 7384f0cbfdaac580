// Package geotest has cities of six continents, and makes databases of them for tests: addresses that were set aside for
// benchmarks (RFC 2544, RFC 5180), a network a city.
package geotest

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"freshet/control/geo"
)

// A City is where viewers of tests live.
type City struct {
	Name, FR string // FR is empty where it is the same in French
	Country  string
	At       geo.Point
}

// IPv4 and IPv6 are addresses of city i.
func IPv4(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, byte(i), 7}) }
func IPv6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x00, 0x02, 6: 0, 7: byte(i), 15: 7})
}

// Write writes a database of Cities into dir, and returns its path.
func Write(t testing.TB, dir string) string {
	t.Helper()
	return write(t, dir, "GeoLite2-City", func(c City) mmdbtype.Map {
		names := mmdbtype.Map{"en": mmdbtype.String(c.Name), "fr": mmdbtype.String(c.Name)}
		if c.FR != "" {
			names["fr"] = mmdbtype.String(c.FR)
		}
		return mmdbtype.Map{
			"country":      mmdbtype.Map{"iso_code": mmdbtype.String(c.Country)},
			"city":         mmdbtype.Map{"names": names},
			"subdivisions": mmdbtype.Slice{mmdbtype.Map{"iso_code": mmdbtype.String("R1")}},
			"location": mmdbtype.Map{
				"latitude": mmdbtype.Float64(c.At.Lat), "longitude": mmdbtype.Float64(c.At.Lon), "accuracy_radius": mmdbtype.Uint16(20),
			},
		}
	})
}

// WriteCountries writes one that has the countries of Cities alone.
func WriteCountries(t testing.TB, dir string) string {
	t.Helper()
	return write(t, dir, "GeoLite2-Country", func(c City) mmdbtype.Map {
		return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(c.Country)}}
	})
}

func write(t testing.TB, dir, kind string, of func(City) mmdbtype.Map) string {
	t.Helper()
	// Documentation has entries, too: whoever looks up is to know that they are nowhere.
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	put := func(network string, c City) {
		_, n, err := net.ParseCIDR(network)
		if err == nil {
			err = w.Insert(n, of(c))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range Cities {
		put(netip.PrefixFrom(IPv4(i), 24).Masked().String(), c)
		put(netip.PrefixFrom(IPv6(i), 64).Masked().String(), c)
	}
	for _, network := range []string{"192.0.2.0/24", "10.0.0.0/8", "127.0.0.0/8", "100.64.0.0/10", "2001:db8::/32", "fd00::/8"} {
		put(network, Cities[0])
	}
	file := filepath.Join(dir, kind+".mmdb")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.WriteTo(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}
