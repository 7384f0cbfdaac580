package control

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"freshet/proto/problem"
)

// hosts lets through what was sent to the host of pages, to an IP address, or to localhost, and answers anything else
// 421 (RFC 9110, section 15.5.20): a name of somebody else's that leads here would make its pages those of our own site.
// Where pages are at an address that other machines reach, nobody has said which names are ours, and any is taken. Other
// names of our own lead to pages: log-ins and passkeys are those of one.
func hosts(pages string, also []string, reg prometheus.Registerer, next http.Handler) (http.Handler, error) {
	u, err := url.Parse(pages)
	if err != nil {
		return nil, err
	}
	ours := strings.ToLower(u.Hostname())
	if a, err := netip.ParseAddr(ours); err == nil && !a.IsLoopback() {
		return next, nil
	}
	refused := promauto.With(reg).NewCounter(prometheus.CounterOpts{
		Name: "freshet_control_misdirected_total", Help: "Requests that named a host which is not this node's.",
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostname(r.Host)
		if name != ours && slices.Contains(also, name) {
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Location", strings.TrimSuffix(pages, "/")+r.URL.RequestURI())
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		if name != ours && name != "localhost" && !isAddress(name) {
			refused.Inc()
			problem.New(http.StatusMisdirectedRequest, "host-unknown", "Not this host",
				"This node does not serve the host that was asked for. Its operator names it with --url.").Write(w)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// hostname is host, as a request names it, without its port, in lower case.
func hostname(host string) string {
	return strings.ToLower((&url.URL{Host: host}).Hostname())
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
