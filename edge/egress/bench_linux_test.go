package egress

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v2"

	"freshet/proto/rtpq"
)

// crowd seats n viewers with made-up keys at sockets nobody reads: sealing, sending and the kernel's
// routing are real, handshakes and receivers are not.
func crowd(b testing.TB, r *rig, p *tape, n int, cm bool) {
	var sinks []*socket
	for range min(n, 64) {
		s, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.close() })
		// Full after a few packets: from then on the kernel routes, looks up and drops.
		if err := s.bound(4 << 10); err != nil {
			b.Fatal(err)
		}
		sinks = append(sinks, s)
	}
	for i := range n {
		c := r.joinAt(sinks[i%len(sinks)], p.s, fmt.Sprint("viewer", i), Form{Type: 96}, Form{Type: 111})
		if !cm {
			continue
		}
		k, _ := key(i + 1)
		var err error
		if c.v.seal, err = newCM(k[0], make([]byte, 14), k[1], make([]byte, 14)); err != nil {
			b.Fatal(err)
		}
	}
}

// second is one second of media: 105 video packets of 1,150 bytes in 30 frames and 50 of audio.
func (p *tape) second() (packets int) {
	audio := p.s.Flows[len(p.s.Flows)-1]
	step := time.Second / 150
	for tick := range 150 {
		p.r.now = p.r.now.Add(step)
		if tick%3 == 0 {
			p.write(audio, marshal(p.r.t, rtp.Header{SequenceNumber: p.seq[1], Timestamp: uint32(p.seq[1]) * 960, PayloadType: rtpq.TypeOpus}, make([]byte, 92)))
			p.seq[1]++
			packets++
		}
		if tick%5 == 0 {
			n := 3 + p.frame%2
			for i := range n {
				payload := make([]byte, 1122)
				payload[1] = 1
				p.write(p.s.Flows[0], marshal(p.r.t, rtp.Header{SequenceNumber: p.seq[0], Timestamp: uint32(p.frame) * 3000, PayloadType: rtpq.TypeVideo, Marker: i == n-1}, payload))
				p.seq[0]++
			}
			p.frame++
			packets += n
		}
		p.r.s.round()
	}
	return packets
}

func BenchmarkFanOut(b *testing.B) {
	for _, row := range []struct {
		viewers int
		cm, gso bool
	}{{1, false, true}, {100, false, true}, {2000, false, true}, {2000, false, false}, {2000, true, true}} {
		b.Run(fmt.Sprintf("viewers=%d/cm=%v/gso=%v", row.viewers, row.cm, row.gso), func(b *testing.B) {
			r := newRig(b)
			r.s.socket.gso = r.s.socket.gso && row.gso
			p := r.tape("floor", 1, "")
			p.due(onlyFirst)
			crowd(b, r, p, row.viewers, row.cm)
			p.second()
			sent := 0
			b.ReportAllocs()
			for b.Loop() {
				for _, v := range r.s.viewers {
					v.seen = r.now.Sub(r.s.started) // nobody answers
				}
				sent += p.second() * row.viewers
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent), "ns/packet")
		})
	}
}

// A packet costs no allocation, however many viewers get it: what is left of a second of media is the
// reports, one a viewer, and the writer's own.
func TestSendingAllocatesNothing(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.due(onlyFirst)
	crowd(t, r, p, 50, false)
	p.second()
	audio := p.s.Flows[1]
	var packets [][]byte
	for range 2100 {
		packets = append(packets, marshal(t, rtp.Header{SequenceNumber: p.seq[1], Timestamp: uint32(p.seq[1]) * 960, PayloadType: rtpq.TypeOpus}, make([]byte, 92)))
		p.seq[1]++
	}
	now, at := r.now, r.now.Sub(r.s.started)
	f := r.s.order[0]
	allocs := testing.AllocsPerRun(2000, func() {
		if _, err := audio.Write(packets[0], now); err != nil {
			t.Fatal(err)
		}
		packets = packets[1:]
		r.s.flush(f, now, at)
	})
	// The ring's writer takes a new chunk for every 64 packets and grows its table now and then.
	if allocs > 0.1 {
		t.Errorf("allocations for a packet to 50 viewers: got %v, want 0", allocs)
	}
}

// The bytes are those of RFC 7714: pion/srtp reads and writes the same.
func BenchmarkSeal(b *testing.B) {
	k, salt := key(1)
	s, err := newGCM(k[0], salt[0], k[1], salt[1])
	if err != nil {
		b.Fatal(err)
	}
	head, body := make([]byte, 12), make([]byte, 1122)
	head[0] = 0x80
	dst := make([]byte, 1500)
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		n := int64(0)
		for b.Loop() {
			n++
			s.seal(dst, head, body, &numbers{ssrc: 1, n: n, ts: 1})
		}
	})
	b.Run("pion", func(b *testing.B) {
		c, err := srtp.CreateContext(k[0], salt[0], srtp.ProtectionProfileAeadAes128Gcm)
		if err != nil {
			b.Fatal(err)
		}
		plain := append(append([]byte(nil), head...), body...)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.EncryptRTP(dst[:0], plain, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
