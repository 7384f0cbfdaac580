package whip

import (
	"log/slog"
	"testing"

	"github.com/pion/transport/v2/packetio"
	"github.com/prometheus/client_golang/prometheus"
)

// SSRCs count once an authentic packet came; the one past the limit ends the session and is dropped.
func TestSSRCsAreBounded(t *testing.T) {
	s := newSession("s", &plan{}, slog.New(slog.DiscardHandler), newMetrics(prometheus.NewRegistry()))
	h := hooks{newSSRC: s.newSSRC}
	for i := range 100 {
		h.buffer(packetio.RTPBufferPacket, uint32(i)) // forged: nothing is ever written
	}
	for i := range maxSSRCs {
		b := h.buffer(packetio.RTPBufferPacket, uint32(i))
		for range 2 {
			if _, err := b.Write([]byte("packet")); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := b.Read(make([]byte, 100)); n != 6 || err != nil {
			t.Fatalf("read: %d %v", n, err)
		}
	}
	if len(s.closing) != 0 {
		t.Fatal("the session ends within the limit")
	}
	b := h.buffer(packetio.RTPBufferPacket, 99)
	if n, err := b.Write([]byte("packet")); n != 6 || err != nil {
		t.Fatalf("write: %d %v", n, err)
	}
	if len(s.closing) != 1 {
		t.Fatal("the session goes on past the limit")
	}
	if c := b.(*countedBuffer).Count(); c != 0 {
		t.Errorf("%d packets past the limit are kept", c)
	}
}
