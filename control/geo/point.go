package geo

import "math"

// A Point is a place on the earth, in degrees: north and east are positive.
type Point struct{ Lat, Lon float64 }

// Valid says whether p is on the earth.
func (p Point) Valid() bool {
	return math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180 // false of what is no number, too
}

const earth = 6371 // km, its mean radius

// Km is how far q is from p, on the great circle, in kilometres.
func (p Point) Km(q Point) float64 {
	const rad = math.Pi / 180
	lat1, lat2 := p.Lat*rad, q.Lat*rad
	sinLat, sinLon := math.Sin((lat2-lat1)/2), math.Sin((q.Lon-p.Lon)*rad/2)
	h := sinLat*sinLat + math.Cos(lat1)*math.Cos(lat2)*sinLon*sinLon
	return 2 * earth * math.Asin(math.Sqrt(min(h, 1)))
}
