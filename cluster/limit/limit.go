// Package limit holds callers to a rate, each by a key of its own: an address, an account, a token.
package limit

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"freshet/proto/problem"
)

// A Rate is so many at once, and then so many in a time.
type Rate struct {
	Name  string // of the policy, for headers
	N     int    // in Per
	Per   time.Duration
	Burst int
}

// keys that a limiter remembers: who makes up more of them has the oldest forgotten, at 200 bytes each.
const keys = 100_000

// A Limiter holds each key to one rate. It may be used from any goroutine.
type Limiter struct {
	rate   Rate
	policy []string // header of rate, the same in every answer
	mu     sync.Mutex
	seen   *simplelru.LRU[string, *rate.Limiter]
}

// New returns a limiter.
func New(r Rate) *Limiter {
	seen, err := simplelru.NewLRU[string, *rate.Limiter](keys, nil)
	if err != nil {
		panic(err) // keys is not positive
	}
	policy := fmt.Sprintf("%q;q=%d;w=%d", r.Name, r.Burst, int(r.Per.Seconds()))
	return &Limiter{rate: r, policy: []string{policy}, seen: seen}
}

// A Verdict is what a limiter says of one act.
type Verdict struct {
	OK    bool
	Left  int           // that would be allowed now
	Again time.Duration // until the next one is allowed, where OK is false; until all are, where it is true
	of    *Limiter
}

// Take counts one act of key at now.
func (l *Limiter) Take(key string, now time.Time) Verdict {
	l.mu.Lock()
	l.forget(now)
	one, ok := l.seen.Get(key)
	if !ok {
		one = rate.NewLimiter(rate.Limit(float64(l.rate.N)/l.rate.Per.Seconds()), l.rate.Burst)
		l.seen.Add(key, one)
	}
	l.mu.Unlock()
	v := Verdict{OK: one.AllowN(now, 1), of: l}
	left := one.TokensAt(now)
	v.Left = max(0, int(left))
	missing := float64(l.rate.Burst) - left
	if !v.OK {
		missing = 1 - left
	}
	v.Again = max(0, time.Duration(missing/float64(l.rate.N)*float64(l.rate.Per)))
	if !v.OK {
		v.Again = max(v.Again, 1) // where another call's clock was ahead
	}
	return v
}

// forget drops the two keys that were not used for longest where that is so long ago that they are as good as new: with
// one key a call at most coming, all go in time. The lock is held.
func (l *Limiter) forget(now time.Time) {
	for range 2 {
		_, one, ok := l.seen.GetOldest()
		if !ok || one.TokensAt(now) < float64(l.rate.Burst) {
			return
		}
		l.seen.RemoveOldest()
	}
}

// Write puts v into headers (draft-ietf-httpapi-ratelimit-headers).
func (v Verdict) Write(h http.Header) {
	b := make([]byte, 0, 48)
	b = strconv.AppendQuote(b, v.of.rate.Name)
	b = strconv.AppendInt(append(b, ";r="...), int64(v.Left), 10)
	b = strconv.AppendInt(append(b, ";t="...), int64(math.Ceil(v.Again.Seconds())), 10)
	h["Ratelimit-Policy"] = v.of.policy // as Set has names
	h.Set("RateLimit", string(b))
}

// Policy is the name of the rate.
func (v Verdict) Policy() string { return v.of.rate.Name }

// Network is the key of whoever comes from a: an IPv4 address, or the first half of an IPv6 one, of which a home has
// all the rest.
func Network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil || !p.IsValid() { // of no address
		return ""
	}
	return p.String()
}

// Refused is the problem of who came too often.
func (v Verdict) Refused() *problem.Problem {
	p := problem.New(http.StatusTooManyRequests, "too-many", "Too many tries", "Wait a little, then try again. What you have typed was not looked at.")
	p.RetryAfter = v.Again
	return p
}
