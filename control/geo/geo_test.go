package geo_test

import (
	"context"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"freshet/control/geo"
	"freshet/control/geo/geotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, file string) (*geo.Places, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	p, err := geo.Open(file, geo.Deps{Log: slog.New(slog.DiscardHandler), Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	return p, reg
}

func TestLookup(t *testing.T) {
	p, _ := open(t, geotest.Write(t, t.TempDir()))
	for i, c := range geotest.Cities {
		fr := c.FR
		if fr == "" {
			fr = c.Name
		}
		mapped := netip.AddrFrom16(geotest.IPv4(i).As16())
		for _, a := range []netip.Addr{geotest.IPv4(i), geotest.IPv6(i), mapped} {
			got, ok := p.Lookup(a)
			if !ok || got.Country != c.Country || got.City.EN != c.Name || got.City.FR != fr || got.Region != "R1" || got.Radius != 20 ||
				got.Point == nil || *got.Point != c.At {
				t.Errorf("%s, %s: %+v %v", c.Name, a, got, ok)
			}
		}
	}
}

// Addresses that are nowhere in particular are unknown, also where the database has something of them.
func TestUnknown(t *testing.T) {
	for name, file := range map[string]string{"with a database": geotest.Write(t, t.TempDir()), "without one": ""} {
		p, _ := open(t, file)
		for _, s := range []string{
			"10.1.2.3", "192.168.1.1", "127.0.0.1", "::1", "100.64.1.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1",
			"fd00::1", "fe80::1%eth0", "169.254.1.1", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "::ffff:10.0.0.1", "198.19.0.1", "2a00::1",
		} {
			if got, ok := p.Lookup(netip.MustParseAddr(s)); ok {
				t.Errorf("%s, %s: %+v", name, s, got)
			}
		}
		if got, ok := p.Lookup(netip.Addr{}); ok {
			t.Errorf("%s, no address: %+v", name, got)
		}
	}
}

func TestCountries(t *testing.T) {
	p, _ := open(t, geotest.WriteCountries(t, t.TempDir()))
	if got, ok := p.Lookup(geotest.IPv4(0)); !ok || got.Country != "CA" || got.Point != nil || got.City.EN != "" {
		t.Errorf("%+v %v", got, ok)
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	good, err := os.ReadFile(geotest.Write(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty": {}, "text": []byte("country,city\n"), "the first half": good[:len(good)/2], "without its middle": append(good[:40:40], good[len(good)-200:]...),
	} {
		file := filepath.Join(dir, "bad.mmdb")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := geo.Open(file, geo.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := geo.Open(filepath.Join(dir, "none"), geo.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}); err == nil {
		t.Error("no file: taken")
	}
}

// The database is replaced by another file of its name, written over in place, broken and taken away, while others read
// it: what cannot be read is not taken.
func TestReplaced(t *testing.T) {
	dir, made := t.TempDir(), t.TempDir()
	cities, countries := geotest.Write(t, made), geotest.WriteCountries(t, made)
	file := filepath.Join(dir, "places.mmdb")
	replace := func(by string) {
		t.Helper()
		b, err := os.ReadFile(by)
		if err == nil {
			err = os.WriteFile(file+".new", b, 0o600)
		}
		if err == nil {
			err = os.Rename(file+".new", file)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	replace(countries)
	p, reg := open(t, file)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() { _ = p.Run(ctx) })
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				if got, ok := p.Lookup(geotest.IPv4(0)); !ok || got.Country != "CA" {
					t.Errorf("%+v %v", got, ok)
					return
				}
			}
		})
	}
	knows := func(cities bool) {
		t.Helper()
		wait(t, func() bool { got, _ := p.Lookup(geotest.IPv4(0)); return (got.Point != nil) == cities })
	}
	replace(cities)
	knows(true)
	over, err := os.ReadFile(countries)
	if err == nil {
		err = os.WriteFile(file, over, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	knows(false)
	if err := os.WriteFile(file, over[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	counts := func(result string, want float64) {
		t.Helper()
		wait(t, func() bool { return counted(t, reg, result) == want })
		knows(false)
	}
	counts("broken", 1)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	counts("broken", 2)
	replace(cities)
	knows(true)
	counts2 := counted(t, reg, "done")
	if counts2 != 3 {
		t.Errorf("%v databases were taken, want 3", counts2)
	}
}

func counted(t *testing.T, reg *prometheus.Registry, result string) float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() != "freshet_geo_reloads_total" {
			continue
		}
		for _, m := range f.Metric {
			if m.Label[0].GetValue() == result {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

func wait(t *testing.T, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("not within 20 s")
		}
	}
}

func TestMetrics(t *testing.T) {
	p, reg := open(t, geotest.Write(t, t.TempDir()))
	for _, a := range []netip.Addr{geotest.IPv4(0), netip.MustParseAddr("198.19.0.1"), netip.MustParseAddr("127.0.0.1"), geotest.IPv6(1)} {
		p.Lookup(a)
	}
	if n, err := testutil.GatherAndCount(reg, "freshet_geo_lookups_total", "freshet_geo_database_made_seconds"); n != 5 || err != nil {
		t.Errorf("%d metrics, %v", n, err)
	}
}

func TestKm(t *testing.T) {
	par, _ := geo.Region("PAR")
	yul, ok := geo.Region("yul")
	if d := yul.Km(par); !ok || math.Abs(d-5500) > 50 {
		t.Errorf("yul to par: %.0f km", d)
	}
	akl, _ := geo.Region("akl")
	papeete := geo.Point{Lat: -17.54, Lon: -149.57}
	if d := akl.Km(papeete); math.Abs(d-4090) > 50 {
		t.Errorf("across the date line: %.0f km", d)
	}
	if d := yul.Km(yul); d != 0 {
		t.Errorf("to itself: %v", d)
	}
	if d := (geo.Point{Lat: 90}).Km(geo.Point{Lat: -90}); math.Abs(d-20015) > 1 {
		t.Errorf("from pole to pole: %v", d)
	}
	if _, ok := geo.Region("local"); ok {
		t.Error("local is nowhere")
	}
	for _, p := range []geo.Point{{Lat: 91}, {Lon: -181}, {Lat: math.NaN()}, {Lon: math.Inf(1)}} {
		if p.Valid() {
			t.Errorf("%v is on the earth", p)
		}
	}
}
