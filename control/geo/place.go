package geo

import (
	"errors"
	"net/netip"
)

// A Place is what is known of where an address is.
type Place struct {
	Country string // ISO 3166-1, two capitals; empty: not known
	Region  string // ISO 3166-2 without the country: QC
	City    City
	Point   *Point // nil: not known, as of a database of countries
	Radius  int    // km around Point, within which it most likely is; 0: not known
}

// A City is its name in the languages of our pages; empty where it is not known.
type City struct{ EN, FR string }

var errNothing = errors.New("nothing is known of this address")

// Lookup returns where a is. ok is false where nobody knows: for addresses that are nowhere in particular, too. A nil p
// knows nothing.
func (p *Places) Lookup(a netip.Addr) (place Place, ok bool) {
	if p == nil {
		return Place{}, false
	}
	a = a.Unmap().WithZone("")
	db := p.db.Load()
	result := lookupKnown
	var err error
	switch {
	case db == nil:
		return Place{}, false
	case !somewhere(a):
		result = lookupNowhere
	default:
		if place, err = db.lookup(a); err == nil {
			break
		}
		if result = lookupUnknown; !errors.Is(err, errNothing) {
			result = lookupBroken
		}
	}
	p.m.lookups.WithLabelValues(string(result)).Inc()
	return place, result == lookupKnown
}

// Country returns the country of a, empty where nobody knows.
func (p *Places) Country(a netip.Addr) string {
	place, _ := p.Lookup(a)
	return place.Country
}

// lookup returns errNothing, or what is wrong with the database.
func (db *database) lookup(a netip.Addr) (Place, error) {
	var p Place
	if !db.cities {
		c, err := db.Country(a.AsSlice())
		if err == nil && c.Country.IsoCode == "" {
			err = errNothing
		}
		if err == nil {
			p.Country = c.Country.IsoCode
		}
		return p, err
	}
	c, err := db.City(a.AsSlice())
	if err != nil {
		return Place{}, err
	}
	p.Country, p.City = c.Country.IsoCode, City{c.City.Names["en"], c.City.Names["fr"]}
	if len(c.Subdivisions) > 0 {
		p.Region = c.Subdivisions[0].IsoCode
	}
	at := Point{c.Location.Latitude, c.Location.Longitude}
	if at != (Point{}) && at.Valid() { // nobody lives at 0, 0
		p.Point, p.Radius = &at, int(c.Location.AccuracyRadius)
	}
	if p.Country == "" && p.Point == nil {
		return Place{}, errNothing
	}
	return p, nil
}

// nowhere are networks whose addresses mean nothing on the earth, beside those that net/netip knows: of carriers'
// translation (RFC 6598) and of documentation (RFC 5737, RFC 3849, RFC 9637).
var nowhere = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20"),
}

func somewhere(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, n := range nowhere {
		if n.Contains(a) {
			return false
		}
	}
	return true
}
