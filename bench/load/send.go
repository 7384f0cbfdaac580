package load

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"

	"freshet/cluster/stream"
)

// payloadSize is what one packet carries at most: with all headers, SRTP and extensions it stays under the
// 1,200 bytes that pass everywhere.
const payloadSize = 1120

// A sender turns frames of one track into packets. Its methods belong to the goroutine that paces.
type sender struct {
	local    *webrtc.TrackLocalStaticRTP
	rtp      *webrtc.RTPSender
	codec    stream.Codec
	payload  func(data []byte) [][]byte
	sequence uint16
	base     uint32 // RTP time of the source's time 0
	capture  uint8  // id of the abs-capture-time extension, 0 where it was not agreed
	asked    *feedback
}

// feedback counts what the other side asked for. Any goroutine may read it.
type feedback struct {
	pli, fir, nack, lost, twcc, reports atomic.Int64
	rtt                                 atomic.Int64 // ns, by the newest receiver report; 0 while there is none
}

func newSender(pc *webrtc.PeerConnection, t track) (*sender, error) {
	local, err := webrtc.NewTrackLocalStaticRTP(parameters(t.codec, 0).RTPCodecCapability, t.kind.String(), "freshet")
	if err != nil {
		return nil, err
	}
	tr, err := pc.AddTransceiverFromTrack(local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	s := &sender{local: local, rtp: tr.Sender(), codec: t.codec, asked: &feedback{}}
	s.sequence, s.base = start()
	s.payload, err = payloader(t.codec.Name)
	return s, err
}

// start returns where sequence numbers and times of a new track begin (RFC 3550, section 5.1: not guessable).
func start() (uint16, uint32) {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint16(b[:]) & 0x7fff, binary.BigEndian.Uint32(b[2:])
}

// agreed takes from the answer what there is to take.
func (s *sender) agreed() {
	s.capture = extensionID(s.rtp.GetParameters().HeaderExtensions, absCapture)
}

// send writes f in one burst. captured is when its picture or sound was taken, for the receiver's clock.
func (s *sender) send(f frame, captured time.Time) (packets, bytes int, err error) {
	parts := s.payload(f.data)
	at := s.base + uint32(int64(f.at)/1000*int64(s.codec.ClockRate)/1e6)
	for i, part := range parts {
		p := rtp.Packet{Payload: part, Header: rtp.Header{
			Version: 2, SequenceNumber: s.sequence, Timestamp: at,
			Marker: i == len(parts)-1 && s.codec.Name != "opus",
		}}
		s.sequence++
		if i == 0 && s.capture != 0 {
			ext, err := rtp.NewAbsCaptureTimeExtension(captured).Marshal()
			if err != nil {
				return packets, bytes, err
			}
			if err := p.SetExtension(s.capture, ext); err != nil {
				return packets, bytes, err
			}
		}
		if err := s.local.WriteRTP(&p); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return packets, bytes, err
		}
		packets++
		bytes += len(part)
	}
	return packets, bytes, nil
}

// readFeedback counts until the sender is stopped, which closing its connection does.
func readFeedback(read func([]byte) (int, error), to *feedback) {
	buf := make([]byte, 1500)
	for {
		n, err := read(buf)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication:
				to.pli.Add(1)
			case *rtcp.FullIntraRequest:
				to.fir.Add(1)
			case *rtcp.TransportLayerNack:
				to.nack.Add(1)
				for _, n := range p.Nacks {
					to.lost.Add(int64(len(n.PacketList())))
				}
			case *rtcp.TransportLayerCC:
				to.twcc.Add(1)
			case *rtcp.ReceiverReport:
				to.reports.Add(1)
				for _, r := range p.Reports {
					if rtt := roundTrip(r, time.Now()); rtt > 0 {
						to.rtt.Store(int64(rtt))
					}
				}
			}
		}
	}
}

// roundTrip reads the round trip out of a report that came at now (RFC 3550, section 6.4.1); 0 where the other
// side had no sender report to answer, or its arithmetic is off.
func roundTrip(r rtcp.ReceptionReport, now time.Time) time.Duration {
	if r.LastSenderReport == 0 {
		return 0
	}
	// The middle 32 bits of NTP time: seconds since 1900 in units of 1/65,536 s.
	const since1900 = 2208988800
	ntp := uint32((now.Unix()+since1900)<<16) | uint32(int64(now.Nanosecond())<<16/1e9)
	units := int32(ntp - r.LastSenderReport - r.Delay)
	if units < 0 {
		return 0
	}
	return time.Duration(units) * time.Second >> 16
}

func extensionID(exts []webrtc.RTPHeaderExtensionParameter, uri string) uint8 {
	for _, e := range exts {
		if e.URI == uri {
			return uint8(e.ID)
		}
	}
	return 0
}

// payloader returns what cuts a frame of the codec into payloads.
func payloader(codec string) (func([]byte) [][]byte, error) {
	var p rtp.Payloader
	switch codec {
	case "VP8":
		p = &codecs.VP8Payloader{EnablePictureID: true}
	case "VP9":
		p = &codecs.VP9Payloader{}
	case "H264":
		p = &codecs.H264Payloader{}
	case "opus":
		p = &codecs.OpusPayloader{}
	case "AV1":
		return payloadAV1, nil
	default:
		return nil, fmt.Errorf("codec %q cannot be sent", codec)
	}
	return func(data []byte) [][]byte { return p.Payload(payloadSize, data) }, nil
}
