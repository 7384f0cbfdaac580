package agent

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtp"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/stream"
)

// An audience is viewers by stream, on an edge that is loaded to three quarters.
type audience map[string]int

func (a audience) Viewers() map[string]int { return a }
func (audience) Load() float64             { return 0.75 }

func TestFacts(t *testing.T) {
	table := stream.NewTable()
	formats := []stream.Format{
		{Track: "v", Kind: stream.Video, RID: "h", Codec: stream.Codec{Name: "VP8", ClockRate: 90000}, Width: 640, Height: 360},
		{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}},
	}
	st := stream.New("town-hall", 3, []string{"origin-1", "edge-1"}, formats, func(*stream.Flow) {})
	table.Put(st)
	r := NewReporter(Self{WHEP: "http://127.0.0.1:1/whep", RTT: "http://127.0.0.1:1/rtt"}, table, audience{"town-hall": 4, "other": 1})

	now := time.Unix(1000, 0)
	f := r.Facts(now)
	if f.Viewers != 5 || f.LoadPermille != 750 || f.Rtt != "http://127.0.0.1:1/rtt" || len(f.Streams) != 1 || f.Streams[0].Live {
		t.Fatalf("before media: %v", f)
	}
	packet := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: 7}, Payload: make([]byte, 988)} // 1,000 bytes
	b, err := packet.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if _, err := st.Flows[0].Write(b, now); err != nil {
		t.Fatal(err)
	}
	s := r.Facts(now).Streams[0]
	if !s.Live || s.Viewers != 4 || s.Upstream != "edge-1" || s.Hops != 2 || s.Epoch != 3 {
		t.Errorf("stream facts: %v", s)
	}
	if fl := s.Flows[0]; fl.BitrateBps != 8000 || fl.Rid != "h" || fl.Codec != "VP8" || fl.Width != 640 {
		t.Errorf("flow facts: %v", fl)
	}
	// Asked again at once: the rate of the whole second stands.
	if got := r.Facts(now.Add(50 * time.Millisecond)).Streams[0].Flows[0].BitrateBps; got != 8000 {
		t.Errorf("bitrate 50 ms later is %d, want 8000", got)
	}
	table.Remove(st)
	if r.Facts(now); len(r.rates) != 0 {
		t.Errorf("%d flows are remembered that are gone", len(r.rates))
	}
}

func TestFactsFitTheWire(t *testing.T) {
	table := stream.NewTable()
	var formats []stream.Format
	for i := range 8 {
		formats = append(formats, stream.Format{Track: fmt.Sprintf("a-track-with-a-long-name-%d", i), Kind: stream.Video, Codec: stream.Codec{Name: "H264"}})
	}
	for i := range 300 {
		table.Put(stream.New(fmt.Sprintf("a-stream-with-a-long-name-%d", i), 1, []string{"origin-1"}, formats, func(*stream.Flow) {}))
	}
	f := NewReporter(Self{}, table, nil).Facts(time.Now())
	if len(f.Streams) != maxStreams || proto.Size(f) > MaxUp {
		t.Errorf("%d streams in %d bytes, want %d in at most %d", len(f.Streams), proto.Size(f), maxStreams, MaxUp)
	}
}
