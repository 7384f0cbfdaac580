package egress

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/stream"
	"freshet/edge/egress"
	"freshet/proto/rtpq"
)

const (
	warmUp     = 2 * time.Second
	keyEvery   = 2 * framesASecond
	seatsEvery = 64 // viewers are told of in portions
)

// An edgeOrder is what the edge's process is told to do.
type edgeOrder struct {
	Viewers []uint16 `json:"viewers"` // ports of the fake viewers
	Shards  int      `json:"shards"`
	Millis  int      `json:"ms"` // to measure
}

// An edgeReady is what it says once all viewers are seated: each viewer's shard is its number modulo the shards.
type edgeReady struct {
	Ports []uint16 `json:"ports"`
}

// An edgeFound is what it measured.
type edgeFound struct {
	Asked      int     `json:"asked"`   // packets that viewers should have had
	Sent       int     `json:"sent"`    // handed to the kernel
	Resent     int     `json:"resent"`  // of those, asked for again
	Dropped    int     `json:"dropped"` // the kernel took no more, or too late
	MicrosEach float64 `json:"us_each"` // processor time of a packet sent
	Cores      float64 `json:"cores"`
	RSS        int     `json:"rss_bytes"`
	Goroutines int     `json:"goroutines"`
	WaitP99    float64 `json:"wait_p99_ms"` // from a batch's first packet to its last in the kernel
	PerMessage float64 `json:"per_message"` // packets
	Reports    int     `json:"reports"`     // NACKs heeded
}

// Edge serves the fake viewers that it is told of on standard input, and says what that took.
func Edge(ctx context.Context, p *pipe) error {
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
	if err := seat(ctx, e, s, order.Viewers); err != nil {
		return err
	}
	pub := &publisher{video: s.Flows[0], sound: s.Flows[1]}
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
func seat(ctx context.Context, e *egress.Egress, s *stream.Stream, ports []uint16) error {
	for n, port := range ports {
		video, sound := ssrcsOf(n)
		err := e.Pick().Adopt(ctx, egress.Join{
			Session: "fake-" + strconv.Itoa(n), StreamID: s.ID, Source: fakeSource{s}, CName: "edge", Log: slog.New(slog.DiscardHandler),
			Local: egress.Credentials{Ufrag: "edge-" + strconv.Itoa(n), Pwd: "the-password-of-the-edge"},
			Peer:  egress.Credentials{Ufrag: "fake", Pwd: "the-password-of-the-viewer"},
			Video: egress.Media{Form: egress.Form{Type: 96}, Codec: s.Flows[0].Format.Codec, RTX: 97, SSRC: video, RTXSSRC: video + 5},
			Audio: egress.Media{Form: egress.Form{Type: 111}, Codec: s.Flows[1].Format.Codec, SSRC: sound},
			Ready: func() {}, Ended: func(egress.Reason) {},
		}, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), keysOf(n))
		if err != nil {
			return fmt.Errorf("viewer %d: %w", n, err)
		}
	}
	return nil
}

// measure lets warmUp pass, then looks at what the time that was ordered takes.
func measure(ctx context.Context, reg *prometheus.Registry, pub *publisher, order edgeOrder) (*edgeFound, error) {
	if err := pass(ctx, warmUp); err != nil {
		return nil, err
	}
	cpu, err := used()
	if err != nil {
		return nil, err
	}
	before, begun, written := gather(reg), time.Now(), pub.count()
	if err := pass(ctx, time.Duration(order.Millis)*time.Millisecond); err != nil {
		return nil, err
	}
	after, passed, now := gather(reg), time.Since(begun), pub.count()
	end, err := used()
	if err != nil {
		return nil, err
	}
	d := after.since(before)
	f := &edgeFound{
		Asked: (now - written) * len(order.Viewers), Sent: int(d.counters["sent_packets_total"]), Resent: int(d.counters["resent_packets_total"]),
		Dropped: int(d.counters["dropped_packets_total"]), Reports: int(d.counters["nacks_total"]), Goroutines: runtime.NumGoroutine(),
		Cores: (end - cpu).Seconds() / passed.Seconds(), WaitP99: d.quantile("wait_seconds", .99) * 1e3,
		PerMessage: d.counters["sent_packets_total"] / max(1, d.counters["send_messages_total"]),
	}
	f.MicrosEach = float64((end - cpu).Microseconds()) / float64(max(1, f.Sent))
	f.RSS, err = resident()
	return f, err
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

// A publisher writes the load into the rings of a stream that nobody else writes.
type publisher struct {
	video, sound *stream.Flow

	mu      sync.Mutex
	written int
}

func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written
}

// run writes frames and sound by the clock until ctx ends.
func (p *publisher) run(ctx context.Context) {
	begun := time.Now()
	frames, sounds, seq := 0, 0, 0
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			passed := now.Sub(begun)
			for ; time.Duration(frames)*time.Second/framesASecond <= passed; frames++ {
				seq += p.frame(frames, seq, now)
			}
			for ; time.Duration(sounds)*time.Second/soundASecond <= passed; sounds++ {
				p.write(p.sound, packet(rtpq.TypeOpus, sounds, uint32(sounds)*960, true, soundSize), now)
			}
			next := min(time.Duration(frames)*time.Second/framesASecond, time.Duration(sounds)*time.Second/soundASecond)
			tick.Reset(time.Until(begun.Add(next)))
		}
	}
}

// frame writes frame n from number seq on and returns of how many packets.
func (p *publisher) frame(n, seq int, now time.Time) int {
	k := packetsOf(n)
	for i := range k {
		b := packet(rtpq.TypeVideo, seq+i, uint32(n)*3000, i == k-1, videoSize)
		if i == 0 {
			b[rtpHeader] = 0x10 // VP8: a frame begins
		}
		if n%keyEvery > 0 {
			b[rtpHeader+1] = 1 // and is no key frame
		}
		p.write(p.video, b, now)
	}
	return k
}

func (p *publisher) write(f *stream.Flow, b []byte, now time.Time) {
	if _, err := f.Write(b, now); err != nil {
		panic(fmt.Sprintf("own packet: %v", err))
	}
	p.mu.Lock()
	p.written++
	p.mu.Unlock()
}

// packet returns an RTP packet that has size bytes once it is protected.
func packet(typ uint8, seq int, ts uint32, marker bool, size int) []byte {
	b := make([]byte, size-gcmTag)
	b[0], b[1] = 0x80, typ
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16(seq))
	binary.BigEndian.PutUint32(b[4:], ts)
	return b
}
