package egress

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus/testutil"

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
// receiver report with what the path carries (REMB), or a NACK for a packet, which is sent again.
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
				all = append(all, r.joinAt(unread(b), p.s, fmt.Sprint("viewer", i), Form{Type: 96}, Form{Type: 111}))
			}
			p.second()
			to := r.s.socket.local
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
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
				b.StartTimer()
				r.s.round()
			}
			if got, want := testutil.ToFloat64(r.s.m.resent), float64(row.sent*b.N*viewers); got != want {
				b.Errorf("sent again: got %v packets, want %v", got, want)
			}
		})
	}
}
