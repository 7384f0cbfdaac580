package shim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// cmsg is one control message.
func cmsg(level, typ int, data ...byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = int32(level), int32(typ)
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func segments(n int) []byte {
	return cmsg(unix.IPPROTO_UDP, unix.UDP_SEGMENT, binary.NativeEndian.AppendUint16(nil, uint16(n))...)
}

// A tap is a socket's writer that counts calls.
type tap struct {
	*net.UDPConn
	calls, batches int
}

func (t *tap) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (int, int, error) {
	var a ancillary
	a.parse(oob)
	t.calls++
	if a.segment > 0 {
		t.batches++
	}
	return t.UDPConn.WriteMsgUDPAddrPort(b, oob, addr)
}

// quiet is a Conn that does not run, and whose calls are counted.
func quiet(t testing.TB, addr string) (*Conn, *tap) {
	u := socket(t, addr)
	c := newConn(u)
	c.u = u
	if err := c.reader.open(u); err != nil {
		t.Fatal(err)
	}
	tapped := &tap{UDPConn: u}
	c.out = tapped
	t.Cleanup(func() { _ = u.Close() })
	return c, tapped
}

// A batch goes down in one system call, whatever is beside UDP_SEGMENT, and every packet of it has its header.
// ECN marks go along, with resends too.
func TestBatch(t *testing.T) {
	for _, row := range []struct {
		addr            string
		level, on, mark int
		value           []byte
	}{
		{"127.0.0.1:0", unix.IPPROTO_IP, unix.IP_RECVTOS, unix.IP_TOS, []byte{2}},
		{"[::1]:0", unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, unix.IPV6_TCLASS, []byte{2, 0, 0, 0}},
	} {
		t.Run(row.addr, func(t *testing.T) {
			c, tapped := quiet(t, row.addr)
			far := socket(t, row.addr)
			defer far.Close()
			raw, err := far.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), row.level, row.on, 1) })
			if err != nil {
				t.Fatal(err)
			}
			to := far.LocalAddr().(*net.UDPAddr)
			batch := make([]byte, 3*1000+400)
			for i := range batch {
				batch[i] = byte(i / 1000)
			}
			for _, oob := range [][]byte{
				append(segments(1000), cmsg(row.level, row.mark, row.value...)...),
				append(cmsg(row.level, row.mark, row.value...), segments(1000)...),
			} {
				*tapped = tap{UDPConn: tapped.UDPConn}
				n, oobn, err := c.WriteMsgUDP(batch, oob, to)
				if err != nil || n != len(batch) || oobn != len(oob) {
					t.Fatalf("wrote %d, %d: %v", n, oobn, err)
				}
				if tapped.calls != 1 || tapped.batches != 1 {
					t.Errorf("%d calls, %d of them batches, want one", tapped.calls, tapped.batches)
				}
			}
			p := c.table.find(addrPort(far))
			p.send.prove()
			p.sendMu.Lock()
			p.send.answer(span{1, 1}.append(nil), c.now(), 0)
			p.sendMu.Unlock()
			got, ctl := make([]byte, 2000), make([]byte, 100)
			_ = far.SetReadDeadline(time.Now().Add(5 * time.Second))
			for i := range 9 {
				n, nn, _, _, err := far.ReadMsgUDP(got, ctl)
				if err != nil {
					t.Fatal(err)
				}
				h, why := parseHeader(got, n)
				want := header{kindData, p.send.id, uint32(i)}
				if i == 8 {
					want = header{kindResent, p.send.id, 1}
				}
				part := bytes.Repeat([]byte{byte(want.seq % 4)}, 1000)
				if want.seq%4 == 3 {
					part = part[:400]
				}
				if why != dropNot || h != want || !bytes.Equal(got[headerLen:n], part) {
					t.Errorf("packet %d: %+v with %d bytes of %d, want %+v with %d of %d", i, h, n-headerLen, got[headerLen], want, len(part), part[0])
				}
				if !bytes.Contains(ctl[:nn], row.value) || nn == 0 || ctl[unix.CmsgLen(0)] != 2 {
					t.Errorf("packet %d has no ECN mark: %x", i, ctl[:nn])
				}
			}
			// One packet is no batch, and goes without UDP_SEGMENT.
			*tapped = tap{UDPConn: tapped.UDPConn}
			if _, _, err := c.WriteMsgUDP(batch[:700], segments(1000), to); err != nil || tapped.batches != 0 || tapped.calls != 1 {
				t.Errorf("%v; %d calls, %d batches", err, tapped.calls, tapped.batches)
			}
			// What the kernel does not take gets no number.
			next := p.send.next
			if _, _, err := c.WriteMsgUDP(make([]byte, 30<<10), cmsg(row.level, 99, 1), to); err == nil {
				t.Error("sent with a bad control message")
			}
			if p.send.next != next {
				t.Errorf("%d numbers for what was not sent", p.send.next-next)
			}
		})
	}
}

