package proto_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "freshet/proto"
)

// messages holds each message of the relay, of the agent, of enrolment, of gossip and of the quorum with every field set,
// and each body of the envelopes.
func messages() []proto.Message {
	have := &pb.Have{Track: "v", Rid: "h", Sequence: 65535, Idle: true}
	video := &pb.Flow{Flow: 300, Track: "v", Kind: pb.Kind_KIND_VIDEO, Rid: "h", Rank: 2, Codec: "H264", ClockRate: 90000, Channels: 1,
		Fmtp: "packetization-mode=1", Red: true, Width: 1280, Height: 720, Live: 65535, Started: true}
	flowStats := &pb.FlowStats{Flow: 1, Received: 1000, Missing: 5, Repaired: 3, Duplicates: 2, Gone: 1}
	hello := &pb.Hello{Version: 1, Node: "edge-1", Role: "edge", Link: 1 << 63, Index: 1, Count: 4, Region: "yul"}
	subscribe := &pb.Subscribe{Id: 1, Stream: "sample", Epoch: 3, Hops: []string{"edge-2", "edge-1"}, Layers: []string{"l", "h"}, Have: []*pb.Have{have}, Wait: true}
	accept := &pb.Accept{Id: 1, Stream: "sample", Epoch: 3, Flows: []*pb.Flow{video}, Hops: []string{"origin-1"}}
	refuse := &pb.Refuse{Id: 1, Reason: pb.RefuseReason_REFUSE_REASON_NO_UPSTREAM, Detail: "x"}
	group := &pb.GroupStart{Flow: 300, First: 65535, Count: 12}
	pause := &pb.Pause{Flows: []uint64{1, 300}, Paused: true}
	keyframe := &pb.Keyframe{Flow: 300}
	end := &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_LOST}
	stats := &pb.Stats{Flows: []*pb.FlowStats{flowStats}}
	unsubscribe := &pb.Unsubscribe{Id: 1}
	watch := &pb.Watch{Id: 1, Flows: []uint64{1, 300}}
	renew := &pb.Renew{Index: 3}
	hop := &pb.HopStats{Node: "edge-1", Upstream: "origin-1", RttUs: 100_000, Received: 1000, Lost: 20, RepairedBelow: 19, Missing: 2, Repaired: 1,
		Gone: 1, Late: 3, Shed: 1, RoomBps: 2_000_000, RateBps: 3_550_000, Switches: 1}
	way := &pb.Route{Id: 1, Hops: []*pb.HopStats{hop}}

	record := &pb.StreamRecord{Id: "sample", Event: "launch", KeySha256: []byte{1, 2}, State: pb.StreamState_STREAM_STATE_CLOSED, Origin: "origin-1", Epoch: 3, Open: true, ViewerEpoch: 2, Hidden: true, Standby: "origin-2", Hubs: []*pb.Hub{{Node: "edge-1", Region: "yul", Parent: "origin-1"}}}
	key := &pb.PublicKey{Id: "k1", Ed25519: []byte{3, 4}}
	admin := &pb.NodeAdmin{Node: "edge-1", State: pb.AdminState_ADMIN_STATE_DRAINING}
	cluster := &pb.Cluster{Admin: []*pb.NodeAdmin{admin}, Removed: []*pb.RemovedNode{{Node: "edge-9", Key: []byte{5}, AtUnixMs: 1}}, GossipKeys: [][]byte{{6}}}
	snapshot := &pb.Snapshot{Version: 7, Streams: []*pb.StreamRecord{record}, TokenKeys: []*pb.PublicKey{key}, Revoked: []string{"t1"}, Cluster: cluster}
	keys := &pb.TokenKeys{Keys: []*pb.PublicKey{key}}
	delta := &pb.Delta{From: 7, To: 8, Streams: []*pb.StreamRecord{record}, Gone: []string{"old"}, TokenKeys: keys, Revoked: []string{"t1"}, Over: []string{"t0"}, Cluster: cluster}
	ack := &pb.Ack{Sequence: 9}
	position := &pb.Position{Latitude: 45.5, Longitude: -73.5}
	agentHello := &pb.AgentHello{Node: "edge-1", Role: "edge", Region: "yul", Version: 7, Software: "v1", Position: position}
	flowFacts := &pb.FlowFacts{Track: "v", Rid: "h", Codec: "VP8", Width: 1280, Height: 720, BitrateBps: 2_500_000}
	streamFacts := &pb.StreamFacts{Id: "sample", Epoch: 3, Live: true, Viewers: 2, Upstream: "origin-1", Hops: 1, Flows: []*pb.FlowFacts{flowFacts}, LayerKbps: []uint32{300}, LossPermille: 15}
	facts := &pb.NodeFacts{Sequence: 9, Whip: "http://o/whip", Whep: "http://e/whep", Relay: "e:1", Metrics: "http://e/metrics", Pid: 42, Viewers: 2, Streams: []*pb.StreamFacts{streamFacts}, Rtt: "http://e/rtt", LoadPermille: 500, CapacityMbps: 1000}
	session := &pb.SessionFact{Session: "s1", Stream: "sample", Event: pb.SessionEvent_SESSION_EVENT_LEAVE, AtUnixMs: 1}
	sessions := &pb.SessionFacts{Sequence: 10, Facts: []*pb.SessionFact{session}}

	return append(slices.Concat(enrolMessages(), meshMessages(), quorumMessages()), []proto.Message{
		&pb.RelayMessage{Body: &pb.RelayMessage_Hello{Hello: hello}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Subscribe{Subscribe: subscribe}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Accept{Accept: accept}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Refuse{Refuse: refuse}},
		&pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: group}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: pause}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Keyframe{Keyframe: keyframe}},
		&pb.RelayMessage{Body: &pb.RelayMessage_End{End: end}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Stats{Stats: stats}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Unsubscribe{Unsubscribe: unsubscribe}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Watch{Watch: watch}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Renew{Renew: renew}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Route{Route: way}},
		hello, subscribe, have, accept, video, refuse, group, pause, keyframe, end, stats, flowStats, unsubscribe,
		watch, renew, way, hop,
		&pb.AgentDown{Body: &pb.AgentDown_Snapshot{Snapshot: snapshot}},
		&pb.AgentDown{Body: &pb.AgentDown_Delta{Delta: delta}},
		&pb.AgentDown{Body: &pb.AgentDown_Ack{Ack: ack}},
		&pb.AgentUp{Body: &pb.AgentUp_Hello{Hello: agentHello}},
		&pb.AgentUp{Body: &pb.AgentUp_Facts{Facts: facts}},
		&pb.AgentUp{Body: &pb.AgentUp_Sessions{Sessions: sessions}},
		snapshot, delta, ack, cluster, admin, record, key, keys, agentHello, position, facts, streamFacts, flowFacts, sessions, session,
	}...)
}

