package rtpq

import (
	"fmt"
	"math"

	pb "freshet/proto"
)

// Bounds of what a control message may hold, beside MaxMessage.
const (
	maxName   = 64  // bytes of a node, stream, track, rid or codec
	maxText   = 512 // bytes of fmtp or detail
	maxFlows  = 64  // of one stream: far more than four m-lines of three layers
	maxRID    = 8   // layers asked for
	maxReport = 4096
	maxSpan   = 1 << 15 // numbers of a group: 16 bits tell no more apart
)

// Validate says whether a peer may have sent m: each text and list within its bound, each number within
// its type on the wire. A message of a kind that is not known here passes, for the receiver to pass over.
// The error wraps ErrMalformed.
func Validate(m *pb.RelayMessage) error {
	switch b := m.Body.(type) {
	case *pb.RelayMessage_Hello:
		return validHello(b.Hello)
	case *pb.RelayMessage_Subscribe:
		return validSubscribe(b.Subscribe)
	case *pb.RelayMessage_Accept:
		return validAccept(b.Accept)
	case *pb.RelayMessage_Refuse:
		return text("detail", b.Refuse.GetDetail(), maxText)
	case *pb.RelayMessage_GroupStart:
		g := b.GroupStart
		if g.GetFlow() == 0 || g.GetFirst() > math.MaxUint16 || g.GetCount() >= maxSpan {
			return malformed("group start of flow %d: first %d, count %d", g.GetFlow(), g.GetFirst(), g.GetCount())
		}
	case *pb.RelayMessage_Pause:
		return count("paused flows", len(b.Pause.GetFlows()), maxReport)
	case *pb.RelayMessage_Keyframe:
		if b.Keyframe.GetFlow() == 0 {
			return malformed("keyframe of flow 0")
		}
	case *pb.RelayMessage_Stats:
		return count("flow statistics", len(b.Stats.GetFlows()), maxReport)
	case *pb.RelayMessage_Watch:
		return count("watched flows", len(b.Watch.GetFlows()), maxFlows)
	case *pb.RelayMessage_Renew:
		if b.Renew.GetIndex() >= MaxConns {
			return malformed("renewal of connection %d", b.Renew.GetIndex())
		}
	case *pb.RelayMessage_Route:
		err := count("hops", len(b.Route.GetHops()), MaxHops)
		for _, h := range b.Route.GetHops() {
			err = first(err, text("node", h.GetNode(), maxName), text("upstream", h.GetUpstream(), maxName))
		}
		return err
	}
	return nil
}

func validHello(h *pb.Hello) error {
	if h.GetCount() == 0 || h.GetCount() > MaxConns || h.GetIndex() >= h.GetCount() {
		return malformed("hello of connection %d of %d", h.GetIndex(), h.GetCount())
	}
	return first(text("node", h.GetNode(), maxName), text("role", h.GetRole(), maxName), text("region", h.GetRegion(), maxName))
}

func validSubscribe(s *pb.Subscribe) error {
	if !StreamID(s.GetStream()) {
		return malformed("stream id %.80q", s.GetStream())
	}
	err := first(count("layers", len(s.GetLayers()), maxRID), count("have", len(s.GetHave()), maxFlows), nodes(s.GetHops()))
	for _, l := range s.GetLayers() {
		err = first(err, text("layer", l, maxName))
	}
	for _, h := range s.GetHave() {
		err = first(err, text("track", h.GetTrack(), maxName), text("rid", h.GetRid(), maxName), sequence(h.GetSequence()))
	}
	return err
}

func validAccept(a *pb.Accept) error {
	if !StreamID(a.GetStream()) {
		return malformed("stream id %.80q", a.GetStream())
	}
	err := first(count("flows", len(a.GetFlows()), maxFlows), nodes(a.GetHops()))
	for _, f := range a.GetFlows() {
		err = first(err, validFlow(f))
	}
	return err
}

func validFlow(f *pb.Flow) error {
	switch {
	case f.GetFlow() == 0:
		return malformed("flow 0")
	case f.GetKind() != pb.Kind_KIND_AUDIO && f.GetKind() != pb.Kind_KIND_VIDEO:
		return malformed("flow %d of kind %d", f.GetFlow(), f.GetKind())
	case f.GetClockRate() == 0:
		return malformed("flow %d without a clock rate", f.GetFlow())
	case f.GetChannels() > math.MaxUint16 || f.GetWidth() > math.MaxUint16 || f.GetHeight() > math.MaxUint16 || f.GetRank() > math.MaxUint8:
		return malformed("flow %d with %d channels, %d x %d, rank %d", f.GetFlow(), f.GetChannels(), f.GetWidth(), f.GetHeight(), f.GetRank())
	}
	return first(text("track", f.GetTrack(), maxName), text("rid", f.GetRid(), maxName), text("codec", f.GetCodec(), maxName),
		text("fmtp", f.GetFmtp(), maxText), sequence(f.GetLive()))
}

// nodes bounds a list of hops. It takes one more than a path may have, so that the peer who asks for
// too many is refused with the reason and not cut off.
func nodes(hops []string) error {
	err := count("hops", len(hops), MaxHops+1)
	for _, h := range hops {
		if h == "" {
			return malformed("hop without a name")
		}
		err = first(err, text("hop", h, maxName))
	}
	return err
}

// StreamID says whether id may name a stream: 1 to 64 of [a-z0-9-].
func StreamID(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

func sequence(n uint32) error {
	if n > math.MaxUint16 {
		return malformed("sequence number %d", n)
	}
	return nil
}

func text(what, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("%w: %s of %d bytes, at most %d are taken", ErrMalformed, what, len(s), limit)
	}
	return nil
}

func count(what string, n, limit int) error {
	if n > limit {
		return fmt.Errorf("%w: %d %s, at most %d are taken", ErrMalformed, n, what, limit)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
