package egress

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// Where there is no room, a handshake that has stalled makes some: one of the same address where that has too many.
func TestDoor(t *testing.T) {
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	many := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	prefix := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%x", i)) }
	same := func(int) netip.Addr { return one }
	for _, row := range []struct {
		name    string
		open    int
		from    func(int) netip.Addr
		after   time.Duration // of the newest
		next    netip.Addr
		ok, cut bool
	}{
		{"room", maxHandshakesFromOne - 1, same, 0, one, true, false},
		{"too many of an address, all fresh", maxHandshakesFromOne, same, 0, one, false, false},
		{"another address", maxHandshakesFromOne, same, 0, other, true, false},
		{"too many of an address, stalled", maxHandshakesFromOne, same, stalledAfter + 1, one, true, true},
		{"too many of a /64", maxHandshakesFromOne, prefix, 0, prefix(maxHandshakesFromOne), false, false},
		{"another /64", maxHandshakesFromOne, prefix, 0, netip.MustParseAddr("2001:db8:0:2::1"), true, false},
		{"mapped IPv4 is IPv4", maxHandshakesFromOne, same, 0, netip.MustParseAddr("::ffff:192.0.2.1"), false, false},
		{"full, all fresh", maxHandshakes, many, 0, one, false, false},
		{"full, stalled", maxHandshakes, many, stalledAfter + 1, one, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var d door
			now := time.Unix(0, 0)
			var ended []int
			var all []*entry
			for i := range row.open {
				e := &entry{from: row.from(i), began: now, end: func() { ended = append(ended, i) }}
				if ok, cut := d.enter(e); !ok || cut {
					t.Fatalf("handshake %d: ok %v, cut %v, want room", i, ok, cut)
				}
				all = append(all, e)
			}
			ok, cut := d.enter(&entry{from: row.next, began: now.Add(row.after)})
			if ok != row.ok || cut != row.cut {
				t.Errorf("the next: got ok %v, cut %v, want %v, %v", ok, cut, row.ok, row.cut)
			}
			if want := map[bool][]int{true: {0}}[row.cut]; !slices.Equal(ended, want) {
				t.Errorf("ended: got %v, want the oldest alone where there is no room: %v", ended, want)
			}
			for _, e := range all {
				d.leave(e)
			}
			if want := map[bool]int{true: 1}[row.ok]; d.count() != want {
				t.Errorf("%d are open after all but the last have left, want %d", d.count(), want)
			}
		})
	}
}
