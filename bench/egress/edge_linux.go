package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/stream"
	"freshet/edge/egress"
)

const (
	warmUp = 2 * time.Second
	settle = 500 * time.Millisecond // a key frame that was written since may be on its way
)

// An edgeOrder is what the edge's process is told to do.
type edgeOrder struct {
	Viewers []uint16 `json:"viewers"` // ports of the fake viewers
	Shards  int      `json:"shards"`
	CM      bool     `json:"cm"`      // viewers know only AES-CM
	Key     int      `json:"key"`     // packets of a key frame; 0: as many as of any other
	Windows int      `json:"windows"` // to measure
	Millis  int      `json:"ms"`      // of each
}

// An edgeReady is what it says once all viewers are seated: each viewer's shard is its number modulo the shards.
type edgeReady struct {
	Ports []uint16 `json:"ports"`
}

// An edgeFound is what it measured.
type edgeFound struct {
	Windows []window `json:"windows"`
	Keys    []int64  `json:"keys"` // when key frames were written, in nanoseconds of the wall clock
}

// A window is some time of an edge's work.
type window struct {
	Seconds    float64 `json:"seconds"`
	Asked      int     `json:"asked"`   // packets that viewers should have had
	Sent       int     `json:"sent"`    // handed to the kernel
	Resent     int     `json:"resent"`  // of those, asked for again
	Dropped    int     `json:"dropped"` // the kernel took no more, or too late
	MicrosEach float64 `json:"us_each"` // processor time of a packet sent
	Cores      float64 `json:"cores"`
	RSS        int     `json:"rss_bytes"`   // at its end
	WaitP99    float64 `json:"wait_p99_ms"` // from a batch's first packet to its last in the kernel
	PerMessage float64 `json:"per_message"` // packets
	Nacks      int     `json:"nacks"`       // packets asked for again
	Feedbacks  int     `json:"feedbacks"`   // transport-wide ones that were taken
	Unknown    int     `json:"unknown"`     // packets they told of that were never sent
	Hostile    int     `json:"hostile"`     // datagrams dropped for what they are
	Switches   int     `json:"switches"`    // viewers that went to another layer, or ended
}

// runEdge serves the fake viewers that it is told of on standard input, and says what that took.
func runEdge(ctx context.Context, p *pipe) error {
	var order edgeOrder
	if err := p.hear(&order); err != nil {
		return err
	}
	reg := prometheus.NewRegistry()
	e, err := egress.New(egress.Config{
		Media: netip.MustParseAddrPort("127.0.0.1:0"), Shards: order.Shards, Certificate: tls.Certificate{},
	}, egress.Deps{Log: slog.New(slog.DiscardHandler), Metrics: reg})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	var failed error
	wg.Go(func() { failed = e.Run(ctx) })
	s := stream.New("fake", 1, nil, []stream.Format{
		{Track: "v", Kind: stream.Video, Codec: stream.Codec{Name: "VP8", ClockRate: 90000}},
		{Track: "a", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}},
	}, func(*stream.Flow) {})
	if err := seat(ctx, e, s, order); err != nil {
		return err
	}
	pub := &publisher{video: s.Flows[0], sound: s.Flows[1], key: order.Key}
	wg.Go(func() { pub.run(ctx) })
	if err := p.say(edgeReady{e.Ports()}); err != nil {
		return err
	}
	if err := p.hear(new(struct{})); err != nil { // feedback begins
		return err
	}
	found, err := measure(ctx, reg, pub, order)
	if err != nil {
		return err
	}
	stop()
	wg.Wait()
	if failed != nil {
		return failed
	}
	return p.say(found)
}

type fakeSource struct{ s *stream.Stream }

func (f fakeSource) Stream() *stream.Stream { return f.s }

