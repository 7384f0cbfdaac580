package geo

import "strings"

// Region returns where a region is whose name is the code of a large city's airports, in any case: what IATA calls a
// metropolitan area, and where there is none, its largest airport. ok is false for any other name.
func Region(name string) (p Point, ok bool) {
	p, ok = regions[strings.ToLower(name)]
	return p, ok
}

// Stands returns where a node stands: at the place that it says, which is not 0° 0°; where it says none, where its region is.
// It is nil where nobody knows.
func Stands(lat, lon float64, region string) *Point {
	if p := (Point{Lat: lat, Lon: lon}); p.Valid() && p != (Point{}) {
		return &p
	}
	if p, ok := Region(region); ok {
		return &p
	}
	return nil
}

// regions are the cities where machines are let, and some more: to a tenth of a degree, which is 11 km.
var regions = map[string]Point{
	// North America
	"yul": {45.5, -73.6}, "yto": {43.7, -79.4}, "yyz": {43.7, -79.4}, "yvr": {49.3, -123.1}, "yyc": {51.0, -114.1}, "nyc": {40.7, -74.0},
	"bos": {42.4, -71.1}, "was": {38.9, -77.0}, "iad": {39.0, -77.5}, "atl": {33.7, -84.4}, "mia": {25.8, -80.2}, "chi": {41.9, -87.6},
	"ord": {41.9, -87.6}, "dfw": {32.8, -96.8}, "hou": {29.8, -95.4}, "den": {39.7, -105.0}, "phx": {33.4, -112.1}, "lax": {34.1, -118.2},
	"sjc": {37.3, -121.9}, "sfo": {37.8, -122.4}, "sea": {47.6, -122.3}, "mex": {19.4, -99.1},
	// South America
	"bog": {4.7, -74.1}, "lim": {-12.0, -77.0}, "scl": {-33.4, -70.7}, "bue": {-34.6, -58.4}, "sao": {-23.6, -46.6}, "gru": {-23.6, -46.6},
	"rio": {-22.9, -43.2}, "for": {-3.7, -38.5},
	// Europe
	"lon": {51.5, -0.1}, "lhr": {51.5, -0.1}, "dub": {53.3, -6.3}, "par": {48.9, 2.4}, "cdg": {48.9, 2.4}, "mrs": {43.3, 5.4},
	"ams": {52.4, 4.9}, "bru": {50.8, 4.4}, "fra": {50.1, 8.7}, "ber": {52.5, 13.4}, "muc": {48.1, 11.6}, "zrh": {47.4, 8.5},
	"mil": {45.5, 9.2}, "rom": {41.9, 12.5}, "mad": {40.4, -3.7}, "bcn": {41.4, 2.2}, "lis": {38.7, -9.1}, "vie": {48.2, 16.4},
	"waw": {52.2, 21.0}, "cph": {55.7, 12.6}, "sto": {59.3, 18.1}, "osl": {59.9, 10.8}, "hel": {60.2, 24.9}, "buh": {44.4, 26.1},
	"ath": {38.0, 23.7}, "ist": {41.0, 29.0},
	// Africa
	"cas": {33.6, -7.6}, "cai": {30.0, 31.2}, "los": {6.5, 3.4}, "dkr": {14.7, -17.5}, "nbo": {-1.3, 36.8}, "jnb": {-26.2, 28.0},
	"cpt": {-33.9, 18.4},
	// Asia
	"tlv": {32.1, 34.8}, "dxb": {25.3, 55.3}, "bah": {26.2, 50.6}, "ruh": {24.7, 46.7}, "bom": {19.1, 72.9}, "del": {28.6, 77.2},
	"maa": {13.1, 80.3}, "sin": {1.3, 103.8}, "kul": {3.1, 101.7}, "jkt": {-6.2, 106.8}, "bkk": {13.8, 100.5}, "mnl": {14.6, 121.0},
	"sgn": {10.8, 106.6}, "hkg": {22.3, 114.2}, "tpe": {25.0, 121.5}, "sel": {37.6, 127.0}, "icn": {37.6, 127.0}, "tyo": {35.7, 139.7},
	"nrt": {35.7, 139.7}, "osa": {34.7, 135.5},
	// Oceania
	"syd": {-33.9, 151.2}, "mel": {-37.8, 145.0}, "per": {-32.0, 115.9}, "akl": {-36.8, 174.8},
}
