package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v2"
	"golang.org/x/sys/unix"
)

const (
	sinkBuffer   = 4 << 10 // of a sink: full after a few packets, and from then on the kernel routes, looks up and drops
	sinkTick     = 10 * time.Millisecond
	drainAtOnce  = 32
	nackThousand = packetsASecond // of a thousand reports, so many ask for a packet again: 0.1 % of what a viewer gets
)

// A sinksOrder is what the sinks' process is told to do.
type sinksOrder struct {
	Viewers int `json:"viewers"`
}

type sinksReady struct {
	Ports []uint16 `json:"ports"`
}

// A feedbackOrder has the sinks answer: viewer n to port n modulo their number.
type feedbackOrder struct {
	Ports []uint16 `json:"ports"`
}

// A sinksFound is what the sinks did.
type sinksFound struct {
	Reports int     `json:"reports"`
	Nacks   int     `json:"nacks"`
	Cores   float64 `json:"cores"`
}

// Sinks opens a socket for each fake viewer and prints their ports. Told where the edge is, it has each send what a viewer sends
// in a second: a receiver report, REMB, transport-wide feedback, and now and then a NACK. It ends when nobody listens any more.
func Sinks(ctx context.Context, p *pipe) (err error) {
	var order sinksOrder
	if err := p.hear(&order); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: uint64(order.Viewers) + 1000, Max: uint64(order.Viewers) + 1000}
	var have unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &have); err != nil {
		return fmt.Errorf("sinks: %w", err)
	}
	if have.Cur < limit.Cur {
		limit.Max = max(limit.Max, have.Max)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			return fmt.Errorf("sinks: %d sockets: %w", order.Viewers, err)
		}
	}
	var all []*sink
	defer func() {
		for _, s := range all {
			err = errors.Join(err, unix.Close(s.fd))
		}
	}()
	var ready sinksReady
	for n := range order.Viewers {
		s, err := newSink(n)
		if err != nil {
			return err
		}
		all = append(all, s)
		ready.Ports = append(ready.Ports, s.port)
	}
	if err := p.say(ready); err != nil {
		return err
	}
	var to feedbackOrder
	if err := p.hear(&to); err != nil {
		return nil //nolint:nilerr // no feedback is wanted
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var found sinksFound
	var failed error
	wg.Go(func() { found, failed = feedback(ctx, all, to.Ports) })
	var last struct{}
	_ = p.hear(&last) // until told, or left
	stop()
	wg.Wait()
	if failed != nil {
		return failed
	}
	return p.say(found)
}

// A sink is the socket of one fake viewer.
type sink struct {
	n    int
	fd   int
	port uint16
	out  *srtp.Context
	seq  uint16 // newest number of its picture that it has read
}

func newSink(n int) (*sink, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("sink %d: %w", n, err)
	}
	s := &sink{n: n, fd: fd}
	k := keysOf(n)
	s.out, err = srtp.CreateContext(k.In, k.InSalt, srtp.ProtectionProfileAeadAes128Gcm)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, sinkBuffer)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var at unix.Sockaddr
	if err == nil {
		at, err = unix.Getsockname(fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sink %d: %w", n, err), unix.Close(fd))
	}
	if four, ok := at.(*unix.SockaddrInet4); ok {
		s.port = uint16(four.Port)
	}
	return s, nil
}

// feedback has each of all report once a second, evenly spread, until ctx ends.
func feedback(ctx context.Context, all []*sink, ports []uint16) (found sinksFound, err error) {
	cpu, err := used()
	if err != nil {
		return found, err
	}
	begun := time.Now()
	tick := time.NewTicker(sinkTick)
	defer tick.Stop()
	done := 0
	for {
		select {
		case <-ctx.Done():
			end, err := used()
			found.Cores = (end - cpu).Seconds() / time.Since(begun).Seconds()
			return found, err
		case now := <-tick.C:
			for due := int(now.Sub(begun).Seconds() * float64(len(all))); done < due; done++ {
				s := all[done%len(all)]
				nack := (7*s.n+13*(done/len(all)))%1000 < nackThousand
				if err := s.report(ports[s.n%len(ports)], nack); err != nil {
					return found, err
				}
				found.Reports++
				if nack {
					found.Nacks++
				}
			}
		}
	}
}

// report sends what a viewer sends in a second.
func (s *sink) report(port uint16, nack bool) error {
	s.drain()
	video, sound := ssrcsOf(s.n)
	const own = 1
	packets := []rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: own, Reports: []rtcp.ReceptionReport{{SSRC: video, LastSequenceNumber: uint32(s.seq)}, {SSRC: sound}}},
		&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: own, Bitrate: 5e6, SSRCs: []uint32{video, sound}},
		arrived(own, video, s.seq),
	}
	if nack {
		packets = append(packets, &rtcp.TransportLayerNack{SenderSSRC: own, MediaSSRC: video, Nacks: []rtcp.NackPair{{PacketID: s.seq}}})
	}
	plain, err := rtcp.Marshal(packets)
	if err != nil {
		return fmt.Errorf("sink %d: report: %w", s.n, err)
	}
	b, err := s.out.EncryptRTCP(nil, plain, nil)
	if err != nil {
		return fmt.Errorf("sink %d: protect: %w", s.n, err)
	}
	err = unix.Sendto(s.fd, b, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: int(port)})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ECONNREFUSED) {
		return nil // the edge is gone, or slower than this: it shows in its own figures
	}
	return err
}

// drain reads what is there, for a number that is not long past.
func (s *sink) drain() {
	video, _ := ssrcsOf(s.n)
	var b [2048]byte
	for range drainAtOnce {
		n, _, err := unix.Recvfrom(s.fd, b[:], 0)
		if err != nil {
			return
		}
		if n >= rtpHeader && binary.BigEndian.Uint32(b[8:]) == video {
			s.seq = binary.BigEndian.Uint16(b[2:])
		}
	}
}

// arrived is transport-wide feedback for a second: all came, a millisecond apart.
func arrived(own, media uint32, base uint16) *rtcp.TransportLayerCC {
	t := &rtcp.TransportLayerCC{
		SenderSSRC: own, MediaSSRC: media, BaseSequenceNumber: base, PacketStatusCount: packetsASecond,
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{
			Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: packetsASecond,
		}},
	}
	for range packetsASecond {
		t.RecvDeltas = append(t.RecvDeltas, &rtcp.RecvDelta{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 1000})
	}
	size := t.MarshalSize()
	t.Header = rtcp.Header{Padding: size%4 != 0, Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: uint16(size/4) - 1}
	return t
}
