package agent

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// A script is a connection whose other end has said all it will say.
type script struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
}

func (s *script) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error)      { return s.out.Write(b) }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

func line(t testing.TB, m proto.Message) []byte {
	s := &script{}
	if err := NewWire(s, MaxUp).Send(m); err != nil {
		t.Fatal(err)
	}
	return s.out.Bytes()
}

func TestWireBounds(t *testing.T) {
	long := &pb.AgentUp{Body: &pb.AgentUp_Hello{Hello: &pb.AgentHello{Node: string(make([]byte, MaxUp))}}}
	err := NewWire(&script{in: bytes.NewReader(line(t, long))}, MaxUp).Receive(&pb.AgentUp{})
	if err == nil {
		t.Error("took a message over the bound")
	}
	// A length alone must not cost memory.
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	if err := NewWire(&script{in: bytes.NewReader(huge)}, MaxUp).Receive(&pb.AgentUp{}); err == nil {
		t.Error("took a huge length")
	}
	cut := line(t, &pb.AgentUp{Body: &pb.AgentUp_Facts{Facts: &pb.NodeFacts{Sequence: 1}}})
	if err := NewWire(&script{in: bytes.NewReader(cut[:len(cut)-1])}, MaxUp).Receive(&pb.AgentUp{}); err == nil {
		t.Error("took half a message")
	}
}

func FuzzWire(f *testing.F) {
	f.Add(line(f, &pb.AgentUp{Body: &pb.AgentUp_Hello{Hello: &pb.AgentHello{Node: "edge-1", Role: "edge", Version: 3}}}))
	f.Add(line(f, &pb.AgentUp{Body: &pb.AgentUp_Facts{Facts: &pb.NodeFacts{Streams: []*pb.StreamFacts{{Id: "a"}}}}}))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		w := NewWire(&script{in: bytes.NewReader(b)}, 4096)
		for {
			m := &pb.AgentUp{}
			if w.Receive(m) != nil {
				return
			}
			again := &pb.AgentUp{}
			err := protodelim.UnmarshalFrom(bytes.NewReader(line(t, m)), again)
			if err != nil || !proto.Equal(m, again) {
				t.Fatalf("round trip: %v became %v, %v", m, again, err)
			}
		}
	})
}

func FuzzDelta(f *testing.F) {
	seed, err := proto.Marshal(&pb.AgentDown{Body: &pb.AgentDown_Delta{Delta: &pb.Delta{
		From: 1, To: 2, Streams: []*pb.StreamRecord{Record("b", "k")}, Gone: []string{"a"},
		TokenKeys: &pb.TokenKeys{Keys: []*pb.PublicKey{{Id: "k1", Ed25519: make([]byte, 32)}}}, Revoked: []string{"s1"}, Over: []string{"s0"},
	}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &pb.AgentDown{}
		if proto.Unmarshal(b, m) != nil {
			return
		}
		s := NewState(Record("a", "k"))
		s.version = 1
		if d := m.GetDelta(); d != nil && s.change(d) == nil && s.Version() <= 1 {
			t.Fatalf("version went from 1 to %d", s.Version())
		}
		if n := m.GetSnapshot(); n != nil {
			s.replace(n)
		}
		_ = s.CheckKey("a", "k")
		_, _ = s.CheckViewer("b", "", time.Time{})
	})
}
