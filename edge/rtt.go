package edge

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/limit"
	"freshet/proto/problem"
)

// rttRate is for a network: the pages of an office or a carrier measure within the minute at which an event begins, once
// each.
var rttRate = limit.Rate{Name: "round trips", N: 1000, Per: time.Second, Burst: 10_000}

// An rtt answers pages that measure how far the edge is: 204, at once, and with nothing that costs time or space.
type rtt struct {
	limit *limit.Limiter
	asked *prometheus.CounterVec
}

// NewRTT returns a handler for pages of any site. What it counts goes into reg.
func NewRTT(reg prometheus.Registerer) http.Handler {
	x := &rtt{limit: limit.New(rttRate), asked: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_edge_rtt_requests_total", Help: "Round trips that pages measured.",
	}, []string{"result"})}
	for _, r := range []rttResult{rttDone, rttLimited, rttMethod} {
		x.asked.WithLabelValues(string(r))
	}
	reg.MustRegister(x.asked)
	return x
}

type rttResult string

const (
	rttDone    rttResult = "done"
	rttLimited rttResult = "limited"
	rttMethod  rttResult = "method" // another than GET
)

func (x *rtt) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Timing-Allow-Origin", "*") // else a page sees how long all of it took, and not the round trip alone
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet {
		x.asked.WithLabelValues(string(rttMethod)).Inc()
		p := problem.New(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", "This address takes GET.")
		p.Allow = http.MethodGet
		p.Write(w)
		return
	}
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // the server's own writing; a test's may be empty
	if v := x.limit.Take(limit.Network(from.Addr()), time.Now()); !v.OK && !from.Addr().IsLoopback() {
		x.asked.WithLabelValues(string(rttLimited)).Inc()
		v.Refused().Write(w)
		return
	}
	x.asked.WithLabelValues(string(rttDone)).Inc()
	w.WriteHeader(http.StatusNoContent)
}