func meshMessages() []proto.Message {
	addresses := &pb.Addresses{Whip: "http://o/whip", Whep: "http://e/whep", Relay: "e:1", Mesh: "c:1", Http: "http://e", Metrics: "http://e/metrics", Gossip: "192.0.2.1:3", Rtt: "http://e/rtt"}
	coordinate := &pb.Coordinate{Vec: []float32{1, -2}, Error: 0.5, Adjustment: 0.25, Height: 0.125}
	announcement := &pb.Announcement{Stream: "sample", Epoch: 1 << 63, Live: true, Hops: 1, Viewers: 2, Upstream: "origin-1", LayerKbps: []uint32{300, 900}, LossPermille: 15}
	state := &pb.NodeState{Node: "edge-1", Boot: 1 << 63, StartedMs: 1, Version: 9, Part: 1, Parts: 2, Role: "edge", Region: "yul", Lat: 45.5, Lon: -73.5,
		Addresses: addresses, Software: "v1", CapacityMbps: 1000, Pid: 7, GossipKeys: []uint32{1 << 31, 2}, LoadPermille: 500, Viewers: 2, Drain: pb.DrainState_DRAIN_STATE_DRAINING, Coordinate: coordinate,
		Leaving: true, Announcements: []*pb.Announcement{announcement}}
	signed := &pb.SignedState{State: []byte{1}, Signature: []byte{2}, Certificate: []byte{3}}
	gossip := &pb.MeshMessage{State: signed, Certificate: []byte{4}}
	heard := &pb.HeardState{State: signed, AgeMs: 300}
	exchange := &pb.MeshState{Certificates: [][]byte{{4}}, States: []*pb.HeardState{heard}}

	return []proto.Message{
		gossip, signed, exchange, heard, state, addresses, coordinate, announcement,
	}
}

