package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/limit"
	"freshet/control/access"
	"freshet/control/audit"
	"freshet/proto/problem"
)

// What each caller may ask in all of the API. What costs more than a read has rates of its own beside these: log-ins,
// mails. A join without a token, where an event has an access rule, is held lower by what looks after that rule
// (RELIABILITY, section 4).
var (
	// byAddress is for callers who are nobody, most of them an audience: the 10,000 attendees of an office or a carrier
	// come from one address within the minute at which an event begins, and each page asks thrice. It bounds one host to
	// 1,000 a second. None from loopback, where a proxy that tells no addresses stands for everybody.
	byAddress = limit.Rate{Name: "address", N: 30_000, Per: 30 * time.Second, Burst: 30_000}
	// byAccount is for persons: 40 studio pages at once, each with a change and four questions a second; at the start,
	// or when all of them come back after a cut, twenty calls from each of 100.
	byAccount = limit.Rate{Name: "account", N: 2000, Per: 10 * time.Second, Burst: 2000}
	// byKey is for programs: an import of 10,000 guests one by one takes three minutes, beside which persons go on.
	byKey = limit.Rate{Name: "key", N: 500, Per: 10 * time.Second, Burst: 500}
)

// limits hold each caller to its rate. They may be used from any goroutine.
type limits struct {
	address, account, key *limit.Limiter
	cut                   *prometheus.CounterVec
}

func newLimits(cut *prometheus.CounterVec) *limits {
	for _, r := range []limit.Rate{byAddress, byAccount, byKey} {
		cut.WithLabelValues(r.Name) // shown from the start
	}
	return &limits{address: limit.New(byAddress), account: limit.New(byAccount), key: limit.New(byKey), cut: cut}
}

// take counts a call of a, and writes into h what is left. It returns what a gets where that is nothing.
func (l *limits) take(a access.Actor, now time.Time, h http.Header) *problem.Problem {
	by := l.address
	var key string
	switch {
	case a.Kind == audit.Key:
		by, key = l.key, string(a.ID[:])
	case a.Kind == audit.Person && a.Account != uuid.Nil:
		by, key = l.account, string(a.Account[:])
	case a.Kind == audit.Person:
		by, key = l.account, string(a.ID[:])
	case a.From.IsLoopback():
		return nil
	default:
		key = limit.Network(a.From)
	}
	v := by.Take(key, now)
	v.Write(h)
	if v.OK {
		return nil
	}
	l.cut.WithLabelValues(v.Policy()).Inc()
	p := problem.New(http.StatusTooManyRequests, "too-many", "Too many requests",
		"You have asked more than you may in this time. Nothing was done: ask again after what Retry-After says.")
	p.RetryAfter = v.Again
	return p
}
