// Package sim runs placement over meshes and audiences that are made up on the cities of the world, and measures what comes
// of it. The decisions are control/place's and cluster/tree's own; nothing is sent.
package sim

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"freshet/control/place"
)

//go:embed cities.csv
var citiesCSV []byte

// A City is a place where people live.
type City struct {
	Name, Country string
	Population    int
	At            place.Point
}

// Cities returns the 2,000 largest, the largest first.
func Cities() ([]City, error) { return parseCities(citiesCSV) }

func parseCities(text []byte) ([]City, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = 5
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("cities: %w", err)
	}
	if len(rows) < 2 {
		return nil, fmt.Errorf("cities: %d lines", len(rows))
	}
	cities := make([]City, 0, len(rows)-1)
	for i, row := range rows[1:] { // the first has the names
		population, err1 := strconv.Atoi(row[2])
		lat, err2 := strconv.ParseFloat(row[3], 64)
		lon, err3 := strconv.ParseFloat(row[4], 64)
		if err1 != nil || err2 != nil || err3 != nil || population <= 0 || lat < -90 || lat > 90 || lon < -180 || lon > 180 {
			return nil, fmt.Errorf("cities: line %d: %q", i+2, row)
		}
		cities = append(cities, City{Name: row[0], Country: row[1], Population: population, At: place.Point{Lat: lat, Lon: lon}})
	}
	return cities, nil
}

// An urn draws numbers by their weights.
type urn []float64 // the sum of weights up to each

func newUrn(n int, weight func(i int) float64) urn {
	u, sum := make(urn, n), 0.0
	for i := range u {
		sum += weight(i)
		u[i] = sum
	}
	return u
}

func (u urn) draw(rng *rand.Rand) int {
	i, _ := slices.BinarySearch(u, rng.Float64()*u[len(u)-1])
	return min(i, len(u)-1)
}
