package edge

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
	"freshet/edge/admit"
	"freshet/proto/rtpq"
)

// supply writes packets of made-up bytes to a stream's flows.
type supply struct {
	t   *testing.T
	s   *stream.Stream
	seq []uint16
	now time.Time
}

func newSupply(t *testing.T) *supply {
	vp8 := stream.Codec{Name: "VP8", ClockRate: 90000}
	s := stream.New("floor", 1, nil, []stream.Format{
		{Track: "v", Kind: stream.Video, RID: "q", Rank: 0, Codec: vp8},
		{Track: "v", Kind: stream.Video, RID: "f", Rank: 1, Codec: vp8},
		{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}},
	}, func(*stream.Flow) {})
	return &supply{t: t, s: s, seq: make([]uint16, 3), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
}

// second lets one pass, in which so many packets of 1,000 bytes come on each flow.
func (p *supply) second(packets ...int) time.Time {
	p.t.Helper()
	p.now = p.now.Add(time.Second)
	for i, n := range packets {
		for range n {
			b, err := (&rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: rtpq.TypeVideo, SequenceNumber: p.seq[i]},
				Payload: make([]byte, 1000-12),
			}).Marshal()
			if err != nil {
				p.t.Fatal(err)
			}
			if _, err := p.s.Flows[i].Write(b, p.now); err != nil {
				p.t.Fatal(err)
			}
			p.seq[i]++
		}
	}
	return p.now
}

func TestForecast(t *testing.T) {
	p := newSupply(t)
	var f forecast
	streams := []*stream.Stream{p.s}
	look := func(packets ...int) map[string]admit.Rate { return f.look(p.second(packets...), streams) }

	if got := look(500, 1000, 500); len(got) != 0 {
		t.Errorf("a stream seen for the first time: got %v, want nothing", got)
	}
	if got := look(300, 900, 200); len(got) != 0 {
		t.Errorf("what came as fast as it could: got %v, want nothing", got)
	}
	// The best layer and the sound.
	if got, want := look(30, 100, 50)["floor"], (admit.Rate{Packets: 150, Bits: 1_200_000}); got != want {
		t.Errorf("a second of it: got %+v, want %+v", got, want)
	}
	if got := f.look(p.now.Add(forecastEvery/2), streams)["floor"]; got.Packets != 150 {
		t.Errorf("half a second later: got %+v, want the same", got)
	}
	// A key frame raises it by a quarter of itself, and a layer that sleeps will bring as much again.
	if got := look(30, 140, 50)["floor"]; got.Packets != 160 {
		t.Errorf("a key frame of 40 packets: got %+v, want 160 packets", got)
	}
	if got := look(30, 0, 50)["floor"]; got.Packets != 160 {
		t.Errorf("the best layer sleeps: got %+v, want 160 packets", got)
	}
	streams = nil
	if got := look(30, 0, 50); len(got) != 0 {
		t.Errorf("a stream that is gone: got %v, want nothing", got)
	}
}
