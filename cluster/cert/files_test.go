package cert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// own writes a certificate of host that lasts for life to files of dir, and returns their config.
func own(t *testing.T, dir, host string, life time.Duration) Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	about := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), DNSNames: []string{host}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Hosts: []string{"live.example.org"}, HTTP: "127.0.0.1:0", CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"),
	}
	for file, block := range map[string]*pem.Block{
		cfg.CertFile: {Type: "CERTIFICATE", Bytes: der}, cfg.KeyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		// Clocks of file systems are coarse: two states of a file are told apart for certain.
		if err := os.Chtimes(file, time.Time{}, now); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

// What replaces the files is served soon, unless it is no good; then what was there goes on.
func TestFilesReplaced(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := own(t, dir, "live.example.org", 24*time.Hour)
		f, err := openFiles(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.run(ctx, 443) }()
		first := f.now.Load()
		time.Sleep(3 * filesLook)
		if f.now.Load() != first {
			t.Error("read again, and nothing has changed")
		}
		own(t, dir, "other.example.org", 24*time.Hour)
		time.Sleep(3 * filesLook)
		if f.now.Load() != first {
			t.Error("that of another host was taken")
		}
		if err := os.WriteFile(cfg.KeyFile, []byte("half a k"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * filesLook)
		if f.now.Load() != first {
			t.Error("half a key was taken")
		}
		own(t, dir, "live.example.org", 48*time.Hour)
		want := time.Now().Add(48 * time.Hour)
		time.Sleep(3 * filesLook)
		if c, err := f.certificate(nil); err != nil || c == first || f.expires().Sub(want).Abs() > time.Second {
			t.Errorf("the new one is not served: ends %v, want %v (%v)", f.expires(), want, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestFilesRefused(t *testing.T) {
	for want, cfg := range map[string]Config{
		"not live.example.org":      own(t, t.TempDir(), "other.example.org", time.Hour),
		"ended on":                  own(t, t.TempDir(), "live.example.org", -time.Minute),
		"no such file or directory": {Hosts: []string{"a.example"}, HTTP: "127.0.0.1:0", CertFile: "/nowhere/cert.pem", KeyFile: "/nowhere/key.pem"},
	} {
		if _, err := New(cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "tls-cert: ") {
			t.Errorf("%v, want tls-cert: … %s", err, want)
		}
	}
}

// Whoever comes by plain HTTP is led to the same page by TLS, and to no other host.
func TestPlainLeadsToTLS(t *testing.T) {
	s := newSite(t, own(t, t.TempDir(), "live.example.org", time.Hour))
	s.run()
	until(t, "the port", func() bool { return s.holder.front.port.Load() != 0 })
	port := s.tls.Addr().String()[len("127.0.0.1"):]
	for host, want := range map[string]string{
		"live.example.org": "https://live.example.org" + port + "/watch?a=%2F", "LIVE.example.org:80": "https://live.example.org" + port + "/watch?a=%2F",
		"evil.example": "", "127.0.0.1": "", "": "",
	} {
		code, to := plainly(t, s, host, "/watch?a=%2F")
		if want == "" && (code != http.StatusMisdirectedRequest || to != "") || want != "" && (code != http.StatusTemporaryRedirect || to != want) {
			t.Errorf("%q: %d %s, want %s", host, code, to, want)
		}
	}
	for result, want := range map[string]float64{plainLed: 2, plainMisdirected: 3, plainChallenge: 0} {
		if got := testutil.ToFloat64(s.holder.m.plain.WithLabelValues(result)); got != want {
			t.Errorf("%s: %v requests, want %v", result, got, want)
		}
	}
	s.holder.front.port.Store(443)
	if _, to := plainly(t, s, "live.example.org", "/"); to != "https://live.example.org/" {
		t.Errorf("with TLS on 443 it leads to %s", to)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.holder.source.(*files).now.Load().Leaf)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "live.example.org"}}}
	resp, err := c.Get("https://" + s.tls.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 1 {
		t.Errorf("%d by %s, want 200 by HTTP/1.1", resp.StatusCode, resp.Proto)
	}
}
