package shim

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The bytes of RELAY.md, section 13, are those of the code.
func TestGoldenBytes(t *testing.T) {
	spec, err := os.ReadFile("../../proto/RELAY.md")
	if err != nil {
		t.Fatal(err)
	}
	packet := func(h header, n int, fill func(b []byte)) []byte {
		b := make([]byte, n)
		h.put(b)
		fill(b)
		return b
	}
	for _, row := range []struct {
		what string
		got  []byte
	}{
		{"DATA 258 of stream 010203: a QUIC packet 40 aa", packet(header{kindData, 0x010203, 258}, headerLen+2, func(b []byte) { copy(b[headerLen:], "\x40\xaa") })},
		{"NACK of stream 010203: 258 to 260, 4294967295", append(packet(header{kindNack, 0x010203, 0}, headerLen, func([]byte) {}),
			span{1<<32 - 1, 1}.append(span{258, 3}.append(nil))...)},
		{"TAIL of stream 010203: 261 is next", packet(header{kindTail, 0x010203, 261}, headerLen, func([]byte) {})},
		{"PING of stream 010203, 261 is next", packet(header{kindPing, 0x010203, 261}, pingLen, echo{opaque: 0x0102030405060708}.put)},
		{"its PONG by stream 0a0b0c, 7 is next: 1,200 bytes in 2 packets came", packet(header{kindPong, 0x0a0b0c, 7}, pingLen, echo{0x0102030405060708, 1200, 2}.put)},
	} {
		want := ""
		for line := range strings.Lines(string(spec)) {
			if cells := strings.Split(line, "|"); len(cells) == 4 && strings.TrimSpace(cells[1]) == row.what {
				want = strings.NewReplacer("`", "", " ", "", "\n", "").Replace(cells[2])
			}
		}
		if got := hex.EncodeToString(row.got); got != want {
			t.Errorf("%s: RELAY.md says %q, the code %q", row.what, want, got)
		}
	}
}
