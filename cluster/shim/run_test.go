package shim

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A recorder is a writer that keeps when what was sent.
type recorder struct {
	mu   sync.Mutex
	base time.Time
	sent []sent
}

func (r *recorder) WriteMsgUDPAddrPort(b, oob []byte, _ netip.AddrPort) (int, int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, _ := parseHeader(b, len(b))
	r.sent = append(r.sent, sent{int64(time.Since(r.base) / time.Millisecond), h.kind, h.seq})
	return len(b), len(oob), nil
}

// Run does what is due when it is due, though it may be asleep for longer when that is decided, and sleeps for
// good when nothing is.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{base: time.Now()}
		c := newConn(r)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait()
		if at := c.sleeps(); at != never {
			t.Errorf("wakes up without peers, after %v", time.Duration(at))
		}
		time.Sleep(time.Hour)
		start := time.Since(r.base).Milliseconds()
		to := netip.MustParseAddrPort("10.0.0.2:2")
		if _, err := c.WriteTo(make([]byte, 500), net.UDPAddrFromAddrPort(to)); err != nil {
			t.Fatal(err)
		}
		p := c.table.find(to)
		p.received.Store(1 << 20) // enough to be answered
		time.Sleep(120 * time.Millisecond)
		synctest.Wait()
		count := map[kind][]int64{}
		r.mu.Lock()
		for _, s := range r.sent {
			count[s.kind] = append(count[s.kind], s.at-start)
		}
		r.mu.Unlock()
		for k, want := range map[kind][]int64{kindData: {0}, kindTail: {8, 24, 96}, kindPing: {0, 50, 100}} {
			got := count[k]
			if len(got) != len(want) {
				t.Errorf("kind %d at %v ms, want %v", k, got, want)
				continue
			}
			for i := range got {
				if d := got[i] - want[i]; d < 0 || d > 2 {
					t.Errorf("kind %d at %v ms, want %v", k, got, want)
				}
			}
		}
		time.Sleep(7 * time.Second)
		synctest.Wait()
		if p := c.table.find(to); p != nil {
			t.Error("the peer was not forgotten")
		}
		if at := c.sleeps(); at != never {
			t.Errorf("wakes up without peers, after %v", time.Duration(at))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// A small packet that is written while Run ends, as QUIC's last word may be, does not stay behind.
func TestRunEnds(t *testing.T) {
	c := newConn(&recorder{base: time.Now()})
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.2:2"))
	p := c.open(keyOf(to), "", standProven, c.now())
	p.rtt.Store(100 * ms)
	for range 100 {
		c.running.Store(true)
		p.sendMu.Lock()
		now := c.now()
		wrote := make(chan error)
		go func() { wrote <- c.write(make([]byte, 40), nil, to, now) }()
		for p.wrote.Load() != now {
			runtime.Gosched()
		}
		runtime.Gosched()
		c.running.Store(false) // as letGo does, and has the lock before write
		p.sendMu.Unlock()
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		p.sendMu.Lock()
		n := p.send.held.len()
		p.sendMu.Unlock()
		if n != 0 {
			t.Fatalf("%d packets are still held", n)
		}
	}
}

// sleeps is until when Run does.
func (c *Conn) sleeps() int64 {
	c.wheelMu.Lock()
	defer c.wheelMu.Unlock()
	return c.wakeAt
}
