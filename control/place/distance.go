package place

import "math"

// What the way between two points takes. Light in glass goes 200 km in a millisecond, and cables go 1.4 times as far as the
// great circle.
const (
	earthKM      = 6371
	kmPerMS      = 200
	routeFactor  = 1.4
	hopMS        = 1.0  // at a node on the way
	withinMS     = 0.5  // between two nodes of one region
	unknownMS    = 50.0 // between regions of which nothing is known
	unknownPrice = 10.0 // the same: as far as it is
	farMS        = 1e4  // nothing on earth is further
)

// A Point is a place on earth, in degrees. The zero one, at sea, is an unknown place.
type Point struct{ Lat, Lon float64 }

// Known reports whether p is a place.
func (p Point) Known() bool { return p != Point{} }

// vector returns p on the unit sphere.
func (p Point) vector() [3]float64 {
	lat, lon := p.Lat*math.Pi/180, p.Lon*math.Pi/180
	return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

// Distance returns the great circle between a and b in kilometres.
func Distance(a, b Point) float64 { return apart(a.vector(), b.vector()) }

// apart is the great circle between unit vectors, by their chord, which is exact for near ones, too.
func apart(a, b [3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return 2 * earthKM * math.Asin(min(1, math.Sqrt(x*x+y*y+z*z)/2))
}

// Delay returns what a packet takes for km, one way, in milliseconds.
func Delay(km float64) float64 { return km * routeFactor / kmPerMS }

// A Coordinate is a node's place in the space of round trips (Vivaldi), in seconds, as serf's coordinates have it.
type Coordinate struct {
	Vec                [8]float64
	Height, Adjustment float64
}

// roundTrip returns what the coordinates say of the way from c to d and back, in seconds.
func (c *Coordinate) roundTrip(d *Coordinate) float64 {
	sum := 0.0
	for i := range c.Vec {
		sum += (c.Vec[i] - d.Vec[i]) * (c.Vec[i] - d.Vec[i])
	}
	raw := math.Sqrt(sum) + c.Height + d.Height
	if adjusted := raw + c.Adjustment + d.Adjustment; adjusted > 0 {
		return adjusted
	}
	return raw
}

// An area is where a region's nodes are, on average.
type area struct {
	at         [3]float64
	placed     bool
	coordinate Coordinate
	measured   bool
}

func areaOf(nodes []Node) area {
	var a area
	points, coordinates := 0.0, 0.0
	for i := range nodes {
		if n := &nodes[i]; n.At.Known() {
			v := n.At.vector()
			a.at[0], a.at[1], a.at[2] = a.at[0]+v[0], a.at[1]+v[1], a.at[2]+v[2]
			points++
		}
		if c := nodes[i].Coordinate; c != nil {
			for j := range c.Vec {
				a.coordinate.Vec[j] += c.Vec[j]
			}
			a.coordinate.Height += c.Height
			a.coordinate.Adjustment += c.Adjustment
			coordinates++
		}
	}
	if length := math.Sqrt(a.at[0]*a.at[0] + a.at[1]*a.at[1] + a.at[2]*a.at[2]); points > 0 && length > 1e-9 {
		a.at[0], a.at[1], a.at[2] = a.at[0]/length, a.at[1]/length, a.at[2]/length
		a.placed = true
	}
	if coordinates > 0 {
		for j := range a.coordinate.Vec {
			a.coordinate.Vec[j] /= coordinates
		}
		a.coordinate.Height /= coordinates
		a.coordinate.Adjustment /= coordinates
		a.measured = true
	}
	return a
}

// between returns what a packet takes from a to b, one way, in milliseconds, and what it costs: by round trips where both
// were measured, else by distance.
func between(a, b *area) (delay, price float64) {
	delay, price = unknownMS, unknownPrice
	if a.placed && b.placed {
		km := apart(a.at, b.at)
		delay, price = Delay(km), km/1000
	}
	if a.measured && b.measured {
		delay = a.coordinate.roundTrip(&b.coordinate) * 1000 / 2
		if !a.placed || !b.placed {
			price = delay * kmPerMS / routeFactor / 1000
		}
	}
	if !(delay < farMS && price < farMS) { // or no number: coordinates come from other nodes
		return unknownMS, unknownPrice
	}
	return max(delay, withinMS), price
}
