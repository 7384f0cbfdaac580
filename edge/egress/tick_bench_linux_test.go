package egress

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"freshet/proto/rtpq"
)

// BenchmarkTick is one round of a shard's loop: with nothing due, with a frame of 3 packets and 1,150 bytes each, with
// a packet of sound. Sealing and sending are real; the viewers' sockets are not read.
func BenchmarkTick(b *testing.B) {
	const viewers = 1000
	for _, row := range []struct {
		name string
		cm   bool
		due  func(*tape)
	}{
		{"idle", false, func(*tape) {}},
		{"sound", false, (*tape).nextSound},
		{"frame", false, (*tape).nextFrame},
		{"frame-cm", true, (*tape).nextFrame},
	} {
		b.Run(fmt.Sprintf("%s/viewers=%d", row.name, viewers), func(b *testing.B) {
			r := newRig(b)
			p := r.tape("tick", 1, "")
			p.due(onlyFirst)
			crowd(b, r, p, viewers, row.cm)
			p.second() // joins are over, buffers have their size
			b.ReportAllocs()
			for b.Loop() {
				row.due(p)
				r.s.round()
			}
		})
	}
}

// nextFrame writes a frame, a thirtieth of a second after what was before it.
func (p *tape) nextFrame() {
	p.pass(time.Second / 30)
	for i := range perFrame {
		payload := make([]byte, 1122)
		payload[1] = 1
		p.write(p.s.Flows[0], marshal(p.r.t, rtp.Header{SequenceNumber: p.seq[0], Timestamp: uint32(p.frame) * 3000,
			PayloadType: rtpq.TypeVideo, Marker: i == perFrame-1}, payload))
		p.seq[0]++
	}
	p.frame++
}

// nextSound writes a packet of sound, a fiftieth of a second after what was before it.
func (p *tape) nextSound() {
	p.pass(time.Second / 50)
	p.write(p.s.Flows[1], marshal(p.r.t, rtp.Header{SequenceNumber: p.seq[1], Timestamp: uint32(p.seq[1]) * 960,
		PayloadType: rtpq.TypeOpus}, make([]byte, 92)))
	p.seq[1]++
}

// pass moves the clock on. The viewers of a crowd never answer, and stay all the same.
func (p *tape) pass(d time.Duration) {
	p.r.now = p.r.now.Add(d)
	for _, v := range p.r.s.viewers {
		v.seen = p.r.now.Sub(p.r.s.started)
	}
}

// BenchmarkFeedback is one round in which each of 100 viewers has sent a datagram of RTCP, read from the socket: a
// receiver report with what the path carries (REMB), or when the newest packets came (transport-wide feedback), or a
// NACK for a packet, which is sent again.
func BenchmarkFeedback(b *testing.B) {
	const viewers = 100
	for _, row := range []struct {
		name string
		made func(c *client, newest uint16) []rtcp.Packet
		sent int // again, for each datagram
	}{
		{"reports", func(c *client, newest uint16) []rtcp.Packet {
			ssrc := c.v.video.media.SSRC
			return []rtcp.Packet{
				&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: ssrc, LastSequenceNumber: uint32(newest)}}},
				&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 5e6, SSRCs: []uint32{ssrc}},
			}
		}, 0},
		{"transport", func(c *client, _ uint16) []rtcp.Packet {
			b := make(rtcp.RawPacket, 28)
			b[0], b[1], b[3] = 0x8f, 205, 6
			v := c.v
			binary.BigEndian.PutUint16(b[12:], uint16(v.video.packets+v.audio.packets-2*perFrame)) // the first of them
			b[15] = 2 * perFrame
			binary.BigEndian.PutUint32(b[16:], uint32(c.r.now.Sub(c.r.s.started)/(64*time.Millisecond))<<8)
			b[20], b[21] = 0x20, 2*perFrame        // all came,
			copy(b[22:], []byte{1, 1, 1, 1, 1, 1}) // 250 µs apart
			return []rtcp.Packet{&b}
		}, 0},
		{"nacks", func(c *client, newest uint16) []rtcp.Packet {
			return []rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: c.v.video.media.SSRC, Nacks: []rtcp.NackPair{{PacketID: newest}}}}
		}, 1},
	} {
		b.Run(fmt.Sprintf("%s/viewers=%d", row.name, viewers), func(b *testing.B) {
			r := newRig(b)
			p := r.tape("feedback", 1, "")
			p.due(onlyFirst)
			var all []*client
			for i := range viewers {
				all = append(all, r.joinAt(unread(b), p.s, fmt.Sprint("viewer", i),
					Form{Type: 96, Transport: transportID}, Form{Type: 111, Transport: transportID}))
			}
			p.second()
			to := r.s.socket.local
			send := func() {
				p.nextFrame()
				p.nextFrame() // earns what a retransmission takes
				r.s.round()
				for _, c := range all {
					sealed, err := rtcp.Marshal(row.made(c, uint16(c.v.video.high)))
					if err == nil {
						sealed, err = c.out.EncryptRTCP(nil, sealed, nil)
					}
					if err != nil {
						b.Fatal(err)
					}
					end := c.sock.endpoint(to)
					if err := c.sock.write(sealed, &end); err != nil {
						b.Fatal(err)
					}
				}
				p.pass(pollEvery)
			}
			send()
			r.s.round() // a viewer's first feedback makes room for what follows
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				send()
				b.StartTimer()
				r.s.round()
			}
			for _, name := range []string{"hostile_packets_total", "feedback_unknown_packets_total"} {
				if n := r.counted("freshet_egress_" + name); n != 0 {
					b.Errorf("%s: got %v, want 0", name, n)
				}
			}
			if got, want := r.counted("freshet_egress_resent_packets_total"), float64(row.sent*(b.N+1)*viewers); got != want {
				b.Errorf("sent again: got %v packets, want %v", got, want)
			}
		})
	}
}
