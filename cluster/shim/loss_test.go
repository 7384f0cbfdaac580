package shim

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"time"
)

// Every packet arrives, whatever the path does: one connection, 450 datagrams a second of 1,100 bytes. Plain
// QUIC brings a third of them through 2 % of loss.
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
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() {
				tick := time.NewTicker(time.Second / 450)
				defer tick.Stop()
				for i := range n {
					<-tick.C
					m := binary.BigEndian.AppendUint32(make([]byte, 0, 1100), uint32(i))
					m = binary.BigEndian.AppendUint64(m, uint64(time.Now().UnixNano()))
					if err := up.SendDatagram(m[:1100]); err != nil {
						t.Errorf("datagram %d: %v", i, err)
						break
					}
				}
				time.AfterFunc(time.Second, cancel) // many times what a repair takes
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
			}
			// QUIC drops what comes after it gave up on it, one in thousands; the layer above has its own NACK.
			if len(late) < n-n/300 {
				t.Fatalf("%d of %d datagrams arrived", len(late), n)
			}
			// Without that a repair comes too late for QUIC. Behind losses many go at once.
			if rtt, held := up.ConnectionStats().SmoothedRTT, row.delay/5; row.loss == 0 && rtt < 2*row.delay+held/2 {
				t.Errorf("round trip %v: acknowledgements were not held for %v", rtt, held)
			}
			slices.Sort(late)
			t.Logf("%d of %d; %d packets lost; late p50 %v p99 %v max %v", len(late), n, s.losses(), late[n/2], late[len(late)*99/100], late[len(late)-1])
			if p50 := late[n/2]; p50 > row.delay {
				t.Errorf("half of them later than %v", p50)
			}
			for name, c := range map[string]*Conn{"acknowledgements": a, "datagrams": b} {
				var sum totals
				within(t, time.Second, name+" whole", func() bool {
					sum, _ = c.table.totals()
					return sum.missing == sum.reordered+sum.repaired+sum.repairedLate+sum.gaveUp
				})
				if sum.gaveUp != 0 {
					t.Errorf("%s: %+v", name, sum.receiveCounts)
				}
				if row.loss > 0 && sum.repaired == 0 {
					t.Errorf("%s: nothing was repaired", name)
				}
				if row.jitter == 0 && row.loss == 0 && sum.resent != 0 {
					t.Errorf("%s: %d resent", name, sum.resent)
				}
			}
		})
	}
}