func enrolMessages() []proto.Message {
	enrol := &pb.EnrolRequest{Secret: []byte{1, 2}, Csr: []byte{3, 4}, Node: "edge-1", Role: "edge", Region: "yul", Software: "v1"}
	renew := &pb.RenewRequest{Csr: []byte{3, 4}, Software: "v1"}
	mesh := &pb.MeshSeed{Controls: []string{"c:1"}, Gossip: []string{"c:3"}, GossipKeys: [][]byte{{5, 6}}, Region: "yul", Own: "c:2"}
	secrets := &pb.ControlSecrets{Root: []byte{7}, SignSeed: []byte{8}, Ca: []byte{9}}
	answer := &pb.EnrolAnswer{Certificate: []byte{10}, Ca: []byte{11}, Region: "yul", Mesh: mesh, Secrets: secrets}
	refusal := &pb.EnrolRefusal{Code: pb.EnrolCode_ENROL_CODE_CERTIFICATE, Text: "x"}
	return []proto.Message{
		&pb.EnrolUp{Body: &pb.EnrolUp_Enrol{Enrol: enrol}},
		&pb.EnrolUp{Body: &pb.EnrolUp_Renew{Renew: renew}},
		&pb.EnrolDown{Body: &pb.EnrolDown_Answer{Answer: answer}},
		&pb.EnrolDown{Body: &pb.EnrolDown_Refusal{Refusal: refusal}},
		enrol, renew, answer, mesh, secrets, refusal,
	}
}

// label names a row: the message, and for an envelope the body it carries.
func label(m proto.Message) string {
	r := m.ProtoReflect()
	name := string(r.Descriptor().Name())
	if oneofs := r.Descriptor().Oneofs(); oneofs.Len() > 0 {
		return name + "." + string(r.WhichOneof(oneofs.Get(0)).Name())
	}
	return name
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes of each message are those of testdata/golden.txt: nodes of two versions understand each
// other. A field may be added there; a line that changes otherwise breaks the mesh.
func TestGoldenBytes(t *testing.T) {
	content, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, bytes, _ := strings.Cut(strings.TrimSpace(line), " ")
		golden[name] = bytes
	}
	for _, m := range messages() {
		name := label(m)
		if got := hex.EncodeToString(marshal(t, m)); got != golden[name] {
			t.Errorf("the line of %s should be\n%s %s", name, name, got)
		}
		again := m.ProtoReflect().New().Interface()
		b, err := hex.DecodeString(golden[name])
		if err != nil {
			t.Fatal(err)
		}
		if err := proto.Unmarshal(b, again); err != nil || !proto.Equal(again, m) {
			t.Errorf("%s reads back as %v, %v", name, again, err)
		}
		delete(golden, name)
	}
	for name := range golden {
		t.Errorf("golden.txt has a line for %s, which nothing makes", name)
	}
}

// No message, no body and no field may be without a golden line.
func TestGoldenIsComplete(t *testing.T) {
	have := map[string]bool{}
	for _, m := range messages() {
		r := m.ProtoReflect()
		have[label(m)] = true
		if r.Descriptor().Oneofs().Len() > 0 {
			continue
		}
		fields := r.Descriptor().Fields()
		for i := range fields.Len() {
			if !r.Has(fields.Get(i)) {
				t.Errorf("%s lacks a value", fields.Get(i).FullName())
			}
		}
	}
	for _, file := range []protoreflect.FileDescriptor{pb.File_relay_proto, pb.File_agent_proto, pb.File_enrol_proto, pb.File_mesh_proto, pb.File_quorum_proto} {
		all := file.Messages()
		for i := range all.Len() {
			m := all.Get(i)
			want := []string{string(m.Name())}
			if m.Oneofs().Len() > 0 {
				want = nil
				bodies := m.Oneofs().Get(0).Fields()
				for j := range bodies.Len() {
					want = append(want, fmt.Sprintf("%s.%s", m.Name(), bodies.Get(j).Name()))
				}
			}
			for _, name := range want {
				if !have[name] {
					t.Errorf("%s has no golden line", name)
				}
			}
		}
	}
}

func fuzzMessage(f *testing.F, empty proto.Message) {
	for _, m := range messages() {
		if m.ProtoReflect().Descriptor() == empty.ProtoReflect().Descriptor() {
			f.Add(marshal(f, m))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := empty.ProtoReflect().New().Interface()
		if proto.Unmarshal(b, m) != nil {
			return
		}
		again := empty.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(marshal(t, m), again); err != nil || !proto.Equal(again, m) {
			t.Fatalf("%v became %v, %v", m, again, err)
		}
	})
}

func FuzzAgentDown(f *testing.F)    { fuzzMessage(f, &pb.AgentDown{}) }
func FuzzAgentUp(f *testing.F)      { fuzzMessage(f, &pb.AgentUp{}) }
func FuzzQuorumCall(f *testing.F)   { fuzzMessage(f, &pb.QuorumCall{}) }
func FuzzQuorumAnswer(f *testing.F) { fuzzMessage(f, &pb.QuorumAnswer{}) }
