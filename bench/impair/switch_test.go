package impair

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A jack is a port without a device: what a test plugs in, it writes to in and reads from out.
type jack struct {
	in, out chan []byte
	closed  chan struct{}
	once    sync.Once
}

func newJack() *jack {
	return &jack{in: make(chan []byte, 16), out: make(chan []byte, 16), closed: make(chan struct{})}
}

func (j *jack) Read(b []byte) (int, error) {
	select {
	case frame := <-j.in:
		if frame == nil {
			return 0, io.ErrUnexpectedEOF
		}
		return copy(b, frame), nil
	case <-j.closed:
		return 0, net.ErrClosed
	}
}

func (j *jack) Write(b []byte) (int, error) {
	select {
	case j.out <- slices.Clone(b):
		return len(b), nil
	default:
		return 0, errors.New("the device is down")
	}
}

func (j *jack) Close() error {
	j.once.Do(func() { close(j.closed) })
	return nil
}

// hear takes the next frame.
func (j *jack) hear(t *testing.T) []byte {
	t.Helper()
	select {
	case frame := <-j.out:
		return frame
	case <-time.After(within):
		t.Fatalf("no frame within %v", within)
		return nil
	}
}

// jacks are ports of a switch that runs until the end of the test.
type jacks struct {
	*Switch
	ports []*jack
	done  chan error
}

