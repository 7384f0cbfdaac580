package relay

import (
	"errors"
	"fmt"
	"slices"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

func acceptMessage(a *pb.Accept) *pb.RelayMessage {
	return &pb.RelayMessage{Body: &pb.RelayMessage_Accept{Accept: &pb.Accept{
		Id: a.Id, Stream: a.Stream, Epoch: a.Epoch, Flows: a.Flows, Hops: a.Hops, // a copy: hops change while this waits
	}}}
}

// describe says what sv carries, and where its live packets begin.
func describe(sv *served) *pb.Flow {
	f := sv.flow.Format
	kind := pb.Kind_KIND_VIDEO
	if f.Kind == stream.Audio {
		kind = pb.Kind_KIND_AUDIO
	}
	return &pb.Flow{
		Flow: sv.id, Track: f.Track, Kind: kind, Rid: f.RID, Rank: uint32(f.Rank),
		Codec: f.Codec.Name, ClockRate: f.Codec.ClockRate, Channels: uint32(f.Codec.Channels), Fmtp: f.Codec.FMTP,
		Red: f.RED, Width: uint32(f.Width), Height: uint32(f.Height),
		Live: uint32(uint16(sv.live)), Started: sv.started,
	}
}

// formatOf is describe's other half. rtpq.Validate has held f's numbers to their ranges.
func formatOf(f *pb.Flow) stream.Format {
	kind := stream.Video
	if f.GetKind() == pb.Kind_KIND_AUDIO {
		kind = stream.Audio
	}
	return stream.Format{
		Track: f.GetTrack(), Kind: kind, RID: f.GetRid(), Rank: int(f.GetRank()),
		Codec: stream.Codec{Name: f.GetCodec(), ClockRate: f.GetClockRate(), Channels: uint16(f.GetChannels()), FMTP: f.GetFmtp()},
		RED:   f.GetRed(), Width: int(f.GetWidth()), Height: int(f.GetHeight()),
	}
}

// wants says whether a subscriber that asked for layers takes rid.
func wants(layers []string, rid string) bool {
	return rid == "" || len(layers) == 0 || slices.Contains(layers, rid)
}

// checkPath holds the way of a stream, from the origin to this node over path and on to the viewers'
// edge over hops, to what RELAY.md allows.
func checkPath(path, hops []string) error {
	for _, h := range hops {
		if slices.Contains(path, h) {
			return ErrLoop
		}
	}
	if len(path)+len(hops)-1 > rtpq.MaxHops {
		return ErrTooManyHops
	}
	return nil
}

func reasonOf(err error) pb.RefuseReason {
	switch {
	case errors.Is(err, ErrUnknownStream):
		return pb.RefuseReason_REFUSE_REASON_UNKNOWN_STREAM
	case errors.Is(err, ErrLoop):
		return pb.RefuseReason_REFUSE_REASON_LOOP
	case errors.Is(err, ErrTooManyHops):
		return pb.RefuseReason_REFUSE_REASON_TOO_MANY_HOPS
	case errors.Is(err, errStaleEpoch):
		return pb.RefuseReason_REFUSE_REASON_STALE_EPOCH
	case errors.Is(err, ErrFull):
		return pb.RefuseReason_REFUSE_REASON_FULL
	}
	return pb.RefuseReason_REFUSE_REASON_NO_UPSTREAM
}

func errorOf(r *pb.Refuse) error {
	switch r.GetReason() {
	case pb.RefuseReason_REFUSE_REASON_UNKNOWN_STREAM:
		return ErrUnknownStream
	case pb.RefuseReason_REFUSE_REASON_LOOP:
		return ErrLoop
	case pb.RefuseReason_REFUSE_REASON_TOO_MANY_HOPS:
		return ErrTooManyHops
	case pb.RefuseReason_REFUSE_REASON_STALE_EPOCH:
		return errStaleEpoch
	case pb.RefuseReason_REFUSE_REASON_FULL:
		return ErrFull
	}
	return fmt.Errorf("%w: refused for %s", ErrNoUpstream, r.GetReason())
}
