package rtpq

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/quic-go/quic-go/quicvarint"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// valid holds one message of each kind, full of what it may hold.
func valid() []*pb.RelayMessage {
	return []*pb.RelayMessage{
		{Body: &pb.RelayMessage_Hello{Hello: &pb.Hello{Version: 1, Node: "edge-1", Role: "edge", Link: 1 << 60, Count: 1, Region: "yul"}}},
		{Body: &pb.RelayMessage_Subscribe{Subscribe: &pb.Subscribe{Id: 1, Stream: "sample", Epoch: 3, Hops: []string{"edge-2", "edge-1"}, Layers: []string{"h"},
			Have: []*pb.Have{{Track: "v", Rid: "h", Sequence: 65535}}}}},
		{Body: &pb.RelayMessage_Accept{Accept: &pb.Accept{Id: 1, Stream: "sample", Epoch: 3, Hops: []string{"origin-1"}, Flows: []*pb.Flow{
			{Flow: 1, Track: "v", Kind: pb.Kind_KIND_VIDEO, Rid: "h", Rank: 2, Codec: "VP8", ClockRate: 90000, Width: 1280, Height: 720, Live: 9, Started: true},
			{Flow: 2, Track: "a", Kind: pb.Kind_KIND_AUDIO, Codec: "opus", ClockRate: 48000, Channels: 2, Fmtp: "useinbandfec=1", Red: true}}}}},
		{Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Id: 1, Reason: pb.RefuseReason_REFUSE_REASON_LOOP, Detail: "edge-1 twice"}}},
		{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: 1, First: 65535, Count: 300}}},
		{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: []uint64{1, 2}, Paused: true}}},
		{Body: &pb.RelayMessage_Keyframe{Keyframe: &pb.Keyframe{Flow: 1}}},
		{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_DRAIN}}},
		{Body: &pb.RelayMessage_Stats{Stats: &pb.Stats{Flows: []*pb.FlowStats{{Flow: 1, Received: 100, Missing: 2, Repaired: 1, Duplicates: 3, Gone: 1}}}}},
		{Body: &pb.RelayMessage_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: 1}}},
		{}, // of a kind that is not known here
	}
}

