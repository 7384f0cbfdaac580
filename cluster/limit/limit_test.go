package limit

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

func TestTake(t *testing.T) {
	l := New(Rate{Name: "mails", N: 5, Per: 10 * time.Minute, Burst: 5})
	for i := range 5 {
		if v := l.Take("a", start); !v.OK || v.Left != 4-i {
			t.Errorf("%d: %+v", i, v)
		}
	}
	v := l.Take("a", start)
	if v.OK || v.Left != 0 || v.Again != 2*time.Minute {
		t.Errorf("the sixth: %+v", v)
	}
	h := http.Header{}
	v.Write(h)
	if p, r := h.Get("RateLimit-Policy"), h.Get("RateLimit"); p != `"mails";q=5;w=600` || r != `"mails";r=0;t=120` {
		t.Errorf("%s, %s", p, r)
	}
	if v := l.Take("b", start); !v.OK {
		t.Errorf("another key: %+v", v)
	}
	if v := l.Take("a", start.Add(2*time.Minute-time.Second)); v.OK {
		t.Errorf("a second too early: %+v", v)
	}
	if v := l.Take("a", start.Add(2*time.Minute)); !v.OK {
		t.Errorf("in time: %+v", v)
	}
}

// Keys that are as good as new are forgotten, and no others.
func TestForget(t *testing.T) {
	l := New(Rate{N: 1, Per: time.Minute, Burst: 1})
	for i := range 100 {
		l.Take(fmt.Sprint(i), start)
	}
	for i := range 60 {
		l.Take(fmt.Sprint("later", i), start.Add(time.Minute))
	}
	if n := l.seen.Len(); n != 60 {
		t.Errorf("%d keys, want the 60 of the last minute", n)
	}
	if v := l.Take("later0", start.Add(time.Minute)); v.OK {
		t.Error("one that is in use was forgotten")
	}
}

func TestKeysAreBounded(t *testing.T) {
	l := New(Rate{N: 1, Per: time.Hour, Burst: 1})
	for i := range keys + 10 {
		l.Take(fmt.Sprint(i), start)
	}
	if n := l.seen.Len(); n != keys {
		t.Errorf("%d keys, want %d", n, keys)
	}
}

// What one more call costs: of one address, of many, and of many at once.
func BenchmarkTake(b *testing.B) {
	r := Rate{Name: "address", N: 30_000, Per: 30 * time.Second, Burst: 30_000}
	many := make([]string, 50_000)
	for i := range many {
		many[i] = fmt.Sprint("203.0.113.", i)
	}
	for name, keys := range map[string][]string{"one": many[:1], "many": many} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			l, now := New(r), start
			for i := 0; b.Loop(); i++ {
				now = now.Add(time.Microsecond)
				l.Take(keys[i%len(keys)], now)
			}
		})
	}
	b.Run("at once", func(b *testing.B) {
		b.ReportAllocs()
		l := New(r)
		b.RunParallel(func(p *testing.PB) {
			for i := 0; p.Next(); i++ {
				l.Take(many[i%len(many)], start)
			}
		})
	})
}

func BenchmarkWrite(b *testing.B) {
	b.ReportAllocs()
	v, h := New(Rate{Name: "address", N: 30_000, Per: 30 * time.Second, Burst: 30_000}).Take("a", start), http.Header{}
	for b.Loop() {
		v.Write(h)
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Network(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if got := Network(netip.Addr{}); got != "" {
		t.Errorf("no address: %s", got)
	}
}
