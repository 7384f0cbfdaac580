package hook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/proto/problem"
)

const (
	urlMost = 2000
	// sendTime is how long a receiver may take for all of an answer (RELIABILITY, section 4).
	sendTime = 5 * time.Second
	// lookupTime is how long it may take to find out where a name leads, when a hook is made.
	lookupTime = 2 * time.Second
)

var errBlocked = errors.New("the address is none of the public internet")

// kept are networks that are none of the public internet, beside those that netip knows (IANA's special-purpose
// registries): this host, carriers' NAT, protocol assignments, documentation, measurements, former and future use; ways
// from IPv6 to IPv4, discard, documentation, segment routing.
var kept = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(all ...string) (list []netip.Prefix) {
	for _, p := range all {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

// public says whether a is an address of the public internet, written as what it is.
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is4In6() || a.Zone() != "" {
		return false
	}
	for _, p := range kept {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// A Reach is where webhooks may go: to the public internet, by HTTPS.
type Reach struct {
	local  bool // to this machine, too, and by HTTP
	roots  *x509.CertPool
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	blocked prometheus.Counter
}

// NewReach returns one. local is for a mesh that somebody tries out on one machine.
func NewReach(local bool, reg prometheus.Registerer) *Reach {
	r := &Reach{local: local, blocked: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "freshet_hook_blocked_total", Help: "Connections for webhooks that were not made, since the name led to an address that is none of the public internet.",
	})}
	r.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	reg.MustRegister(r.blocked)
	return r
}

func (r *Reach) may(a netip.Addr) bool { return public(a) || r.local && a.IsLoopback() }

// check returns a problem where text is no address to which a webhook may go. A name that leads elsewhere later is
// blocked when it is dialled.
func (r *Reach) check(ctx context.Context, text string) error {
	wrong := func(detail string) error { return problem.Invalid("/url", detail) }
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "" || len(text) > urlMost {
		return wrong("This is no address of a program: https://…")
	}
	if u.User != nil || u.Fragment != "" {
		return wrong("The address has neither a user nor a fragment: each message is signed.")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	at, err := netip.ParseAddr(host)
	isAddress := err == nil
	here := host == "localhost" || isAddress && at.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !r.local || !here) {
		return wrong("Messages go by https:// alone.")
	}
	all := []netip.Addr{at}
	if !isAddress {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		if all, err = r.lookup(ctx, host); err != nil {
			all = nil // it may come to be known: what was sent until then is tried again
		}
		if host == "localhost" || strings.HasSuffix(host, ".localhost") {
			all = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		}
	}
	for _, a := range all {
		if !r.may(a) && (isAddress || !r.may(a.Unmap())) { // a resolver may write IPv4 addresses so
			return wrong("This address is none of the public internet.")
		}
	}
	return nil
}

// client returns one that goes where r allows, follows no redirects, and takes no proxy from the environment.
func (r *Reach) client() *http.Client {
	d := &net.Dialer{Timeout: sendTime, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dial %s: %w", address, err)
		}
		if !r.may(at.Addr()) {
			r.blocked.Inc()
			return errBlocked
		}
		return nil
	}}
	return &http.Client{
		Timeout:       sendTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: d.DialContext, TLSClientConfig: &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: replyMost, MaxIdleConns: 100, MaxIdleConnsPerHost: 1,
			IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		},
	}
}
