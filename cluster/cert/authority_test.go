package cert

import (
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// An authority is an ACME server in this process, and what it believes of names: all are on this machine.
type authority struct {
	t      *testing.T
	server *httptest.Server
	names  string // DNS
	store  *db.MemoryStore
	root   *x509.CertPool // who vouches for what it issues

	mu      sync.Mutex
	handler http.Handler // nil until open
}

func newAuthority(t *testing.T) *authority {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	a := &authority{t: t, store: db.NewMemoryStore()}
	a.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		h := a.handler
		a.mu.Unlock()
		if h == nil {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(a.server.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.names = l.Addr().String()
	names := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		r := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			r.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1),
			}}
		}
		_ = w.WriteMsg(r)
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = names.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = names.Shutdown()
		<-ended
	})
	return a
}

// open has it issue certificates that last for life, to who answers challenges on those ports.
func (a *authority) open(plain, tls int, life time.Duration) {
	quiet := log.New(io.Discard, "", 0)
	issuer := ca.New(quiet, a.store, "", "ecdsa", 0, 1, map[string]ca.Profile{
		"default": {Description: "the only one", ValidityPeriod: uint64(life / time.Second)},
	})
	w := wfe.New(quiet, a.store, va.New(quiet, plain, tls, false, a.names, a.store), issuer, []string{"ca.example"}, false, false, 1, 1)
	a.root = x509.NewCertPool()
	a.root.AddCert(issuer.GetRootCert(0).Cert)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handler = w.Handler()
}

// config is that of a node that asks a.
func (a *authority) config(hosts ...string) Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.server.Certificate())
	return Config{
		Hosts: hosts, HTTP: "127.0.0.1:0", Directory: a.server.URL + wfe.DirectoryPath, Dir: a.t.TempDir(), Roots: pool, Look: time.Second,
	}
}
