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

// countRTCP counts what is written to the publisher.
type countRTCP struct{ hooks }

func (c countRTCP) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &rtcpCounter{hooks: c.hooks}, nil
}

type rtcpCounter struct {
	interceptor.NoOp
	hooks hooks
}

func (c *rtcpCounter) BindRTCPWriter(w interceptor.RTCPWriter) interceptor.RTCPWriter {
	return interceptor.RTCPWriterFunc(func(all []rtcp.Packet, a interceptor.Attributes) (int, error) {
		for _, p := range all {
			if n, ok := p.(*rtcp.TransportLayerNack); ok {
				packets := 0
				for _, pair := range n.Nacks {
					packets += len(pair.PacketList())
				}
				c.hooks.nack(packets)
			}
		}
		return w.Write(all, a)
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
