package lead

import (
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/stream"
	"freshet/control/node"
	"freshet/control/place"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// overtakeRest is how long a stream stays where it was placed, though somebody takes it from its standby: a path that comes
// and goes moves it for everybody no more often.
const overtakeRest = 10 * time.Second

// origins gives streams that a publisher may come for their origins, and takes them from those that are over. placed is
// where each is, once that is written. Where two publishers send a stream, its standby becomes the origin once somebody
// takes it from there, since they cannot go back to what is older, and where the origin's own publisher is gone.
func (l *Lead) origins(m place.Mesh, all []node.Node, s *ledger.State, now time.Time) (writes []*pb.Entry, placed map[string]place.Placement) {
	placed = map[string]place.Placement{}
	newest, heard := newestTaken(all), sentLately(all, now)
	wanted := map[string]bool{}
	for _, r := range l.d.Records.All() {
		if r.State == pb.StreamState_STREAM_STATE_CLOSED {
			continue
		}
		wanted[r.Id] = true
		was := s.Placements[r.Id]
		had := place.Placement{Origin: was.GetOrigin(), Standby: was.GetStandby()}
		from := had
		if rests := now.Sub(time.UnixMilli(was.GetAtUnixMs())); had.Standby != "" &&
			(newest[r.Id] > was.GetEpoch() && rests >= overtakeRest || heard.alone(r.Id, had) && rests >= moveRest) {
			from = place.Placement{Origin: had.Standby, Standby: had.Origin}
		}
		is := place.Origin(m, place.Stream{ID: r.Id, Origin: from.Origin, Standby: from.Standby}, from)
		if is.Origin == "" {
			is = had // nobody could take it: who has it may come back
		}
		if is.Origin == "" {
			continue
		}
		placed[r.Id] = is
		if is != had {
			writes = append(writes, &pb.Entry{Body: &pb.Entry_Place{Place: &pb.Place{
				Stream: r.Id, Origin: is.Origin, Standby: is.Standby, Expect: was.GetEpoch(),
			}}})
		}
	}
	for id, p := range s.Placements {
		if !wanted[id] {
			writes = append(writes, &pb.Entry{Body: &pb.Entry_Unplace{Unplace: &pb.Unplace{Stream: id, Expect: p.Epoch}}})
		}
	}
	return writes, placed
}

// newestTaken returns the highest number of a placement of which nodes say that they take a stream from another, by stream.
func newestTaken(all []node.Node) map[string]uint64 {
	newest := map[string]uint64{}
	for _, n := range all {
		for _, f := range n.Facts.GetStreams() {
			if f.Live && f.Hops > 0 {
				newest[f.Id] = max(newest[f.Id], stream.Placement(f.Epoch))
			}
		}
	}
	return newest
}

// senders are the origins that said something lately, each with the streams that its publishers send.
type senders map[string]map[string]bool

func sentLately(all []node.Node, now time.Time) senders {
	said := senders{}
	for _, n := range all {
		if n.Role != identity.RoleOrigin || n.Facts == nil || now.Sub(n.Heard) > node.Lately {
			continue
		}
		said[n.Name] = map[string]bool{}
		for _, f := range n.Facts.GetStreams() {
			if f.Live && f.Hops == 0 {
				said[n.Name][f.Id] = true
			}
		}
	}
	return said
}

// alone says whether the standby has a publisher, and the origin, which is heard, has none.
func (s senders) alone(stream string, at place.Placement) bool {
	origin, heard := s[at.Origin]
	return heard && !origin[stream] && s[at.Standby][stream]
}
