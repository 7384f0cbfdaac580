package edge

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/stream"
	"freshet/edge/admit"
	"freshet/edge/egress"
	"freshet/proto/rtpq"
)

// An edge that nobody told its capacity is full when its loop has more to do than time, and answers all the same;
// when that is over it takes viewers again.
func TestBusyEdgeIsFull(t *testing.T) {
	const viewers = 1500 // a packet to each takes a loop more than the millisecond in which the next one comes
	opus := stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}
	s := stream.New("floor", 1, nil, []stream.Format{{Track: "a", Kind: stream.Audio, Codec: opus}}, func(*stream.Flow) {})
	mesh := one{s, make(chan struct{})}
	e, err := New(Config{Node: "test", Media: "127.0.0.1:0"},
		Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Puller: mesh})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) // nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sink.Close() }()
	to := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	for i := range viewers {
		var key [16]byte
		binary.BigEndian.PutUint32(key[:], uint32(i))
		k := egress.Keys{Out: key[:], OutSalt: make([]byte, 12), In: key[:], InSalt: make([]byte, 12)}
		j := egress.Join{
			Session: fmt.Sprint(i), StreamID: "floor", Source: source{s}, CName: "c", Log: slog.New(slog.DiscardHandler),
			Local: egress.Credentials{Ufrag: fmt.Sprint("ufrag", i)},
			Audio: egress.Media{Form: egress.Form{Type: 111}, Codec: opus, SSRC: uint32(i)},
			Ready: func() {}, Ended: func(egress.Reason) {},
		}
		if err := e.egress.Pick().Adopt(ctx, j, to, k); err != nil {
			t.Fatal(err)
		}
	}
	full := func() admit.Reason {
		p, why := e.gate.Enter("floor")
		if why == admit.Open {
			p.Leave()
		}
		return why
	}
	wait(t, "an edge that has nothing to do to be open", func() bool { return full() == admit.Open })
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := uint16(0); ; n++ {
			b, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: rtpq.TypeOpus, SequenceNumber: n}, Payload: make([]byte, 80)}).Marshal()
			if err == nil {
				_, err = s.Flows[0].Write(b, time.Now())
			}
			if err != nil {
				panic(err) // our own bytes
			}
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	offer, err := os.ReadFile("whep/testdata/audio.sdp")
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "a busy edge to be full", func() bool { why := full(); return why == admit.FullBusy || why == admit.FullLate })
	var longest time.Duration
	for range 20 {
		q := httptest.NewRequest(http.MethodPost, "/whep/floor", strings.NewReader(strings.ReplaceAll(string(offer), "\n", "\r\n")))
		q.Header.Set("Content-Type", "application/sdp")
		w := httptest.NewRecorder()
		began := time.Now()
		e.Handler().ServeHTTP(w, q)
		longest = max(longest, time.Since(began))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" {
			t.Errorf("got %d, Retry-After %q: %s; want 503 and 2", w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
	t.Logf("refused, %s: the longest of 20 answers took %v", full(), longest)
	close(stop)
	<-stopped
	wait(t, "the edge to take viewers again", func() bool { return full() == admit.Open })
}

// source is a stream that stays as it is.
type source struct{ s *stream.Stream }

func (s source) Stream() *stream.Stream { return s.s }

// wait returns once ok holds; the test ends where that takes too long.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
