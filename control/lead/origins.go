package lead

import (
	"freshet/control/place"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// origins gives streams that a publisher may come for their origins, and takes them from those that are over. placed is
// where each is, once that is written.
func (l *Lead) origins(m place.Mesh, s *ledger.State) (writes []*pb.Entry, placed map[string]place.Placement) {
	placed = map[string]place.Placement{}
	wanted := map[string]bool{}
	for _, r := range l.d.Records.All() {
		if r.State == pb.StreamState_STREAM_STATE_CLOSED {
			continue
		}
		wanted[r.Id] = true
		was := s.Placements[r.Id]
		had := place.Placement{Origin: was.GetOrigin(), Standby: was.GetStandby()}
		now := place.Origin(m, place.Stream{ID: r.Id, Origin: had.Origin, Standby: had.Standby}, had)
		if now.Origin == "" {
			now = had // nobody could take it: who has it may come back
		}
		if now.Origin == "" {
			continue
		}
		placed[r.Id] = now
		if now != had {
			writes = append(writes, &pb.Entry{Body: &pb.Entry_Place{Place: &pb.Place{
				Stream: r.Id, Origin: now.Origin, Standby: now.Standby, Expect: was.GetEpoch(),
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
