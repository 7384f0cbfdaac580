package estimate

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"
)

// stepTicks and steps make about a second of 256 x 16 ticks, which reference times can name.
const (
	steps     = 150
	stepTicks = 27
	spanTicks = 16 * 256
	span      = spanTicks * time.Second / ticksPerSecond
)

// A media is about one second of what a viewer is sent: 30 frames of 3 or 4 packets, 50 of sound, and 10 feedbacks.
type media struct {
	at      []uint32 // ticks
	sizes   []int
	reports [][]byte
	n       uint16 // number of the next packet
	seconds uint32
}

func newMedia() *media {
	m := &media{}
	var arrivals []uint32
	for i := range uint32(steps) {
		size, n := 1150, uint32(0)
		if i%5 == 0 {
			n = 3 + i/5%2
		}
		for k := range n + 1 {
			if k == n {
				if i%3 != 0 {
					break
				}
				size = 120
			}
			m.at, m.sizes = append(m.at, i*stepTicks), append(m.sizes, size)
			arrivals = append(arrivals, i*stepTicks+4*k)
		}
	}
	const each = 16
	for from := 0; from < len(arrivals); from += each {
		part := arrivals[from:min(from+each, len(arrivals))]
		reference, last := part[0]/256, part[0]&^255
		var all []status
		for _, a := range part {
			all = append(all, status{came: true, delta: int16(a - last)})
			last = a
		}
		m.reports = append(m.reports, appendFeedback(nil, uint16(from), reference, all))
	}
	return m
}

// play sends e the next second, and the feedback to it.
func (m *media) play(e *Estimator) {
	start := time.Second + time.Duration(m.seconds)*span
	next := 0
	for i, size := range m.sizes {
		e.Number(start+time.Duration(m.at[i])*(time.Second/ticksPerSecond), size)
		if (i+1)%16 != 0 && i+1 < len(m.sizes) {
			continue
		}
		b := m.reports[next]
		first, reference := binary.BigEndian.Uint16(b[12:]), binary.BigEndian.Uint32(b[16:])
		binary.BigEndian.PutUint16(b[12:], first+m.n)
		binary.BigEndian.PutUint32(b[16:], reference+m.seconds*16<<8)
		p, _, _ := Next(b)
		if f, err := ParseFeedback(p); err == nil {
			e.Feedback(start+time.Duration(m.at[i])*(time.Second/ticksPerSecond)+50*time.Millisecond, &f)
		}
		binary.BigEndian.PutUint16(b[12:], first)
		binary.BigEndian.PutUint32(b[16:], reference)
		next++
	}
	m.n += uint16(len(m.sizes))
	m.seconds++
}

func (m *media) now() time.Duration { return time.Second + time.Duration(m.seconds)*span }

func BenchmarkNumber(b *testing.B) {
	b.ReportAllocs()
	e := New(&Path{})
	at := time.Second
	for b.Loop() {
		at += time.Millisecond
		e.Number(at, 1000)
	}
}

// One second of one viewer: numbers for what is sent, and all feedback, from its bytes.
func BenchmarkViewerSecond(b *testing.B) {
	m, e := newMedia(), New(&Path{})
	b.ReportAllocs()
	for b.Loop() {
		m.play(e)
	}
	b.ReportMetric(float64(len(m.sizes)), "packets/op")
	b.ReportMetric(float64(len(m.reports)), "feedbacks/op")
	b.ReportMetric(float64(unsafe.Sizeof(*e)), "B/viewer")
}

// The same of 10,000 viewers in turn: their memory is not in the cache.
func BenchmarkCrowdSecond(b *testing.B) {
	const viewers = 10_000
	var all []*Estimator
	for range viewers {
		all = append(all, New(&Path{}))
	}
	m := newMedia()
	b.ReportAllocs()
	for b.Loop() {
		n, seconds := m.n, m.seconds
		for _, e := range all {
			m.n, m.seconds = n, seconds
			m.play(e)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/viewers, "ns/viewer")
}

func TestASecondAllocatesNothing(t *testing.T) {
	m, e := newMedia(), New(&Path{})
	if n := testing.AllocsPerRun(20, func() { m.play(e) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	if got := e.BPS(m.now()); got < 1_000_000 || int(e.next) != len(m.sizes)*int(m.seconds) {
		t.Errorf("estimate %d after %d packets: the feedback was not taken", got, e.next)
	}
}