func TestControlRoundTrip(t *testing.T) {
	var b bytes.Buffer
	w := NewControlWriter(&b)
	for _, m := range valid() {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	r := NewControlReader(iotest.OneByteReader(&b))
	for _, m := range valid() {
		if got, err := r.Next(); err != nil || !proto.Equal(got, m) {
			t.Fatalf("got %v, %v; want %v", got, err, m)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last: %v", err)
	}
}

// Messages written by many goroutines stay whole.
func TestControlWriterIsShared(t *testing.T) {
	var b bytes.Buffer
	w := NewControlWriter(&b)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				if err := w.Write(valid()[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	r := NewControlReader(&b)
	for i := range 400 {
		if _, err := r.Next(); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

func TestControlReaderRefuses(t *testing.T) {
	broken := errors.New("reset")
	for name, row := range map[string]struct {
		in   []byte
		want error
	}{
		"another stream type":  {[]byte{1, 0}, ErrMalformed},
		"cut in the length":    {[]byte{0, 0x41}, ErrMalformed},
		"cut in the message":   {[]byte{0, 5, 0x3a, 3}, ErrMalformed},
		"no protobuf":          {[]byte{0, 2, 0xff, 0xff}, ErrMalformed},
		"message too large":    {quicvarint.Append([]byte{0}, MaxMessage+1), ErrTooLarge},
		"largest number":       {quicvarint.Append([]byte{0}, quicvarint.Max), ErrTooLarge},
		"what nobody may send": {[]byte{0, 4, 0x3a, 2, 8, 0}, ErrMalformed}, // keyframe of flow 0
	} {
		if m, err := NewControlReader(bytes.NewReader(row.in)).Next(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, %v; want %v", name, m, err, row.want)
		}
	}
	if _, err := NewControlReader(io.MultiReader(bytes.NewReader([]byte{0, 5, 1}), iotest.ErrReader(broken))).Next(); !errors.Is(err, broken) {
		t.Errorf("a reader's own error came out as %v", err)
	}
	if _, err := NewControlReader(bytes.NewReader(nil)).Next(); !errors.Is(err, io.EOF) {
		t.Errorf("an empty stream: %v", err)
	}
}

func TestControlWriterRefusesLargeMessages(t *testing.T) {
	var b bytes.Buffer
	w := NewControlWriter(&b)
	m := &pb.RelayMessage{Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Detail: strings.Repeat("x", MaxMessage)}}}
	if err := w.Write(m); !errors.Is(err, ErrTooLarge) || b.Len() > 0 {
		t.Errorf("%v, %d bytes written", err, b.Len())
	}
}

func TestValidate(t *testing.T) {
	for _, m := range valid() {
		if err := Validate(m); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
	long := strings.Repeat("x", 65)
	hello := func(change func(*pb.Hello)) *pb.RelayMessage {
		h := &pb.Hello{Version: 1, Node: "a", Role: "edge", Count: 1}
		change(h)
		return &pb.RelayMessage{Body: &pb.RelayMessage_Hello{Hello: h}}
	}
	subscribe := func(change func(*pb.Subscribe)) *pb.RelayMessage {
		s := &pb.Subscribe{Id: 1, Stream: "a"}
		change(s)
		return &pb.RelayMessage{Body: &pb.RelayMessage_Subscribe{Subscribe: s}}
	}
	accept := func(change func(*pb.Accept)) *pb.RelayMessage {
		a := &pb.Accept{Id: 1, Stream: "a", Flows: []*pb.Flow{{Flow: 1, Kind: pb.Kind_KIND_AUDIO, ClockRate: 48000}}}
		change(a)
		return &pb.RelayMessage{Body: &pb.RelayMessage_Accept{Accept: a}}
	}
	group := func(flow uint64, first, count uint32) *pb.RelayMessage {
		return &pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: flow, First: first, Count: count}}}
	}
	for name, m := range map[string]*pb.RelayMessage{
		"hello of no connection":       hello(func(h *pb.Hello) { h.Count = 0 }),
		"hello of many connections":    hello(func(h *pb.Hello) { h.Count = 9 }),
		"hello past its connections":   hello(func(h *pb.Hello) { h.Index = 1 }),
		"hello of a long node":         hello(func(h *pb.Hello) { h.Node = long }),
		"hello of a long region":       hello(func(h *pb.Hello) { h.Region = long }),
		"subscribe to nothing":         subscribe(func(s *pb.Subscribe) { s.Stream = "" }),
		"subscribe to a path":          subscribe(func(s *pb.Subscribe) { s.Stream = "../a" }),
		"subscribe to a long stream":   subscribe(func(s *pb.Subscribe) { s.Stream = long }),
		"subscribe over many hops":     subscribe(func(s *pb.Subscribe) { s.Hops = make([]string, MaxHops+2) }),
		"subscribe over no hop":        subscribe(func(s *pb.Subscribe) { s.Hops = []string{"", "edge-1"} }),
		"subscribe over a long hop":    subscribe(func(s *pb.Subscribe) { s.Hops = []string{long} }),
		"subscribe to many layers":     subscribe(func(s *pb.Subscribe) { s.Layers = make([]string, 9) }),
		"subscribe to a long layer":    subscribe(func(s *pb.Subscribe) { s.Layers = []string{long} }),
		"subscribe that has much":      subscribe(func(s *pb.Subscribe) { s.Have = slices.Repeat([]*pb.Have{{}}, 65) }),
		"subscribe that has no number": subscribe(func(s *pb.Subscribe) { s.Have = []*pb.Have{{Sequence: 65536}} }),
		"accept of many flows":         accept(func(a *pb.Accept) { a.Flows = slices.Repeat(a.Flows, 65) }),
		"accept of flow 0":             accept(func(a *pb.Accept) { a.Flows[0].Flow = 0 }),
		"accept of no kind":            accept(func(a *pb.Accept) { a.Flows[0].Kind = 0 }),
		"accept of a kind to come":     accept(func(a *pb.Accept) { a.Flows[0].Kind = 9 }),
		"accept without clock rate":    accept(func(a *pb.Accept) { a.Flows[0].ClockRate = 0 }),
		"accept of a wide picture":     accept(func(a *pb.Accept) { a.Flows[0].Width = 65536 }),
		"accept of a high rank":        accept(func(a *pb.Accept) { a.Flows[0].Rank = 256 }),
		"accept of a long fmtp":        accept(func(a *pb.Accept) { a.Flows[0].Fmtp = strings.Repeat("x", 513) }),
		"accept from no number":        accept(func(a *pb.Accept) { a.Flows[0].Live = 65536 }),
		"accept of no stream":          accept(func(a *pb.Accept) { a.Stream = "A" }),
		"group of flow 0":              group(0, 1, 1),
		"group from no number":         group(1, 65536, 1),
		"group of more than numbers":   group(1, 1, 1<<15),
		"keyframe of flow 0":           {Body: &pb.RelayMessage_Keyframe{Keyframe: &pb.Keyframe{}}},
		"refuse at length":             {Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Detail: strings.Repeat("x", 513)}}},
		"pause of many flows":          {Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: make([]uint64, 4097)}}},
		"statistics of many flows":     {Body: &pb.RelayMessage_Stats{Stats: &pb.Stats{Flows: make([]*pb.FlowStats, 4097)}}},
	} {
		if err := Validate(m); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCodeOf(t *testing.T) {
	for _, row := range []struct {
		err  error
		want Code
	}{{nil, CodeNone}, {malformed("x"), CodePacket}, {io.ErrUnexpectedEOF, CodeGeneral}, {errors.Join(io.EOF, ErrTooLarge), CodeTooLarge}} {
		if got := CodeOf(row.err); got != row.want {
			t.Errorf("%v: %#x, want %#x", row.err, got, row.want)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, m := range valid() {
		f.Add(must(proto.Marshal(m)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		if err != nil {
			return
		}
		again, err := ParseMessage(must(proto.Marshal(m)))
		if err != nil || !proto.Equal(again, m) {
			t.Fatalf("%v became %v, %v", m, again, err)
		}
	})
}

func FuzzControlReader(f *testing.F) {
	var b bytes.Buffer
	w := NewControlWriter(&b)
	for _, m := range valid() {
		if err := w.Write(m); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewControlReader(bytes.NewReader(in))
		var out bytes.Buffer
		w := NewControlWriter(&out)
		var messages []*pb.RelayMessage
		for {
			m, err := r.Next()
			if err != nil {
				break
			}
			messages = append(messages, m)
			if err := w.Write(m); err != nil {
				t.Fatal(err)
			}
		}
		r = NewControlReader(&out)
		for _, m := range messages {
			if again, err := r.Next(); err != nil || !proto.Equal(again, m) {
				t.Fatalf("%v became %v, %v", m, again, err)
			}
		}
	})
}

func BenchmarkControl(b *testing.B) {
	m := valid()[2]
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if err := NewControlWriter(&buf).Write(m); err != nil {
			b.Fatal(err)
		}
		if _, err := NewControlReader(&buf).Next(); err != nil {
			b.Fatal(err)
		}
	}
}
