package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// certificateOf writes a certificate of host to files, and returns them and who vouches for it.
func certificateOf(t *testing.T, host string) (cert, key string, by *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	about, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	by = x509.NewCertPool()
	by.AddCert(about)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, by
}

// TestUpByTLS starts a mesh under a name: whatever a page is told of leads to https under that name, with one certificate.
func TestUpByTLS(t *testing.T) {
	defer goleak.VerifyNone(t, probing)
	const host = "live.example.org"
	cert, key, by := certificateOf(t, host)
	r := begin(t, "up", "--http", "127.0.0.1:0", "--data", t.TempDir(), "--output", "json", "--edges", "2",
		"--tls-host", host, "--tls-cert", cert, "--tls-key", key)
	m := r.mesh()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: by},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, strings.Replace(addr, host, "127.0.0.1", 1))
		},
	}
	defer transport.CloseIdleConnections()
	ask := func(method, to, bearer, body string) (int, http.Header, string) {
		t.Helper()
		if u, err := url.Parse(to); err != nil || u.Scheme != "https" || u.Hostname() != host {
			t.Fatalf("a page is told of %s, want https and %s (%v)", to, host, err)
		}
		q, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if bearer != "" {
			q.Header.Set("Authorization", "Bearer "+bearer)
		}
		q.Header.Set("Content-Type", "application/json")
		resp, err := transport.RoundTrip(q)
		if err != nil {
			t.Fatalf("%s %s: %v", method, to, err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, string(b)
	}
	if code, h, _ := ask("GET", m.Web+"/", "", ""); code != 200 && code != 503 || code == 200 && h.Get("Strict-Transport-Security") == "" { // 503: built without pages
		t.Errorf("pages: %d %v", code, h)
	}
	for _, n := range append(append(m.Control, m.Origins...), m.Edges...) {
		if code, _, text := ask("GET", n.Metrics, "", ""); code != 200 || !strings.Contains(text, "\nfreshet_cert_expires_timestamp_seconds 1.") {
			t.Errorf("%s: %d, without the end of the certificate", n.Node, code)
		}
	}
	var joined struct{ Edges []struct{ WHEP string } }
	code, _, text := ask("POST", m.API+"/events/sample/join", "", `{}`)
	if err := json.Unmarshal([]byte(text), &joined); err != nil || code != 200 || len(joined.Edges) != 2 {
		t.Fatalf("join: %d %s", code, text)
	}
	for _, e := range joined.Edges {
		if code, _, text := ask("POST", e.WHEP+"/sample", "", "no offer"); code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d %s", e.WHEP, code, text)
		}
	}
	code, h, text := ask("POST", m.Web+"/whip/sample", m.Key, "an offer")
	if code != http.StatusTemporaryRedirect {
		t.Fatalf("WHIP: %d %s", code, text)
	}
	if code, _, text := ask("POST", h.Get("Location"), "", "no offer"); code != http.StatusUnsupportedMediaType {
		t.Errorf("%s: %d %s", h.Get("Location"), code, text)
	}
	code, h, text = ask("POST", m.API+"/setup", "", `{"account":"Nordlicht","name":"Ana","email":"ana@example.org","password":"a long password"}`)
	if cookie := h.Get("Set-Cookie"); code != 200 || !strings.HasPrefix(cookie, "__Host-freshet=") || !strings.Contains(cookie, "; Secure") {
		t.Errorf("log-in: %d %s, cookie %q; want one for TLS alone", code, text, cookie)
	}
	r.stop()
}