// QUIC's own batches come down as such.
func TestBatchFromQUIC(t *testing.T) {
	a, b := repaired(t, "127.0.0.1:0"), repaired(t, "127.0.0.1:0")
	tapped := &tap{UDPConn: a.u}
	a.out = lock(tapped)
	up, down := pair(t, a, b, b.LocalAddr())
	const n = 2 << 20
	sent := make(chan error, 1)
	go func() {
		s, err := up.OpenUniStream()
		if err == nil {
			_, err = s.Write(make([]byte, n))
			_ = s.Close()
		}
		sent <- err
	}()
	s, err := down.AcceptUniStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, buf := 0, make([]byte, 1<<16)
	for {
		k, err := s.Read(buf)
		got += k
		if err != nil {
			break
		}
	}
	if err := <-sent; err != nil || got != n {
		t.Fatalf("%d bytes of %d: %v", got, n, err)
	}
	a.out.(*locked).mu <- struct{}{}
	if tapped.batches == 0 || tapped.calls > n/1300/2 {
		t.Errorf("%d calls, %d of them batches, for %d bytes", tapped.calls, tapped.batches, n)
	}
	<-a.out.(*locked).mu
}

type locked struct {
	w  writer
	mu chan struct{}
}

func lock(w writer) *locked { return &locked{w, make(chan struct{}, 1)} }

func (l *locked) WriteMsgUDPAddrPort(b, oob []byte, addr netip.AddrPort) (int, int, error) {
	l.mu <- struct{}{}
	defer func() { <-l.mu }()
	return l.w.WriteMsgUDPAddrPort(b, oob, addr)
}

