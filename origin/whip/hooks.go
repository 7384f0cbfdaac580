package whip

import (
	"io"
	"strings"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/transport/v2/packetio"
	"github.com/pion/webrtc/v3"
)

// maxSSRCs of a session (RELIABILITY, section 4): three layers and a sound, repairs, and probes.
const maxSSRCs = 16

// bufferSize bounds what of one SSRC waits to be read, in bytes: more than a second of the bitrate limit.
const bufferSize = 2 << 20

// hooks are how a session sees what pion does below its API. pion calls them from its own goroutines;
// they must not block.
type hooks struct {
	// newSSRC is told of each SSRC of which an authentic packet came, once. False drops its packets.
	newSSRC func() bool
	// repaired says whether a packet came by retransmission: it is not asked for again.
	repaired func(ssrc uint32, seq uint16) bool
	// nack is told of each request to resend, with the number of packets asked for.
	nack func(packets int)
	// rtcp gets each new stream's reader of RTCP, through all interceptors. Someone must read it.
	rtcp func(interceptor.RTCPReader)
}

// buffer makes the queue between SRTP and whoever reads an SSRC.
func (h hooks) buffer(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
	b := packetio.NewBuffer()
	b.SetLimitSize(bufferSize)
	if kind == packetio.RTPBufferPacket {
		return &countedBuffer{Buffer: b, first: h.newSSRC}
	}
	return b
}

// A countedBuffer counts its SSRC at the first write. SRTP makes the buffer before it has checked the
// packet's seal but writes only afterwards, so forged packets count for nothing.
type countedBuffer struct {
	*packetio.Buffer
	first func() bool
	once  sync.Once
	drop  bool
}

func (b *countedBuffer) Write(p []byte) (int, error) {
	b.once.Do(func() { b.drop = !b.first() })
	if b.drop {
		return len(p), nil
	}
	return b.Buffer.Write(p)
}

// filterRTCP takes out of requests to resend what has come meanwhile, and counts the rest.
type filterRTCP struct{ hooks }

func (f filterRTCP) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &rtcpFilter{hooks: f.hooks}, nil
}

type rtcpFilter struct {
	interceptor.NoOp
	hooks hooks
}

func (f *rtcpFilter) BindRTCPWriter(w interceptor.RTCPWriter) interceptor.RTCPWriter {
	return interceptor.RTCPWriterFunc(func(all []rtcp.Packet, a interceptor.Attributes) (int, error) {
		kept := make([]rtcp.Packet, 0, len(all))
		for _, p := range all {
			n, ok := p.(*rtcp.TransportLayerNack)
			if !ok {
				kept = append(kept, p)
				continue
			}
			var lost []uint16
			for _, pair := range n.Nacks {
				for _, seq := range pair.PacketList() {
					if !f.hooks.repaired(n.MediaSSRC, seq) {
						lost = append(lost, seq)
					}
				}
			}
			if len(lost) > 0 {
				f.hooks.nack(len(lost))
				kept = append(kept, &rtcp.TransportLayerNack{
					SenderSSRC: n.SenderSSRC, MediaSSRC: n.MediaSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(lost),
				})
			}
		}
		if len(kept) == 0 {
			return 0, nil
		}
		return w.Write(kept, a)
	})
}

// readRTCP hands each stream's RTCP reader to the session. (pion's own way to read it, by rid, is not
// safe while other rids of the track are still appearing.)
type readRTCP struct{ hooks }

func (r readRTCP) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &rtcpReader{hooks: r.hooks}, nil
}

type rtcpReader struct {
	interceptor.NoOp
	hooks hooks
}

func (r *rtcpReader) BindRTCPReader(reader interceptor.RTCPReader) interceptor.RTCPReader {
	r.hooks.rtcp(reader)
	return reader
}

// feedback splits a=rtcp-fb's value into what pion calls type and parameter.
func feedback(s string) webrtc.RTCPFeedback {
	kind, parameter, _ := strings.Cut(s, " ")
	return webrtc.RTCPFeedback{Type: kind, Parameter: parameter}
}
