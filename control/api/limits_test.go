package api

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/permit"
	"freshet/control/store/storetest"
)

// A burst is cut, headers tell, and others go on: each address, account and key has a rate of its own.
func TestLimits(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	program := o.program(owner, permit.ReadScope)
	other := o.program(owner, permit.ReadScope)
	few := func(name string) *limit.Limiter {
		return limit.New(limit.Rate{Name: name, N: 3, Per: 30 * time.Second, Burst: 3})
	}
	*o.api.limits = limits{address: few("address"), account: few("account"), key: few("key"), cut: o.api.limits.cut}
	stranger := o.at("[2001:db8:1:2::3]:99")
	wrong := o.at("198.51.100.1:99")
	wrong.key = "fsk_wrong"
	for _, row := range []struct {
		policy, path string
		b            *browser
		status       int
	}{
		{"address", "/streams", stranger, 200},
		{"account", "/me", owner, 200},
		{"key", "/account", program, 200},
		{"address", "/account", wrong, 401},
	} {
		for i := range 3 {
			w := row.b.send("GET", row.path, nil)
			left := `"` + row.policy + `";r=` + string(rune('2'-i)) + `;t=` + []string{"10", "20", "30"}[i]
			if h := w.Header(); w.Code != row.status || h.Get("RateLimit") != left || h.Get("RateLimit-Policy") != `"`+row.policy+`";q=3;w=30` {
				t.Errorf("%s, call %d: %d %v, want %s", row.policy, i+1, w.Code, h, left)
			}
		}
		row.b.fails(429, "too-many", "GET", row.path, nil)
		row.b.fails(429, "too-many", "GET", "/nothing", nil)
	}
	h := stranger.send("GET", "/streams", nil).Header()
	if h.Get("Retry-After") != "10" || h.Get("RateLimit") != `"address";r=0;t=10` {
		t.Errorf("%v", h)
	}
	for policy, want := range map[string]float64{"address": 5, "account": 2, "key": 2} {
		if got := testutil.ToFloat64(o.api.limits.cut.WithLabelValues(policy)); got != want {
			t.Errorf("%s: %v requests counted, want %v", policy, got, want)
		}
	}

	o.at("[2001:db8:1:3::3]:99").does("GET", "/streams", nil) // another network
	other.does("GET", "/account", nil)                        // another key of the account
	o.at("[2001:db8:1:2::4]:99").fails(429, "too-many", "GET", "/streams", nil)
	colleague := o.browser()
	colleague.does("POST", "/log-in", object{"email": ana, "password": password})
	colleague.fails(429, "too-many", "GET", "/me", nil) // of the same account
	o.pass(10 * time.Second)
	owner.does("GET", "/me", nil)
	program.does("GET", "/account", nil)

	// From loopback nobody is counted: it may be a proxy. Who is known is counted wherever it comes from.
	for _, from := range []string{"127.0.0.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9"} {
		for range 5 {
			if w := o.at(from).send("GET", "/streams", nil); w.Code != 200 || w.Header().Get("RateLimit") != "" {
				t.Errorf("%s: %d %v", from, w.Code, w.Header())
			}
		}
	}
	owner.from = "127.0.0.1:9"
	owner.fails(429, "too-many", "GET", "/me", nil)

	// Publishers come by keys of their own; a preflight is no call.
	for range 5 {
		if w := ask(o.api, http.MethodPost, "/whip/other", "v=0"); w.Code != http.StatusNotFound {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := stranger.send(http.MethodOptions, "/streams", nil); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// An audience of 10,000 behind one address, and a studio at its busiest, are not turned away.
func TestLimitsAreWide(t *testing.T) {
	o := newOffice(t, storetest.New(t))
	start := o.now()
	account := uuid.New()
	for _, row := range []struct {
		name          string
		a             access.Actor
		atOnce, calls int // at the start, and in each second of a minute after it
	}{
		{"an audience", access.Actor{From: netip.MustParseAddr("203.0.113.7")}, 20_000, 500},
		{"40 pages of a studio", access.Actor{Kind: audit.Person, Account: account, ID: uuid.New()}, 40 * 20, 40 * 5},
		{"an import", access.Actor{Kind: audit.Key, Account: account, ID: uuid.New()}, 100, 50},
	} {
		for second := range 60 {
			n := row.calls
			if second == 0 {
				n = row.atOnce
			}
			for i := range n {
				if p := o.api.limits.take(row.a, start.Add(time.Duration(second)*time.Second), http.Header{}); p != nil {
					t.Fatalf("%s: call %d of second %d is turned away: %v", row.name, i, second, p)
				}
			}
		}
	}
}

// BenchmarkLimits is what a call pays for being counted.
func BenchmarkLimits(b *testing.B) {
	l := newLimits(newMetrics(prometheus.NewRegistry()).limited)
	now, h := time.Now(), http.Header{}
	for name, a := range map[string]access.Actor{
		"address": {From: netip.MustParseAddr("203.0.113.7")},
		"account": {Kind: audit.Person, Account: uuid.New(), ID: uuid.New()},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(5 * time.Millisecond) // the rate
				if p := l.take(a, now, h); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}
