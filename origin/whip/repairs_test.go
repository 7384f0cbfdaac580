package whip

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"
)

// A packet that came by retransmission is not asked for again; one that did not is.
func TestRepairedPacketsAreNotAskedForAgain(t *testing.T) {
	const ssrc = 7
	s := newSession("s", &plan{flows: make([]flow, 2)}, slog.New(slog.DiscardHandler), newMetrics(prometheus.NewRegistry()))
	s.media[1].Store(ssrc)
	h := hooks{repaired: s.repaired, nack: s.metrics.nack, rtcp: s.takeRTCP}
	registry, err := newInterceptors(h)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := registry.Build("")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan []uint16, 64)
	chain.BindRTCPWriter(interceptor.RTCPWriterFunc(func(all []rtcp.Packet, _ interceptor.Attributes) (int, error) {
		for _, p := range all {
			if n, ok := p.(*rtcp.TransportLayerNack); ok {
				var seqs []uint16
				for _, pair := range n.Nacks {
					seqs = append(seqs, pair.PacketList()...)
				}
				asked <- seqs
			}
		}
		return 0, nil
	}))
	next := uint16(0)
	reader := chain.BindRemoteStream(
		&interceptor.StreamInfo{SSRC: ssrc, ClockRate: 90000, RTCPFeedback: []interceptor.RTCPFeedback{{Type: "nack"}}},
		interceptor.RTPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
			p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: next}}
			n, err := p.MarshalTo(b)
			return n, a, err
		}))
	come := func(seqs ...uint16) {
		for _, next = range seqs {
			if _, _, err := reader.Read(make([]byte, 100), interceptor.Attributes{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func() []uint16 {
		select {
		case seqs := <-asked:
			return seqs
		case <-time.After(5 * time.Second):
			t.Fatal("nothing was asked for")
			return nil
		}
	}

	come(1, 2, 4)
	if got := ask(); !slices.Equal(got, []uint16{3}) {
		t.Fatalf("asked for %v, want 3", got)
	}
	s.repairs[1].add(3, time.Now())
	come(6)
	for seqs := ask(); !slices.Contains(seqs, 5); seqs = ask() { // one for 3 may have been under way
	}
	for range 3 {
		if got := ask(); !slices.Equal(got, []uint16{5}) {
			t.Fatalf("asked for %v, want 5 alone", got)
		}
	}
	if err := chain.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRepairs(t *testing.T) {
	r, now := &repairs{}, time.Now()
	r.add(0, now)
	r.add(65535, now)
	for _, c := range []struct {
		seq   uint16
		after time.Duration
		want  bool
	}{
		{0, 0, true},
		{65535, time.Second, true},
		{0, repairLife, false}, // by then the number may be another packet's
		{1024, 0, false},       // of the same place
		{1, 0, false},          // never
	} {
		if got := r.has(c.seq, now.Add(c.after)); got != c.want {
			t.Errorf("%d after %v: %v", c.seq, c.after, got)
		}
	}
}
