package lead

import (
	"time"

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
// where each is, once that is written. A stream that is taken from its standby already, as it is where two publishers send
// it and its origin is not heard of, goes to that: who took it from there cannot go back to what is older.
func (l *Lead) origins(m place.Mesh, all []node.Node, s *ledger.State, now time.Time) (writes []*pb.Entry, placed map[string]place.Placement) {
	placed = map[string]place.Placement{}
	newest := newestTaken(all)
	wanted := map[string]bool{}
	for _, r := range l.d.Records.All() {
		if r.State == pb.StreamState_STREAM_STATE_CLOSED {
			continue
		}
		wanted[r.Id] = true
		was := s.Placements[r.Id]
		had := place.Placement{Origin: was.GetOrigin(), Standby: was.GetStandby()}
		from := had
		if newest[r.Id] > was.GetEpoch() && had.Standby != "" && now.Sub(time.UnixMilli(was.GetAtUnixMs())) >= overtakeRest {
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
