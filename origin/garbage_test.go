package origin_test

import (
	"crypto/rand"
	"net"
	"testing"
	"time"
)

// Noise at the media port, some of it shaped like STUN, DTLS and RTP, disturbs nobody.
func TestNoiseAtMediaPort(t *testing.T) {
	n := start(t)
	newPublisher(t, videoCodec("VP8", "")).publish(n, "floor")
	s := n.live(t, "floor")
	conn, err := net.Dial("udp", n.Media().String())
	must(t, err)
	defer conn.Close()
	b := make([]byte, 1200)
	for i := range 5000 {
		_, _ = rand.Read(b)
		switch i % 5 {
		case 0: // STUN binding request with a user name that runs past its end
			copy(b, []byte{0, 1, 0, 40, 0x21, 0x12, 0xa4, 0x42})
			copy(b[20:], []byte{0, 6, 0xff, 0xff})
		case 1: // STUN answer with an empty XOR-MAPPED-ADDRESS
			copy(b, []byte{1, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42})
			copy(b[20:], []byte{0, 0x20, 0, 0})
		case 2:
			copy(b, []byte{22, 0xfe, 0xfd})
		case 3:
			b[0] = 0x80
		}
		if _, err := conn.Write(b[:24+i%1000]); err != nil {
			t.Fatal(err)
		}
	}
	heads := []int64{s.Flows[0].Ring.Head(), s.Flows[1].Ring.Head()}
	for i, f := range s.Flows {
		await(t, 2*time.Second, "packets after the noise", func() bool { return f.Ring.Head() > heads[i]+20 })
	}
	must(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if got, err := conn.Read(b); err == nil {
		t.Errorf("noise was answered with %d bytes", got)
	}
}
