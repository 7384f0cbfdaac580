package relay

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// A packageShare is how much of a CPU profile one package took by itself.
type packageShare struct {
	name  string
	share float64
}

// mostProfile is how large a profile may be, unpacked.
const mostProfile = 64 << 20

var errProfile = errors.New("no CPU profile")

// byPackage sums up a gzipped profile (github.com/google/pprof, proto/profile.proto) by the package of the
// function that was running, largest first. Of a sample's values the last counts: CPU time.
func byPackage(gzipped []byte) ([]packageShare, error) {
	z, err := gzip.NewReader(bytes.NewReader(gzipped))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProfile, err)
	}
	b, err := io.ReadAll(io.LimitReader(z, mostProfile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProfile, err)
	}
	p := profile{byLocation: map[uint64]int64{}, function: map[uint64]uint64{}, name: map[uint64]uint64{}}
	if err := fields(b, p.field); err != nil {
		return nil, err
	}
	sums, total := map[string]int64{}, int64(0)
	for location, v := range p.byLocation {
		name := "unknown"
		if i := p.name[p.function[location]]; i < uint64(len(p.strings)) && i > 0 {
			name = packageOf(p.strings[i])
		}
		sums[name] += v
		total += v
	}
	if total <= 0 {
		return nil, fmt.Errorf("%w: it has no samples", errProfile)
	}
	var all []packageShare
	for name, v := range sums {
		all = append(all, packageShare{name, float64(v) / float64(total)})
	}
	slices.SortFunc(all, func(a, b packageShare) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.name, b.name))
	})
	return all, nil
}

// packageOf returns the import path in the name of a function, or what stands there in its place.
func packageOf(function string) string {
	function, _, _ = strings.Cut(function, "[") // type arguments have packages of their own
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, found := strings.Cut(function[slash:], ".")
	if !found {
		return "runtime" // its assembler, as memmove and futex
	}
	return function[:slash] + name
}

// A profile is what byPackage needs of one.
type profile struct {
	byLocation map[uint64]int64  // value of the samples whose innermost location it is
	function   map[uint64]uint64 // innermost function of a location
	name       map[uint64]uint64 // place of a function's name in strings
	strings    []string
}

// field takes one field of the message Profile.
func (p *profile) field(n protowire.Number, v uint64, b []byte) error {
	switch n {
	case 2: // sample
		var location uint64
		var value int64
		first := true
		err := fields(b, func(n protowire.Number, v uint64, packed []byte) error {
			switch n {
			case 1: // location_id, innermost first
				return numbers(v, packed, func(v uint64) {
					if first {
						location, first = v, false
					}
				})
			case 2: // value
				return numbers(v, packed, func(v uint64) { value = int64(v) })
			}
			return nil
		})
		p.byLocation[location] += value
		return err
	case 4: // location
		var id, function uint64
		first := true
		err := fields(b, func(n protowire.Number, v uint64, line []byte) error {
			switch n {
			case 1:
				id = v
			case 4: // line, of an inlined function first
				if !first {
					return nil
				}
				first = false
				return fields(line, func(n protowire.Number, v uint64, _ []byte) error {
					if n == 1 {
						function = v
					}
					return nil
				})
			}
			return nil
		})
		p.function[id] = function
		return err
	case 5: // function
		var id, name uint64
		err := fields(b, func(n protowire.Number, v uint64, _ []byte) error {
			switch n {
			case 1:
				id = v
			case 2:
				name = v
			}
			return nil
		})
		p.name[id] = name
		return err
	case 6: // string_table
		p.strings = append(p.strings, string(b))
	}
	return nil
}

// fields calls each for every field of a message: v of a varint, b of what has a length.
func fields(message []byte, each func(n protowire.Number, v uint64, b []byte) error) error {
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return fmt.Errorf("%w: %w", errProfile, protowire.ParseError(size))
		}
		message = message[size:]
		var v uint64
		var b []byte
		switch kind {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			b, size = protowire.ConsumeBytes(message)
		default:
			size = protowire.ConsumeFieldValue(n, kind, message)
		}
		if size < 0 {
			return fmt.Errorf("%w: %w", errProfile, protowire.ParseError(size))
		}
		message = message[size:]
		if err := each(n, v, b); err != nil {
			return err
		}
	}
	return nil
}

// numbers calls each for v, or for every number of packed.
func numbers(v uint64, packed []byte, each func(uint64)) error {
	if packed == nil {
		each(v)
		return nil
	}
	for len(packed) > 0 {
		v, size := protowire.ConsumeVarint(packed)
		if size < 0 {
			return fmt.Errorf("%w: %w", errProfile, protowire.ParseError(size))
		}
		each(v)
		packed = packed[size:]
	}
	return nil
}
