package api

import (
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
)

type joinResult string

const (
	joinDone    joinResult = "done"
	joinUnknown joinResult = "unknown" // no such event
	joinRefused joinResult = "refused" // by the event's access rule
	joinNoEdge  joinResult = "no_edge"

	joinElsewhere joinResult = "elsewhere" // by a page of a site that the event does not allow
)

type redirectResult string

const (
	redirectDone     redirectResult = "done"
	redirectUnknown  redirectResult = "unknown" // no such stream
	redirectRefused  redirectResult = "refused" // without the right key, or closed
	redirectNoOrigin redirectResult = "no_origin"
)

type metrics struct {
	requests  *prometheus.CounterVec
	joins     *prometheus.CounterVec
	redirects *prometheus.CounterVec
	limited   *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_api_requests_total", Help: "Answered requests by operation of the OpenAPI document.",
		}, []string{"operation", "status"}),
		joins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_api_joins_total", Help: "Joins that were asked for.",
		}, []string{"result"}),
		redirects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_api_redirects_total", Help: "Publishers that asked for their origin.",
		}, []string{"result"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_api_limited_requests_total", Help: "Requests that were answered 429, by the rate that they were over.",
		}, []string{"policy"}),
	}
	reg.MustRegister(m.requests, m.joins, m.redirects, m.limited)
	return m
}

// count counts the requests of each operation.
func (a *API) count(c huma.Context, next func(huma.Context)) {
	next(c)
	status := c.Status()
	if status == 0 {
		status = 200
	}
	a.m.requests.WithLabelValues(c.Operation().OperationID, strconv.Itoa(status)).Inc()
}
