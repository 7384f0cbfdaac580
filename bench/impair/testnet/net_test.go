package testnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/bench/impair"
)

// TestRoundTrips: kernels and a program that know nothing of the switch talk over it, and each way takes its time.
func TestRoundTrips(t *testing.T) {
	n := New(t, 2, impair.Path{Delay: delay})
	a, b := n.Hosts[0], n.Hosts[1]

	for _, to := range []netip.Addr{b.Addr, b.Addr6} {
		round := ping(t, a, to)
		if err := round(); err != nil { // finds the neighbour too
			t.Fatal(err)
		}
		fastest(t, "ping "+to.String(), 2*delay, round)
	}

	here, there := udp(t, a, a.Addr), udp(t, b, b.Addr)
	fastest(t, "udp", 2*delay, func() error {
		_, err := here.WriteToUDPAddrPort([]byte("ping"), netip.AddrPortFrom(b.Addr, 7000))
		return errors.Join(err, bounce(there), read(here, "ping"))
	})

	start(t, b, netip.AddrPortFrom(b.Addr, 8000))
	tcp := call(t, a, netip.AddrPortFrom(b.Addr, 8000))
	fastest(t, "tcp", 2*delay, func() error { return talk(tcp, "ping") })
	fastest(t, "tcp connect", 2*delay, func() error {
		c, err := dial(a, netip.AddrPortFrom(b.Addr, 8000))
		if err == nil {
			_ = c.Close()
		}
		return err
	})
}

// TestLoss: as many packets are missing as the path says, and as many as the switch says that it lost.
func TestLoss(t *testing.T) {
	n := New(t, 2, impair.Path{})
	here, there := udp(t, n.Hosts[0], n.Hosts[0].Addr), udp(t, n.Hosts[1], n.Hosts[1].Addr)
	meet(t, here, there)
	n.Set(0, 1, impair.Path{Loss: 0.1})
	const packets, last = 5000, ^uint32(0)
	before := n.Stats(0, 1)
	came := make(chan int, 1)
	go func() {
		count := 0
		for range packets + 1 {
			var b [4]byte
			_ = there.SetReadDeadline(time.Now().Add(within))
			if _, err := io.ReadFull(there, b[:]); err != nil || binary.BigEndian.Uint32(b[:]) == last {
				break
			}
			count++
		}
		came <- count
	}()
	for i := range uint32(packets) {
		send(t, here, there, i)
		if i%50 == 49 { // no faster than they go through
			until(t, "the switch has them", func() bool { return n.Stats(0, 1).In.Packets-before.In.Packets >= uint64(i+1) })
		}
	}
	until(t, "all are told of", func() bool {
		st := n.Stats(0, 1)
		return st.In.Packets-before.In.Packets >= packets && st.In.Packets == st.Out.Packets+st.Lost.Packets
	})
	n.Set(0, 1, impair.Path{})
	send(t, here, there, last)
	missing := packets - <-came
	if share := float64(missing) / packets; share < 0.08 || share > 0.12 {
		t.Errorf("%v lost, want some 0.1", share)
	}
	// The kernel may have said a word of its own meanwhile (ARP, IPv6), and that may have got lost.
	if lost := int(n.Stats(0, 1).Lost.Packets); missing > lost || missing < lost-10 {
		t.Errorf("%d packets missing, and the switch lost %d frames", missing, lost)
	}
	if st := n.Stats(1, 0); st.Lost.Packets != 0 {
		t.Errorf("the other way: %+v, want none lost", st)
	}
}

// TestReorder: packets overtake one another, and none is gone.
func TestReorder(t *testing.T) {
	n := New(t, 2, impair.Path{})
	here, there := udp(t, n.Hosts[0], n.Hosts[0].Addr), udp(t, n.Hosts[1], n.Hosts[1].Addr)
	meet(t, here, there)
	n.Set(0, 1, impair.Path{Jitter: 50 * time.Millisecond, Reorder: true})
	var got []uint32
	for i := range uint32(100) {
		send(t, here, there, i)
	}
	for range 100 {
		got = append(got, receive(t, there))
	}
	if slices.IsSorted(got) {
		t.Error("in order, want that some overtake others")
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 100 {
		t.Errorf("%d of 100 came", len(got))
	}
}

// TestRate: a stream takes the time that the rate says, whatever carries it.
func TestRate(t *testing.T) {
	n := New(t, 2, impair.Path{Rate: 8_000_000, Buffer: time.Second})
	a, b := n.Hosts[0], n.Hosts[1]
	start(t, b, netip.AddrPortFrom(b.Addr, 8000))
	c := call(t, a, netip.AddrPortFrom(b.Addr, 8000))
	began := time.Now()
	if err := talk(c, strings.Repeat("x", 400_000)); err != nil { // 0.4 s each way, at the same time
		t.Fatal(err)
	}
	if took := time.Since(began); took < 400*time.Millisecond || took > 1200*time.Millisecond {
		t.Errorf("400 kB there and back at 8 Mbit/s took %v, want little more than 400 ms", took)
	}
}

// TestCut: nothing passes, and after the cut a connection that was there goes on.
func TestCut(t *testing.T) {
	n := New(t, 2, impair.Path{})
	a, b := n.Hosts[0], n.Hosts[1]
	start(t, b, netip.AddrPortFrom(b.Addr, 8000))
	c := call(t, a, netip.AddrPortFrom(b.Addr, 8000))
	if err := talk(c, "before"); err != nil {
		t.Fatal(err)
	}
	n.Cut(0, 1)
	n.Cut(1, 0)
	var before impair.Stats
	until(t, "what came before the cut is through", func() bool {
		before = n.Stats(0, 1)
		return before.In.Packets == before.Out.Packets+before.Cut.Packets
	})
	if _, err := io.WriteString(c, "within"); err != nil {
		t.Fatal(err)
	}
	until(t, "it was sent again", func() bool { return n.Stats(0, 1).Cut.Packets >= 2 })
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("in the cut: %v, want nothing", err)
	}
	if st := n.Stats(0, 1); st.Out != before.Out {
		t.Errorf("%+v, want no more out than before the cut, %+v", st, before)
	}
	n.Heal(0, 1)
	n.Heal(1, 0)
	b6 := make([]byte, len("within"))
	_ = c.SetReadDeadline(time.Now().Add(within))
	if _, err := io.ReadFull(c, b6); err != nil || string(b6) != "within" {
		t.Errorf("after the cut %q, %v, want what was said in it", b6, err)
	}
	if got := n.Path(0, 1); got != (impair.Path{}) {
		t.Errorf("after the cut the path is %v", got)
	}
}

