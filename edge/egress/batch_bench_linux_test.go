package egress

import (
	"net/netip"
	"testing"
)

// BenchmarkBatch queues 4 packets to each of 64 viewers and hands them to the kernel, which routes them to sockets
// that nobody reads. A copy stands in for sealing.
func BenchmarkBatch(b *testing.B) {
	for _, row := range []struct {
		name string
		gso  bool
	}{{"segmented", true}, {"single", false}} {
		b.Run(row.name, func(b *testing.B) {
			s, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.close() })
			if row.gso && !s.gso {
				b.Skip("this kernel does not segment UDP")
			}
			s.gso = row.gso
			out := newBatch(s)
			var to [64]endpoint
			for i := range to {
				to[i] = s.endpoint(unread(b).local)
			}
			sealed := make([]byte, 1150)
			b.ReportAllocs()
			for b.Loop() {
				for i := range to {
					for range 4 {
						copy(out.room(len(sealed)), sealed)
						out.add(&to[i], len(sealed))
					}
				}
				out.flush()
			}
			if out.count.dropped > 0 {
				b.Errorf("the kernel did not take %d of %d packets", out.count.dropped, out.count.packets)
			}
		})
	}
}

// unread is a socket that is full after a few packets: from then on the kernel routes, looks up and drops.
func unread(b *testing.B) *socket {
	b.Helper()
	s, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.close() })
	if err := s.bound(4 << 10); err != nil {
		b.Fatal(err)
	}
	return s
}
