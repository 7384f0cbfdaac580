package shim

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spent is the CPU time of this process.
func spent(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDatagrams sends 1,100-byte QUIC datagrams over loopback, four each 2 ms, and reports the CPU time of
// sender and receiver together for each, with and without the layer.
func BenchmarkDatagrams(b *testing.B) {
	for _, layer := range []string{"plain", "shim"} {
		b.Run(layer, func(b *testing.B) {
			var x, y net.PacketConn
			if layer == "shim" {
				x, y = repaired(b, "127.0.0.1:0"), repaired(b, "127.0.0.1:0")
			} else {
				x, y = socket(b, "127.0.0.1:0"), socket(b, "127.0.0.1:0")
			}
			up, down := pair(b, x, y, y.LocalAddr())
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var came atomic.Int64
			go func() {
				for {
					if _, err := down.ReceiveDatagram(ctx); err != nil {
						return
					}
					came.Add(1)
				}
			}()
			m := make([]byte, 1100)
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			before, sent := spent(b), 0
			for b.Loop() {
				<-tick.C
				for range 4 {
					if err := up.SendDatagram(m); err != nil {
						b.Fatal(err)
					}
					sent++
				}
			}
			b.ReportMetric(float64((spent(b)-before).Microseconds())/float64(sent), "µs-cpu/packet")
			within(b, time.Second, "99 of 100 there", func() bool { return came.Load() >= int64(sent*99/100) })
		})
	}
}
