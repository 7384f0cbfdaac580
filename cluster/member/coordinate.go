package member

import (
	"fmt"
	"math"
	"time"

	"github.com/hashicorp/serf/coordinate"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// Bounds of a coordinate that is believed. Nothing on earth is farther than half a second; whoever claims to be would drag
// everybody who measures against it along.
const (
	dimensions    = 8   // coordinate.DefaultConfig's
	maxSeconds    = 2.0 // of each component
	maxCoordError = 1.5 // coordinate.DefaultConfig's VivaldiErrorMax: where a new node begins
)

// readCoordinate returns c as the library has it. The error wraps errMalformed.
func readCoordinate(c *pb.Coordinate) (*coordinate.Coordinate, error) {
	if len(c.Vec) != dimensions {
		return nil, fmt.Errorf("%w: coordinate of %d dimensions", errMalformed, len(c.Vec))
	}
	out := &coordinate.Coordinate{
		Vec: make([]float64, dimensions), Error: float64(c.Error), Adjustment: float64(c.Adjustment), Height: float64(c.Height),
	}
	sane := math.Abs(out.Adjustment) <= maxSeconds && out.Height >= 0 && out.Height <= maxSeconds && out.Error >= 0 && out.Error <= maxCoordError
	for i, v := range c.Vec {
		out.Vec[i] = float64(v)
		sane = sane && math.Abs(out.Vec[i]) <= maxSeconds // NaN is not
	}
	if !sane {
		return nil, fmt.Errorf("%w: coordinate out of bounds", errMalformed)
	}
	return out, nil
}

// writeCoordinate is readCoordinate's other way. A coordinate that others would refuse is not sent.
func writeCoordinate(c *coordinate.Coordinate) *pb.Coordinate {
	out := &pb.Coordinate{Error: float32(c.Error), Adjustment: float32(c.Adjustment), Height: float32(c.Height)}
	for _, v := range c.Vec {
		out.Vec = append(out.Vec, float32(v))
	}
	if _, err := readCoordinate(out); err != nil {
		return nil
	}
	return out
}

// parseCoordinate reads the payload of an acknowledged probe.
func parseCoordinate(b []byte) (*coordinate.Coordinate, error) {
	if len(b) > 128 { // one takes 51
		return nil, fmt.Errorf("%w: coordinate of %d bytes", errMalformed, len(b))
	}
	c := &pb.Coordinate{}
	if err := proto.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return readCoordinate(c)
}

// Distance returns the estimated round trip between two nodes; ok is false where either has told no coordinate yet.
func (m *Member) Distance(a, b string) (d time.Duration, ok bool) {
	from, to := m.coordinateOf(a), m.coordinateOf(b)
	if from == nil || to == nil {
		return 0, false
	}
	if a == b {
		return 0, true
	}
	return from.DistanceTo(to), true
}

func (m *Member) coordinateOf(node string) *coordinate.Coordinate {
	if node == m.cfg.Node {
		return m.here.GetCoordinate()
	}
	return m.table.coordinate(node)
}