// Packets of a batch keep their buffers, are moved only behind what does not go up, and bring their control
// messages.
func TestReadBatch(t *testing.T) {
	c, _ := quiet(t, "127.0.0.1:0")
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1) })
	if err != nil {
		t.Fatal(err)
	}
	far := socket(t, "127.0.0.1:0")
	defer far.Close()
	to := c.LocalAddr().(*net.UDPAddr)
	data := func(seq uint32, n int) []byte {
		return packet(kindData, 1, seq, bytes.Repeat([]byte{byte(seq + 1)}, n)...)
	}
	for i, b := range [][]byte{data(0, 1000), packet(kindTail, 1, 1), data(1, 3), {0x40, 7, 7}, data(2, 1452),
		append([]byte{0x41}, bytes.Repeat([]byte{6}, 1451)...), data(3, 1453), {}, data(4, 1)} {
		if _, _, err := far.WriteMsgUDP(b, cmsg(unix.IPPROTO_IP, unix.IP_TOS, byte(i%3)), to); err != nil {
			t.Fatal(err)
		}
	}
	want := []struct {
		n     int
		first byte
		last  byte
		tos   byte
	}{{1000, 1, 1, 0}, {3, 2, 2, 2}, {3, 0x40, 7, 0}, {1452, 3, 3, 1}, {1452, 0x41, 6, 2}, {1, 5, 5, 2}}
	ms := make([]ipv4.Message, 16)
	bufs := make([][]byte, len(ms))
	for i := range ms {
		bufs[i] = make([]byte, 1452)
		ms[i].Buffers, ms[i].OOB = [][]byte{bufs[i]}, make([]byte, 128)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := c.ReadBatch(ms, 0)
	if err != nil || n != len(want) {
		t.Fatalf("%d packets, %v, want %d", n, err, len(want))
	}
	for i, w := range want {
		m := ms[i]
		if &m.Buffers[0][0] != &bufs[i][0] {
			t.Errorf("packet %d: another buffer", i)
		}
		if m.N != w.n || bufs[i][0] != w.first || bufs[i][w.n-1] != w.last {
			t.Errorf("packet %d: %d bytes from %x to %x, want %+v", i, m.N, bufs[i][0], bufs[i][max(m.N, 1)-1], w)
		}
		if m.NN == 0 || m.OOB[unix.CmsgLen(0)] != w.tos {
			t.Errorf("packet %d: control messages %x, want TOS %d", i, m.OOB[:m.NN], w.tos)
		}
		if got := m.Addr.(*net.UDPAddr).AddrPort(); got != addrPort(far) {
			t.Errorf("packet %d from %v", i, got)
		}
	}
	if n, err := c.ReadBatch(nil, 0); n != 0 || err != nil {
		t.Errorf("no messages: %d, %v", n, err)
	}
	_ = c.SetReadDeadline(time.Now())
	if _, err := c.ReadBatch(ms, 0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
}

// From a node with several addresses the layer's own packets leave by the one that QUIC uses.
func TestSource(t *testing.T) {
	c, _ := quiet(t, "0.0.0.0:0")
	far := socket(t, "127.0.0.1:0")
	defer far.Close()
	oob := cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, 0, 0, 0, 0, 127, 0, 0, 9, 0, 0, 0, 0)
	if _, _, err := c.WriteMsgUDP(make([]byte, 100), oob, far.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	p := c.table.find(addrPort(far))
	p.received.Add(1000)
	p.sendMu.Lock()
	p.ping(c.now())
	p.sendMu.Unlock()
	_ = far.SetReadDeadline(time.Now().Add(5 * time.Second))
	for _, k := range []kind{kindData, kindPing} {
		b := make([]byte, 200)
		_, from, err := far.ReadFromUDPAddrPort(b)
		if err != nil || kind(b[0]) != k || from.Addr() != netip.MustParseAddr("127.0.0.9") {
			t.Errorf("kind %d from %v, %v, want kind %d from 127.0.0.9", b[0], from, err, k)
		}
	}
}

// warm is two Conns that know each other, and how one sends n packets that the other reads.
func warm(t testing.TB) (c *Conn, transfer func(n int)) {
	c, _ = quiet(t, "127.0.0.1:0")
	d, _ := quiet(t, "127.0.0.1:0")
	c.out, d.out = c.u, d.u
	to, from := d.LocalAddr().(*net.UDPAddr), c.LocalAddr().(*net.UDPAddr)
	ms := make([]ipv4.Message, 8)
	for i := range ms {
		ms[i].Buffers, ms[i].OOB = [][]byte{make([]byte, 1452)}, make([]byte, 128)
	}
	b := make([]byte, 1200)
	oob := cmsg(unix.IPPROTO_IP, unix.IP_TOS, 2)
	if _, _, err := d.WriteMsgUDP(b, oob, from); err != nil { // state begins
		t.Fatal(err)
	}
	_ = d.SetReadDeadline(time.Now().Add(time.Minute))
	return c, func(n int) {
		for range n {
			if _, _, err := c.WriteMsgUDP(b, oob, to); err != nil {
				t.Fatal(err)
			}
			if _, err := d.ReadBatch(ms, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAllocations(t *testing.T) {
	c, transfer := warm(t)
	transfer(2 * maxSent)
	for _, p := range c.table.byAddr {
		p.sendMu.Lock()
		p.send.prove()
		p.sendMu.Unlock()
	}
	transfer(2 * maxSent)
	if n := testing.AllocsPerRun(1000, func() { transfer(1) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// BenchmarkPacket is the way of a packet of 1,200 bytes through both ends of the layer and two system calls;
// BenchmarkSocket is the system calls alone.
func BenchmarkPacket(b *testing.B) {
	_, transfer := warm(b)
	transfer(2 * maxSent)
	b.ReportAllocs()
	for b.Loop() {
		transfer(1)
	}
}

func BenchmarkSocket(b *testing.B) {
	x, y := socket(b, "127.0.0.1:0"), socket(b, "127.0.0.1:0")
	defer x.Close()
	defer y.Close()
	to := y.LocalAddr().(*net.UDPAddr)
	m, got, oob, in := make([]byte, 1208), make([]byte, 1500), cmsg(unix.IPPROTO_IP, unix.IP_TOS, 2), make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := x.WriteMsgUDP(m, oob, to); err != nil {
			b.Fatal(err)
		}
		if _, _, _, _, err := y.ReadMsgUDPAddrPort(got, in); err != nil {
			b.Fatal(err)
		}
	}
}
