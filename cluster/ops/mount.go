package ops

import (
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"freshet/proto/problem"
)

// NewRegistry returns a registry with what every node reports: the Go runtime, the process, and
// freshet_build_info, whose labels say which node this is and what it runs.
func NewRegistry(node, role, version string) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "freshet_build_info",
		Help:        "Always 1; the labels say which node this is and what it runs.",
		ConstLabels: prometheus.Labels{"node": node, "role": role, "version": version, "go": runtime.Version()},
	})
	info.Set(1)
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info)
	return reg
}

// Mount adds /metrics, /healthz (200 while the process runs), /readyz (200, or 503 with the text of
// ready's error, which must be fit for the public) and, for callers on the machine itself, /debug/pprof/.
func Mount(mux *http.ServeMux, reg *prometheus.Registry, ready func() error) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		Registry:            reg,
		MaxRequestsInFlight: 4, // a scrape walks every metric; more at once help nobody
		Timeout:             10 * time.Second,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			p := problem.New(http.StatusServiceUnavailable, "not-ready", "Not ready", err.Error())
			p.RetryAfter = time.Second
			p.Write(w)
			return
		}
		plain(w, "ready\n")
	})
	mux.HandleFunc("GET /debug/pprof/", local(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/cmdline", local(pprof.Cmdline))
	mux.HandleFunc("GET /debug/pprof/profile", local(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/symbol", local(pprof.Symbol))
	mux.HandleFunc("GET /debug/pprof/trace", local(pprof.Trace))
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text)
}

// local lets through who calls from this machine by a loopback address; others get a 404. Two ways
// around are closed: a proxy on this machine, which says whom it forwards for, and a page in a browser
// here whose name resolves to loopback, which shows in Host.
func local(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
		if forwarded || !loopback(r.RemoteAddr) || !loopback(r.Host) {
			problem.New(http.StatusNotFound, "not-found", "Not found", "").Write(w)
			return
		}
		h(w, r)
	}
}

// loopback says whether hostport names this machine: a loopback address or localhost, with or without port.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
