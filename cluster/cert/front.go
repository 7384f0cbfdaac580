package cert

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"freshet/proto/problem"
)

// A front answers plain HTTP.
type front struct {
	hosts []string
	acme  *acme        // nil with files
	port  atomic.Int32 // of TLS
	m     *metrics
}

// ServeHTTP answers ACME's challenges (RFC 8555, section 8.3), and leads others to the same page by TLS. The answer is 307,
// which no browser keeps: a node that gives up TLS is found again.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.acme != nil && f.acme.challenge(w, r) {
		f.m.plain.WithLabelValues(plainChallenge).Inc()
		return
	}
	host := hostname(r.Host)
	if !slices.Contains(f.hosts, host) {
		f.m.plain.WithLabelValues(plainMisdirected).Inc()
		problem.New(http.StatusMisdirectedRequest, "host-unknown", "Not this host",
			"This node does not serve the host that was asked for. Its operator names it with --tls-host.").Write(w)
		return
	}
	if port := f.port.Load(); port != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	f.m.plain.WithLabelValues(plainLed).Inc()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", "https://"+host+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// hostname is what a request names, without its port, in lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}
