package proto_test

import (
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// quorumMessages holds each message of the quorum with every field set, and each body of its envelopes.
func quorumMessages() []proto.Message {
	key, secret, request := []byte{1, 2}, []byte{3, 4}, []byte{5, 6}
	node := &pb.PutNode{Node: "edge-1", Role: "edge", Region: "yul", Key: key}
	admin := &pb.SetAdmin{Node: "edge-1", State: pb.AdminState_ADMIN_STATE_DRAINING}
	remove := &pb.RemoveNode{Node: "edge-1"}
	add := &pb.AddToken{SecretSha256: secret, Role: "edge", Region: "yul", ValidMs: 600_000}
	use := &pb.UseToken{SecretSha256: secret, Node: node}
	place := &pb.Place{Stream: "sample", Origin: "origin-1", Standby: "origin-2", Expect: 3}
	unplace := &pb.Unplace{Stream: "sample", Expect: 4}
	hub := &pb.Hub{Node: "edge-1", Region: "yul", Parent: "edge-2"}
	tree := &pb.SetTree{Stream: "sample", Epoch: 4, Expect: 7, Hubs: []*pb.Hub{hub}}
	put := &pb.PutKey{Kind: pb.KeyKind_KEY_KIND_SIGNING, Id: "k1", Public: key, Sealed: secret}
	useKey := &pb.UseKey{Kind: pb.KeyKind_KEY_KIND_GOSSIP, Id: "k1"}
	retire := &pb.RetireKey{Kind: pb.KeyKind_KEY_KIND_GOSSIP, Id: "k1"}
	setting := &pb.PutSetting{Name: "voters", Value: secret}
	entry := func(e *pb.Entry) *pb.Entry {
		e.Version, e.Request, e.AtUnixMs = 1, request, 1
		return e
	}
	placed := entry(&pb.Entry{Body: &pb.Entry_Place{Place: place}})

	outcome := &pb.Outcome{Verdict: pb.Verdict_VERDICT_STALE, Number: 4, Index: 9}
	record := &pb.NodeRecord{Node: "edge-1", Role: "edge", Region: "yul", Key: key, State: pb.AdminState_ADMIN_STATE_CORDONED, AtUnixMs: 1}
	removed := &pb.RemovedNode{Node: "edge-3", Key: key, AtUnixMs: 1}
	token := &pb.JoinToken{SecretSha256: secret, Role: "edge", Region: "yul", ExpiresUnixMs: 1, UsedBy: "edge-1"}
	placement := &pb.Placement{Stream: "sample", Origin: "origin-1", Standby: "origin-2", Epoch: 4, AtUnixMs: 1}
	unplaced := &pb.Unplaced{Stream: "old", Epoch: 2}
	kept := &pb.Tree{Stream: "sample", Version: 8, Epoch: 4, Hubs: []*pb.Hub{hub}}
	keyRecord := &pb.KeyRecord{Kind: pb.KeyKind_KEY_KIND_SIGNING, Id: "k1", Public: key, Sealed: secret, InUse: true, AtUnixMs: 1}
	value := &pb.Setting{Name: "voters", Value: secret}
	answered := &pb.Answered{Request: request, Outcome: outcome}
	ledger := &pb.Ledger{
		Version: 1, Index: 9, Nodes: []*pb.NodeRecord{record}, Removed: []*pb.RemovedNode{removed}, Tokens: []*pb.JoinToken{token},
		Placements: []*pb.Placement{placement}, Trees: []*pb.Tree{kept}, Unplaced: []*pb.Unplaced{unplaced}, EpochFloor: 2,
		Keys: []*pb.KeyRecord{keyRecord}, Settings: []*pb.Setting{value}, Answered: []*pb.Answered{answered},
	}

	join := &pb.JoinCall{Node: "control-2", Address: "c:1"}
	leave := &pb.LeaveCall{Node: "control-2"}
	read := &pb.ReadAnswer{Index: 9}
	probe := &pb.ProbeAnswer{Node: "control-2", Last: 10, Applied: 9, Version: 1, Trouble: "x", Leads: true, Voters: 3}
	refused := &pb.Refused{Failure: pb.Failure_FAILURE_NOT_LEADER, Leader: "c:1"}

	return []proto.Message{
		entry(&pb.Entry{Body: &pb.Entry_PutNode{PutNode: node}}),
		entry(&pb.Entry{Body: &pb.Entry_SetAdmin{SetAdmin: admin}}),
		entry(&pb.Entry{Body: &pb.Entry_RemoveNode{RemoveNode: remove}}),
		entry(&pb.Entry{Body: &pb.Entry_AddToken{AddToken: add}}),
		entry(&pb.Entry{Body: &pb.Entry_UseToken{UseToken: use}}),
		placed,
		entry(&pb.Entry{Body: &pb.Entry_Unplace{Unplace: unplace}}),
		entry(&pb.Entry{Body: &pb.Entry_SetTree{SetTree: tree}}),
		entry(&pb.Entry{Body: &pb.Entry_PutKey{PutKey: put}}),
		entry(&pb.Entry{Body: &pb.Entry_UseKey{UseKey: useKey}}),
		entry(&pb.Entry{Body: &pb.Entry_RetireKey{RetireKey: retire}}),
		entry(&pb.Entry{Body: &pb.Entry_PutSetting{PutSetting: setting}}),
		node, admin, remove, add, use, place, unplace, hub, tree, put, useKey, retire, setting,
		ledger, record, removed, token, placement, unplaced, kept, keyRecord, value, answered, outcome,
		&pb.QuorumCall{Body: &pb.QuorumCall_Apply{Apply: placed}},
		&pb.QuorumCall{Body: &pb.QuorumCall_Read{Read: &pb.ReadCall{}}},
		&pb.QuorumCall{Body: &pb.QuorumCall_Join{Join: join}},
		&pb.QuorumCall{Body: &pb.QuorumCall_Leave{Leave: leave}},
		&pb.QuorumCall{Body: &pb.QuorumCall_Probe{Probe: &pb.ProbeCall{}}},
		&pb.QuorumAnswer{Body: &pb.QuorumAnswer_Refused{Refused: refused}},
		&pb.QuorumAnswer{Body: &pb.QuorumAnswer_Applied{Applied: outcome}},
		&pb.QuorumAnswer{Body: &pb.QuorumAnswer_Read{Read: read}},
		&pb.QuorumAnswer{Body: &pb.QuorumAnswer_Probe{Probe: probe}},
		&pb.QuorumAnswer{Body: &pb.QuorumAnswer_Changed{Changed: &pb.Changed{}}},
		join, leave, read, probe, refused, &pb.ReadCall{}, &pb.ProbeCall{}, &pb.Changed{},
	}
}