// seat has each viewer adopted by its shard.
func seat(ctx context.Context, e *egress.Egress, s *stream.Stream, order edgeOrder) error {
	for n, port := range order.Viewers {
		video, sound := ssrcsOf(n)
		err := e.Pick().Adopt(ctx, egress.Join{
			Session: "fake-" + strconv.Itoa(n), StreamID: s.ID, Source: fakeSource{s}, CName: "edge", Log: slog.New(slog.DiscardHandler),
			Local: egress.Credentials{Ufrag: "edge-" + strconv.Itoa(n), Pwd: "the-password-of-the-edge"},
			Peer:  egress.Credentials{Ufrag: "fake", Pwd: "the-password-of-the-viewer"},
			Video: egress.Media{
				Form: egress.Form{Type: typeVideo, Transport: transportID}, Codec: s.Flows[0].Format.Codec,
				RTX: typeAgain, SSRC: video, RTXSSRC: video + 5,
			},
			Audio: egress.Media{Form: egress.Form{Type: typeSound, Transport: transportID}, Codec: s.Flows[1].Format.Codec, SSRC: sound},
			Ready: func() {}, Ended: func(egress.Reason) {},
		}, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), keysOf(n, order.CM))
		if err != nil {
			return fmt.Errorf("viewer %d: %w", n, err)
		}
	}
	return nil
}

// measure lets warmUp pass, then looks at what each window that was ordered takes.
func measure(ctx context.Context, reg *prometheus.Registry, pub *publisher, order edgeOrder) (*edgeFound, error) {
	if err := pass(ctx, warmUp); err != nil {
		return nil, err
	}
	begun := time.Now()
	f := &edgeFound{}
	from, err := look(reg, pub)
	if err != nil {
		return nil, err
	}
	for range order.Windows {
		if err := pass(ctx, time.Duration(order.Millis)*time.Millisecond); err != nil {
			return nil, err
		}
		to, err := look(reg, pub)
		if err != nil {
			return nil, err
		}
		w := to.since(from, len(order.Viewers))
		if w.RSS, err = resident(); err != nil {
			return nil, err
		}
		f.Windows = append(f.Windows, w)
		from = to
	}
	f.Keys = pub.keysBetween(begun, time.Now().Add(-settle))
	return f, nil
}

// A glance is what there is to see at one moment.
type glance struct {
	at      time.Time
	cpu     time.Duration
	metrics gathered
	written int
}

func look(reg *prometheus.Registry, pub *publisher) (glance, error) {
	cpu, err := used()
	return glance{time.Now(), cpu, gather(reg), pub.count()}, err
}

// since returns what an edge with so many viewers did from then to g.
func (g glance) since(then glance, viewers int) window {
	d := g.metrics.since(then.metrics)
	count := func(name string) int { return int(d.counters[name]) }
	cpu := g.cpu - then.cpu
	passed := g.at.Sub(then.at).Seconds()
	refused := count("dropped_packets_total/budget") + count("dropped_packets_total/gone") // of what was asked for again
	w := window{
		Seconds: passed, Asked: (g.written - then.written) * viewers, Sent: count("sent_packets_total"), Resent: count("resent_packets_total"),
		Dropped: count("dropped_packets_total") - refused, Cores: cpu.Seconds() / passed, WaitP99: d.quantile("wait_seconds", .99) * 1e3,
		PerMessage: d.counters["sent_packets_total"] / max(1, d.counters["send_messages_total"]), Nacks: count("nacks_total"),
		Feedbacks: count("feedbacks_total"), Unknown: count("feedback_unknown_packets_total"), Hostile: count("hostile_packets_total"),
		Switches: count("layer_switches_total") + count("sessions_ended_total"),
	}
	w.MicrosEach = float64(cpu.Microseconds()) / float64(max(1, w.Sent))
	return w
}

// pass waits for d, or returns why it must not.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// resident returns the memory of this process that is in use.
func resident() (int, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm: %q", b)
	}
	pages, err := strconv.Atoi(fields[1])
	return pages * os.Getpagesize(), err
}
