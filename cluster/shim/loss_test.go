package shim

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"time"
)

// Every datagram arrives, whatever the path does, and few of them late: one connection, 450 packets a second
// of 1,100 bytes, after a start in which QUIC's window may be too small.
func TestLoss(t *testing.T) {
	for _, row := range []struct {
		name string
		weather
	}{
		{"none", weather{delay: 20 * time.Millisecond}},
		{"2 %", weather{delay: 50 * time.Millisecond, loss: .02}},
		{"5 %", weather{delay: 50 * time.Millisecond, loss: .05}},
		{"2 % in fives", weather{delay: 50 * time.Millisecond, loss: .02, run: 5}},
		{"reordered", weather{delay: 50 * time.Millisecond, jitter: 10 * time.Millisecond, loss: .01}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, b := repaired(t, "127.0.0.1:0"), repaired(t, "127.0.0.1:0")
			s := under(t, b.LocalAddr().(*net.UDPAddr), row.weather)
			up, down := pair(t, a, b, s.addr())
			n := 1350
			if testing.Short() {
				n = 900
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			sent := make(chan error, 1)
			go func() {
				tick := time.NewTicker(time.Second / 450)
				defer tick.Stop()
				for i := range n {
					<-tick.C
					m := binary.BigEndian.AppendUint32(make([]byte, 0, 1100), uint32(i))
					m = binary.BigEndian.AppendUint64(m, uint64(time.Now().UnixNano()))
					if err := up.SendDatagram(m[:1100]); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			came := make([]bool, n)
			var late []time.Duration
			for len(late) < n {
				m, err := down.ReceiveDatagram(ctx)
				if err != nil {
					break
				}
				i := binary.BigEndian.Uint32(m)
				if came[i] {
					t.Errorf("datagram %d came twice", i)
				}
				came[i] = true
				late = append(late, time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(m[4:]))))-row.delay)
				if len(late) == n-1 { // then the last has no longer than its repair takes
					c, stop := context.WithTimeout(ctx, 2*time.Second)
					defer stop()
					ctx = c
				}
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			slices.Sort(late)
			pa, _ := a.Path(s.addr().(*net.UDPAddr).AddrPort())
			if len(late) != n {
				t.Errorf("%d of %d datagrams arrived", len(late), n)
			}
			if len(late) > 0 {
				t.Logf("%d packets lost; late p50 %v p99 %v max %v", s.lost, late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
			}
			t.Logf("sender: %+v", pa)
			for _, p := range b.table.byStand[standProven] {
				pb, _ := b.Path(p.addr)
				t.Logf("receiver: %+v", pb)
			}
		})
	}
}