func newJacks(t *testing.T, n int, path Path) *jacks {
	t.Helper()
	j := &jacks{done: make(chan error, 1)}
	var ports []io.ReadWriteCloser
	for range n {
		p := newJack()
		j.ports, ports = append(j.ports, p), append(ports, p)
	}
	var err error
	if j.Switch, err = NewSwitch(ports, path, 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { j.done <- j.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return j
}

const everyone = 0xffffff

// frame is one from a host to another, by their numbers; everyone is broadcast.
func frame(from, to int, text string) []byte {
	b := make([]byte, etherHeader, etherHeader+len(text))
	for at, host := range map[int]int{0: to, 6: from} {
		binary.BigEndian.PutUint32(b[at+2:], uint32(host))
		b[at], b[at+1] = 2, 0
		if host == everyone {
			copy(b[at:], "\xff\xff\xff\xff\xff\xff")
		}
	}
	return append(b, text...)
}

// ins returns how many frames came for each path out of a port, itself left out.
func (j *jacks) ins(from int) (all []uint64) {
	for to := range j.ports {
		if to != from {
			all = append(all, j.Stats(from, to).In.Packets)
		}
	}
	return all
}

// TestSwitchLearns: what nobody knows goes everywhere but back, what is known goes there alone, also once it has moved.
func TestSwitchLearns(t *testing.T) {
	j := newJacks(t, 3, Path{})
	for i, step := range []struct {
		at   int
		send []byte
		to   []int // the ports that get it
	}{
		{0, frame(10, everyone, "who is there"), []int{1, 2}},
		{1, frame(11, 10, "I am"), []int{0}},
		{0, frame(10, 11, "you alone"), []int{1}},
		{0, frame(10, 99, "a stranger"), []int{1, 2}},
		{2, frame(11, 10, "I have moved"), []int{0}},
		{0, frame(10, 11, "there"), []int{2}},
		{0, frame(12, everyone, "a second at one port"), []int{1, 2}},
		{0, frame(12, 10, "its own port"), nil},
		{0, frame(everyone, 11, "a group does not send"), []int{2}},
		{1, frame(13, everyone, "and is not learnt"), []int{0, 2}},
	} {
		j.ports[step.at].in <- step.send
		for _, to := range step.to {
			if got := j.ports[to].hear(t); string(got) != string(step.send) {
				t.Fatalf("step %d: port %d got %q, want %q", i, to, got, step.send)
			}
		}
	}
	for from, want := range [][]uint64{{4, 5}, {2, 1}, {1, 0}} {
		if got := j.ins(from); !slices.Equal(got, want) {
			t.Errorf("port %d passed on %v, want %v", from, got, want)
		}
	}
}

// TestSwitchPaths: each pair has its own path, each way.
func TestSwitchPaths(t *testing.T) {
	const delay = 50 * time.Millisecond
	j := newJacks(t, 3, Path{Delay: delay})
	j.Set(0, 1, Path{Cut: true})
	j.Set(2, 0, Path{})
	if got := []Path{j.Path(0, 1), j.Path(1, 0), j.Path(2, 0)}; !slices.Equal(got, []Path{{Cut: true}, {Delay: delay}, {}}) {
		t.Errorf("paths %v", got)
	}
	start := time.Now()
	j.ports[0].in <- frame(10, everyone, "slow to 2")
	j.ports[2].hear(t)
	if took := time.Since(start); took < delay {
		t.Errorf("0 to 2 took %v, want %v", took, delay)
	}
	if st := j.Stats(0, 1); st.Cut != (Count{1, 23}) || st.In != st.Cut {
		t.Errorf("0 to 1: %+v, want a frame of 23 bytes cut", st)
	}
	j.ports[2].in <- frame(12, 10, "back at once")
	j.ports[0].hear(t)
	j.Set(0, 1, Path{})
	j.ports[0].in <- frame(10, everyone, "healed")
	j.ports[1].hear(t)
}

// TestSwitchRate: the Ethernet header does not count.
func TestSwitchRate(t *testing.T) {
	w := newWire(1, 1, -etherHeader, Path{Rate: 8_000_000})
	w.add(epoch, numbered(0, 1000+etherHeader))
	if due, ok := w.next(); !ok || due.Sub(epoch) != time.Millisecond {
		t.Errorf("due after %v, want 1 ms", due.Sub(epoch))
	}
}

// TestSwitchOdd: what is no frame is dropped and counted, and so is what a port does not take.
func TestSwitchOdd(t *testing.T) {
	j := newJacks(t, 2, Path{})
	j.ports[0].in <- frame(10, 11, "")[:etherHeader-1]
	j.ports[0].in <- make([]byte, packetSize)
	j.ports[0].in <- frame(10, 11, "")
	j.ports[1].hear(t)
	if odd, unlearned := j.Odd(); odd != 2 || unlearned != 0 {
		t.Errorf("%d odd, %d unlearned, want 2 and 0", odd, unlearned)
	}
	n := cap(j.ports[1].out)
	for range n + 3 {
		j.ports[0].in <- frame(10, 11, "more")
	}
	until(t, "all are told of", func() bool {
		st := j.Stats(0, 1)
		return st.Failed.Packets == 3 && st.Out.Packets == uint64(n)+1
	})
}

// TestTableBounds: an address too many is not learnt, and counted.
func TestTableBounds(t *testing.T) {
	tb := table{ports: map[mac]int{}}
	for i := range maxMACs + 2 {
		tb.route(frame(i, everyone, ""), 1)
	}
	if to, known := tb.route(frame(0, maxMACs-1, ""), 1); !known || to != 1 {
		t.Errorf("the last there was room for: %d, %v, want port 1", to, known)
	}
	if _, known := tb.route(frame(0, maxMACs, ""), 1); known {
		t.Error("one too many was learnt")
	}
	if tb.left() != 2 || len(tb.ports) != maxMACs {
		t.Errorf("%d left out, %d learnt, want 2 and %d", tb.left(), len(tb.ports), maxMACs)
	}
}

// TestSwitchPortFails: the switch ends with the error of the port, and the others are closed.
func TestSwitchPortFails(t *testing.T) {
	j := newJacks(t, 2, Path{})
	j.ports[1].in <- nil
	select {
	case err := <-j.done:
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(err.Error(), "port 1: ") {
			t.Errorf("Run: %v, want that port 1 failed", err)
		}
	case <-time.After(within):
		t.Fatal("Run goes on")
	}
	select {
	case <-j.ports[0].closed:
	default:
		t.Error("the other port is open")
	}
}

func TestNewSwitchRefuses(t *testing.T) {
	ports := make([]io.ReadWriteCloser, maxPorts+1)
	for _, row := range []struct {
		n    int
		path Path
		want string
	}{
		{1, Path{}, "want 2 to 32 ports, not 1"}, {maxPorts + 1, Path{}, "want 2 to 32 ports, not 33"},
		{2, Path{Loss: 2}, "loss: want a share"},
	} {
		if _, err := NewSwitch(ports[:row.n], row.path, 1); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%d ports, %v: %v, want %s…", row.n, row.path, err, row.want)
		}
	}
}

func TestOpenTAPRefuses(t *testing.T) {
	if f, err := OpenTAP(strings.Repeat("x", 16)); err == nil || f != nil || !strings.HasPrefix(err.Error(), "tap: ") {
		t.Errorf("a name of 16 bytes: %v, %v, want an error", f, err)
	}
}

// A sink takes frames and forgets them.
type sink struct{ io.ReadWriteCloser }

func (sink) Write(b []byte) (int, error) { return len(b), nil }

// TestSwitchAllocs: a frame on its way costs no memory but its own, from the pool; one that floods neither.
func TestSwitchAllocs(t *testing.T) {
	made, fresh := 0, packets.New
	packets.New = func() any { made++; return new(packet) }
	defer func() { packets.New = fresh }()
	const frames = 2000
	for _, row := range []struct {
		what string
		to   int
		path Path
	}{{"known", 11, Path{}}, {"known, delayed", 11, Path{Delay: time.Nanosecond}}, {"flooded", everyone, Path{}}} {
		s, err := NewSwitch([]io.ReadWriteCloser{sink{}, sink{}, sink{}}, row.path, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer s.closeAlarms()
		var out outbox
		s.table.route(frame(11, 10, ""), 1)
		template := frame(10, row.to, "payload")
		due := make([]*packet, 0, batchSize)
		allocs := testing.AllocsPerRun(1, func() {
			made = 0
			for range frames {
				p := packets.Get().(*packet)
				p.n = copy(p.buf[:], template)
				s.pass(0, p, &out)
				if row.path.Delay > 0 {
					l := s.lanes[0][1]
					for due = l.take(due); len(due) > 0; due = l.take(due) {
						l.send(nil, due)
					}
				}
			}
		})
		if own := int(allocs) - made; own > frames/100 {
			t.Errorf("%s: %d allocs in %d frames, want none", row.what, own, frames)
		}
		if st := s.Stats(0, 1); st.Out.Packets < 2*frames*99/100 {
			t.Errorf("%s: %d frames out, want some %d", row.what, st.Out.Packets, 2*frames)
		}
	}
}
