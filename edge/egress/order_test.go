package egress

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

// A link's connections overtake each other. A frame leaves in order, and waits a little for what it lacks.
func TestFramesLeaveInOrder(t *testing.T) {
	const ms = time.Millisecond
	type came struct {
		seq    uint16
		marker bool
		at     time.Duration
	}
	for _, row := range []struct {
		name string
		came []came
		when time.Duration
		sent []int64
	}{
		{"in order", []came{{0, false, 0}, {1, false, 0}, {2, true, 0}}, 0, []int64{0, 1, 2}},
		{"shuffled", []came{{1, false, 0}, {0, false, 0}, {2, true, 0}}, 0, []int64{0, 1, 2}},
		{"the end comes first", []came{{2, true, 0}, {0, false, 0}, {1, false, 0}}, 0, []int64{0, 1, 2}},
		{"the end came, one is lacking", []came{{0, false, 0}, {2, true, 0}}, ms, nil},
		{"lacking for long", []came{{0, false, 0}, {2, true, 0}}, frameWait, []int64{0, 2}},
		{"no end yet", []came{{0, false, 0}, {1, false, 0}}, ms, nil},
		{"no end for long", []came{{1, false, 0}, {0, false, 0}}, frameWait, []int64{0, 1}},
		{"the next begins", []came{{0, false, 0}, {1, false, 0}, {2, true, 0}, {3, false, 0}}, ms, []int64{0, 1, 2}},
		{"the next overtakes", []came{{0, false, 0}, {2, true, 0}, {3, false, 0}, {1, false, ms}}, 2 * ms, nil},
		{"the next overtook for long", []came{{0, false, 0}, {2, true, 0}, {3, false, 0}, {1, false, ms}}, frameWait, []int64{0, 1, 2, 3}},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := stream.New("s", 1, nil, []stream.Format{{Track: "v", Kind: stream.Video, Codec: vp8}}, nil).Flows[0]
			begun := time.Unix(1000, 0)
			src := &source{flow: f, waker: &waker{wake: make(chan struct{}, 1), video: true, ended: -1}, high: -1}
			f.Ring.Watch(src.waker)
			write := func(c came) {
				h := rtp.Header{SequenceNumber: c.seq, PayloadType: rtpq.TypeVideo, Marker: c.marker}
				if _, err := f.Write(marshal(t, h, []byte{0x10, 1}), begun.Add(c.at)); err != nil {
					t.Fatal(err)
				}
			}
			write(came{0, true, 0}) // the ring's numbers begin; nobody's frame
			src.cursor, src.high = f.Ring.Head(), f.Ring.High()
			first := src.high + 1
			for _, c := range row.came {
				c.seq += uint16(first)
				write(c)
			}
			src.collect(begun.Add(row.when))
			var sent []int64
			for _, p := range src.batch {
				sent = append(sent, p.Seq-first)
			}
			if !slices.Equal(sent, row.sent) {
				t.Errorf("sent %v, want %v", sent, row.sent)
			}
		})
	}
}
