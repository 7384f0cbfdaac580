package relay

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/pion/rtp"
	"google.golang.org/protobuf/encoding/protowire"

	"freshet/bench/load"
)

func stamped(layer uint8, count uint64, at time.Time) []byte {
	return load.Stamp{At: at, Count: count, Layer: layer}.Append([]byte{1, 2, 3})
}

func TestArrivals(t *testing.T) {
	begun := time.Unix(1700000000, 0)
	a, b := newArrivals(), newArrivals()
	for i := range 100 {
		at := begun.Add(time.Duration(i) * time.Millisecond)
		a.note(stamped(1, uint64(i), at), 0, at.Add(time.Millisecond))
		if i%10 == 5 {
			continue // lost on the way to b
		}
		late := 10 * time.Millisecond
		if i == 98 {
			late = 60 * time.Millisecond
		}
		b.note(stamped(1, uint64(i), at), uint16(i), at.Add(late))
	}
	a.note([]byte("no stamp"), 0, begun)
	b.note(stamped(200, 1, begun), 0, begun)                 // no layer of ours
	b.note(stamped(1, 1<<40, begun), 0, begun)               // no count of ours
	b.note(stamped(1, 50, begun), 50, begun)                 // resent
	b.note(stamped(1, 51, begun), 5, begun)                  // twice
	b.packet("", "", &rtp.Packet{Payload: nil}, time.Time{}) // no stamp either
	from, to := mark{}, a.mark()
	p := a.passed(b, from, to)
	if p.sent != 100 || p.there != 90 || p.delivered() != .9 {
		t.Errorf("passage: %+v", p)
	}
	if got := p.within(20 * time.Millisecond); got != .89 {
		t.Errorf("in time: got %v, want 0.89", got)
	}
	if p.at(.5) != 10*time.Millisecond || p.at(1) != 60*time.Millisecond {
		t.Errorf("ages: p50 %v, max %v", p.at(.5), p.at(1))
	}
	if got := a.between(b, from, to); got.at(.5) != 9*time.Millisecond || got.sent != 100 || got.there != 90 {
		t.Errorf("between: p50 %v, %+v", got.at(.5), got)
	}
	if got := a.passed(b, from, to, 0); got.sent != 0 || got.delivered() != 0 {
		t.Errorf("a layer that was not sent: %+v", got)
	}
	if got := b.holes(1, from, to); got != 10 {
		t.Errorf("holes: got %d, want 10", got)
	}
	if got := b.holes(1, mark{1: 95}, to); got != 1 {
		t.Errorf("a hole right at the beginning: got %d, want 1", got)
	}
	if got := b.holes(1, mark{1: 90}, mark{1: 96}); got != 0 {
		t.Errorf("a hole at the end is none yet: got %d", got)
	}
	if twice, resent := b.repeated(); twice != 1 || resent != 1 {
		t.Errorf("repeated: got %d and %d, want 1 and 1", twice, resent)
	}
	if got := a.passed(a, from, to); got.there != 100 {
		t.Errorf("one place with itself: %+v", got)
	}
}

func TestSteps(t *testing.T) {
	at := time.Unix(1700000000, 0)
	all, base := [3]bool{true, true, true}, [3]bool{true, false, false}
	s := steps{{at, all}, {at.Add(time.Second), base}, {at.Add(2 * time.Second), all}, {at.Add(20 * time.Second), base}, {at.Add(32 * time.Second), all}}
	if got := s.firstChange(at.Add(-time.Second)); got != 2*time.Second {
		t.Errorf("first change: got %v, want 2s", got)
	}
	if got := s.complete(at.Add(30 * time.Second)); got != 2*time.Second {
		t.Errorf("complete: got %v, want 2s", got)
	}
	if got := s[:4].complete(at); got != 0 {
		t.Errorf("not complete: got %v, want 0", got)
	}
	if got := s.most(at.Add(time.Millisecond), at.Add(time.Minute), 10*time.Second); got != 2 {
		t.Errorf("most: got %d, want 2", got)
	}
}

func TestPackageOf(t *testing.T) {
	for function, want := range map[string]string{
		"freshet/cluster/shim.(*Conn).ReadBatch":     "freshet/cluster/shim",
		"github.com/quic-go/quic-go.(*Conn).run":     "github.com/quic-go/quic-go",
		"runtime.futex":                              "runtime",
		"memeqbody":                                  "runtime",
		"slices.SortFunc[go.shape.struct { X/y.z }]": "slices",
	} {
		if got := packageOf(function); got != want {
			t.Errorf("%s: got %s, want %s", function, got, want)
		}
	}
}

// A profile of this process is read; what is none is refused.
func TestProfile(t *testing.T) {
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		t.Fatal(err)
	}
	sum := 0.
	for begun := time.Now(); time.Since(begun) < 300*time.Millisecond; {
		sum += math.Sqrt(float64(time.Now().UnixNano()))
	}
	pprof.StopCPUProfile()
	shares, err := byPackage(b.Bytes())
	if err != nil || len(shares) == 0 || sum == 0 {
		t.Fatalf("got %v, %v", shares, err)
	}
	total := 0.
	for i, s := range shares {
		total += s.share
		if i > 0 && s.share > shares[i-1].share {
			t.Errorf("not in order: %v", shares)
		}
	}
	if math.Abs(total-1) > 1e-6 {
		t.Errorf("shares sum up to %v", total)
	}
	if _, err := byPackage([]byte("no gzip")); !errors.Is(err, errProfile) {
		t.Errorf("no gzip: %v", err)
	}
	if _, err := byPackage(zipped(nil)); !errors.Is(err, errProfile) {
		t.Errorf("empty: %v", err)
	}
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // to memory
	_ = z.Close()
	return out.Bytes()
}

func FuzzProfile(f *testing.F) {
	sample := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)
	sample = protowire.AppendBytes(protowire.AppendTag(sample, 2, protowire.BytesType), []byte{1, 10})
	f.Add(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), sample))
	f.Add([]byte{0x0a})
	f.Fuzz(func(t *testing.T, b []byte) {
		shares, err := byPackage(zipped(b))
		if err == nil && len(shares) == 0 {
			t.Error("no shares and no error")
		}
	})
}

// Every row has an id of its own, and so has everything that it gives.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		if r.About == "" || r.Run == nil {
			t.Errorf("%s: %+v", r.ID, r)
		}
		ids := r.Gives
		if ids == nil {
			ids = []string{r.ID}
		}
		for _, id := range ids {
			if seen[id] {
				t.Errorf("two results are called %s", id)
			}
			seen[id] = true
		}
	}
	for _, id := range []string{"loss-2-rtt-100", "burst-5-rtt-200", "audio-2-rtt-20", "kill", "cpu", "soak"} {
		if !seen[id] {
			t.Errorf("no result %s", id)
		}
	}
}