// TestCutOneWay: the other way goes on.
func TestCutOneWay(t *testing.T) {
	n := New(t, 2, impair.Path{Delay: time.Millisecond})
	here, there := udp(t, n.Hosts[0], n.Hosts[0].Addr), udp(t, n.Hosts[1], n.Hosts[1].Addr)
	meet(t, here, there)
	n.Cut(0, 1)
	before := n.Stats(0, 1).Cut.Packets
	for i := range uint32(20) {
		send(t, here, there, i)
		send(t, there, here, 100+i)
		if got := receive(t, here); got != 100+i {
			t.Fatalf("got %d, want %d", got, 100+i)
		}
	}
	until(t, "all are cut", func() bool { return n.Stats(0, 1).Cut.Packets-before >= 20 })
	n.Heal(0, 1)
	send(t, here, there, 20)
	if got := receive(t, there); got != 20 {
		t.Errorf("after the heal came %d, want 20, and nothing of the cut", got)
	}
	if got := n.Path(0, 1); got != (impair.Path{Delay: time.Millisecond}) {
		t.Errorf("after the heal the path is %v", got)
	}
}

// TestThree: each pair has its own path, and a third hears nothing of what two say.
func TestThree(t *testing.T) {
	n := New(t, 3, impair.Path{})
	pairs := []struct {
		a, b int
		path impair.Path
	}{{0, 1, impair.Path{Delay: 10 * time.Millisecond}}, {0, 2, impair.Path{Delay: 30 * time.Millisecond}}, {1, 2, impair.Path{Delay: 60 * time.Millisecond}}}
	var rounds []func() error
	for _, p := range pairs {
		round := ping(t, n.Hosts[p.a], n.Hosts[p.b].Addr)
		if err := round(); err != nil {
			t.Fatal(err)
		}
		rounds = append(rounds, round)
		n.Set(p.a, p.b, p.path)
		n.Set(p.b, p.a, p.path)
	}
	for i, p := range pairs {
		fastest(t, fmt.Sprintf("%d to %d", p.a, p.b), 2*p.path.Delay, rounds[i])
	}
	before := n.Stats(0, 2).In.Bytes
	c, d := udp(t, n.Hosts[0], n.Hosts[0].Addr), udp(t, n.Hosts[1], n.Hosts[1].Addr)
	const size, packets = 1400, 20
	for range packets {
		if _, err := c.WriteToUDP(make([]byte, size), d.LocalAddr().(*net.UDPAddr)); err != nil {
			t.Fatal(err)
		}
		if err := read(d, string(make([]byte, size))); err != nil {
			t.Fatal(err)
		}
	}
	if heard := n.Stats(0, 2).In.Bytes - before; heard > size {
		t.Errorf("the third heard %d bytes, of %d that were not for it", heard, size*packets)
	}
}

// TestMissed reads what the kernel says of a device.
func TestMissed(t *testing.T) {
	const text = "Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n" +
		"    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n" +
		"  eth0:    1376      18    0    2    0     0          0         0     1206      15    0   37    0     0       0          0\n"
	if n, err := dropped(text); n != 37 || err != nil {
		t.Errorf("%d, %v, want 37", n, err)
	}
	if _, err := dropped("  eth0: 1 2 3\n"); err == nil {
		t.Error("counts that are not there were read")
	}
	h := New(t, 2, impair.Path{}).Hosts[0]
	if n, err := h.Missed(); err != nil || n != 0 {
		t.Errorf("of a new host %d, %v, want 0", n, err)
	}
}
