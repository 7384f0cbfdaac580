package member

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// Limits of what one node says. A receiver refuses what is beyond them, a sender does not send it.
const (
	maxNodes   = 1024 // in a mesh; more would need another way to spread what they say
	maxStreams = 256  // a node, as the relay pulls
	maxParts   = 64   // of a state: 256 announcements of the longest names need 57 at most, see packBytes
	maxSigned  = 1100 // bytes of a SignedState, so that it fits a packet of packetBytes
	maxMessage = 1150 // bytes of a MeshMessage: what memberlist leaves of packetBytes, see TestPacket
	maxText    = 128  // bytes of an address, region or version
	maxStream  = 64   // bytes of a stream's id

	domain  = "freshet-gossip/1" // of signatures
	shortID = 16                 // bytes of a certificate's hash that name it in a SignedState
)

var errMalformed = errors.New("malformed")

// parseState reads the state in b, as far as one can judge it without knowing anybody. The error wraps errMalformed.
func parseState(b []byte) (*pb.NodeState, error) {
	s := &pb.NodeState{}
	if err := proto.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if err := checkState(s); err != nil {
		return nil, err
	}
	return s, nil
}

func checkState(s *pb.NodeState) error {
	switch {
	case s.Node == "" || len(s.Node) > maxNode || s.Boot == 0 || s.StartedMs == 0 || s.Version == 0:
		return fmt.Errorf("%w: no node, boot or version", errMalformed)
	case s.Part > maxParts || s.Parts > maxParts:
		return fmt.Errorf("%w: part %d of %d, at most %d", errMalformed, s.Part, s.Parts, maxParts)
	case len(s.Announcements) > maxStreams || s.Part == 0 && len(s.Announcements) > 0:
		return fmt.Errorf("%w: %d announcements in part %d", errMalformed, len(s.Announcements), s.Part)
	}
	for _, a := range s.Announcements {
		if a.Stream == "" || len(a.Stream) > maxStream || len(a.Upstream) > maxNode || len(a.LayerKbps) > maxLayers {
			return fmt.Errorf("%w: announcement of %.80q", errMalformed, a.Stream)
		}
	}
	if s.Part > 0 {
		return nil
	}
	return checkFacts(s)
}

func checkFacts(s *pb.NodeState) error {
	a := s.Addresses
	for _, text := range []string{s.Role, s.Region, s.Software, a.GetWhip(), a.GetWhep(), a.GetRtt(), a.GetRelay(), a.GetMesh(), a.GetHttp(), a.GetMetrics(), a.GetGossip()} {
		if len(text) > maxText {
			return fmt.Errorf("%w: text of %d bytes", errMalformed, len(text))
		}
	}
	if len(s.GossipKeys) > maxKeys {
		return fmt.Errorf("%w: %d gossip keys", errMalformed, len(s.GossipKeys))
	}
	if !(math.Abs(s.Lat) <= 90 && math.Abs(s.Lon) <= 180) { // neither is true of NaN
		return fmt.Errorf("%w: place %v, %v", errMalformed, s.Lat, s.Lon)
	}
	if s.Coordinate != nil {
		_, err := readCoordinate(s.Coordinate)
		return err
	}
	return nil
}
