package egress

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// joining sets whether the kernel may join datagrams for s.
func (s *socket) joining(t testing.TB, on bool) {
	t.Helper()
	n := 0
	if on {
		n = 1
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_UDP, unix.UDP_GRO, n); err != nil {
		t.Skipf("the kernel has no UDP_GRO: %v", err)
	}
	s.in.gro = on
}

// burst sends b from s in segments of size, in one message.
func (s *socket) burst(t testing.TB, to *socket, b []byte, size int) {
	t.Helper()
	e := s.endpoint(to.local)
	m := message{to: &e, end: len(b), segment: size, count: (len(b) + size - 1) / size}
	if n := s.send(b, []message{m}, &sent{}); n != 0 {
		t.Fatalf("the kernel did not take %d packets", n)
	}
}

type arrival struct {
	b    []byte
	from netip.AddrPort
}

func (s *socket) all(limit int) (got []arrival) {
	s.receive(limit, func(b []byte, from netip.AddrPort) {
		got = append(got, arrival{append([]byte(nil), b...), from})
	})
	return got
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i / 7)
	}
	return b
}

// Each datagram is taken as it was sent, whether the kernel joins them or not.
func TestJoinedDatagrams(t *testing.T) {
	for _, row := range []struct {
		name        string
		bytes, size int
		want        int // datagrams
		cut         int // bytes of the last one that are taken
	}{
		{"ten, the last shorter", 9300, 1000, 10, 300},
		{"ten, all alike", 10000, 1000, 10, 1000},
		{"one", 700, 1000, 1, 700},
		{"sixty of a byte", 60, 1, 60, 1},
		{"as much as a message may be", 60000, 1000, 60, 1000},
		{"longer than any path carries", 3 * (readSize + 100), readSize + 100, 3, readSize},
	} {
		for _, on := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/joined=%v", row.name, on), func(t *testing.T) {
				near, far := socketOf(t), socketOf(t)
				near.joining(t, on)
				if !far.gso {
					t.Skip("the kernel has no UDP_SEGMENT")
				}
				b := pattern(row.bytes)
				far.burst(t, near, b, row.size)
				got := near.all(1000)
				if len(got) != row.want {
					t.Fatalf("got %d datagrams, want %d", len(got), row.want)
				}
				if calls := near.in.count; on && calls != 1 {
					t.Errorf("%d messages, want one: nothing was joined", calls)
				}
				for i, a := range got {
					want := b[i*row.size : min((i+1)*row.size, i*row.size+readSize, len(b))]
					if i == len(got)-1 {
						want = want[:row.cut]
					}
					if !bytes.Equal(a.b, want) || a.from != far.local {
						t.Errorf("datagram %d: %d bytes from %v, want %d from %v", i, len(a.b), a.from, len(want), far.local)
					}
				}
				// What comes after has not suffered.
				far.burst(t, near, []byte("after"), 5)
				if got := near.all(1000); len(got) != 1 || string(got[0].b) != "after" {
					t.Errorf("afterwards: got %d datagrams, want one as sent", len(got))
				}
			})
		}
	}
}

// No more is taken at a time than was asked for, however much one message holds; the rest comes next, with what
// others sent.
func TestReceiveKeepsItsLimit(t *testing.T) {
	near, far, other := socketOf(t), socketOf(t), socketOf(t)
	near.joining(t, true)
	b := pattern(10 * 100)
	far.burst(t, near, b, 100)
	other.burst(t, near, []byte("other"), 5)
	var got []arrival
	for _, limit := range []int{3, 4, 0, 2} {
		some := near.all(limit)
		if len(some) != limit {
			t.Fatalf("got %d datagrams, want %d", len(some), limit)
		}
		got = append(got, some...)
	}
	got = append(got, near.all(1000)...)
	if len(got) != 11 || string(got[10].b) != "other" || got[10].from != other.local {
		t.Fatalf("got %d datagrams, want the 10 of one and then that of the other", len(got))
	}
	for i, a := range got[:10] {
		if !bytes.Equal(a.b, b[i*100:(i+1)*100]) {
			t.Errorf("datagram %d is not what was sent", i)
		}
	}
}

// Whatever the size of a segment, what is there is taken once, and nothing else.
func TestSegmentSizes(t *testing.T) {
	const size = 1000
	for _, row := range []struct{ segment, want int }{
		{0, 1}, {-1, 1}, {-1 << 31, 1}, {1<<31 - 1, 1}, {size + 1, 1}, {size, 1}, {size - 1, 2}, {300, 4}, {1, size},
	} {
		in := inbound{gro: true}
		if err := in.open(); err != nil {
			t.Fatal(err)
		}
		c := (*unix.Cmsghdr)(unsafe.Pointer(&in.control[0]))
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_GRO
		c.SetLen(unix.CmsgLen(4))
		binary.NativeEndian.PutUint32(in.control[0][unix.CmsgLen(0):], uint32(row.segment))
		in.messages[0].header.SetControllen(controlSize)
		in.messages[0].size = size
		in.count = 1
		n, taken := 0, 0
		for ; in.at < in.count; n++ {
			taken += len(in.next())
		}
		if n != row.want || taken != size {
			t.Errorf("segments of %d: %d datagrams of %d bytes, want %d of %d", row.segment, n, taken, row.want, size)
		}
		in.close()
	}
}

func TestReceiveAllocatesNothing(t *testing.T) {
	near, far := socketOf(t), socketOf(t)
	b := pattern(1000)
	to := far.endpoint(near.local)
	n := 0
	take := func([]byte, netip.AddrPort) { n++ }
	near.receive(1, take)
	allocs := testing.AllocsPerRun(100, func() {
		if err := far.write(b, &to); err != nil {
			t.Fatal(err)
		}
		near.receive(10, take)
	})
	if allocs != 0 || n != 101 {
		t.Errorf("%v allocations a datagram, want 0; %d arrived, want 101", allocs, n)
	}
}

// What feedback costs to take, and what a flood: of one sender whose datagrams come joined, as a network card's
// driver joins them.
func BenchmarkReceive(b *testing.B) {
	const datagrams, size = 1000, 100
	for _, row := range []struct {
		name    string
		senders int
	}{{"senders=1000", datagrams}, {"senders=1", 1}} {
		for _, on := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/joined=%v", row.name, on), func(b *testing.B) {
				runtime.LockOSThread() // its CPU time is taken: neighbours do not count
				defer runtime.UnlockOSThread()
				near := socketOf(b)
				near.joining(b, on)
				var far []*socket
				for range row.senders {
					far = append(far, socketOf(b))
				}
				payload := pattern(datagrams / row.senders * size)
				var spent time.Duration
				got := 0
				take := func([]byte, netip.AddrPort) { got++ }
				for b.Loop() {
					for _, s := range far {
						for rest := payload; len(rest) > 0; rest = rest[min(len(rest), 50*size):] {
							s.burst(b, near, rest[:min(len(rest), 50*size)], size)
						}
					}
					began := threadTime()
					near.receive(2*datagrams, take)
					spent += threadTime() - began
				}
				if got != b.N*datagrams {
					b.Fatalf("%d datagrams arrived of %d", got, b.N*datagrams)
				}
				b.ReportMetric(float64(spent.Nanoseconds())/float64(got), "ns/datagram")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
