package identity

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"
)

// A certificate made at noon by control's clock, as peers see it whose clocks are right or not (R16).
func TestClock(t *testing.T) {
	ca := openCA(t)
	noon := time.Now().Truncate(time.Second)
	edge := issue(t, ca, "edge-1", RoleEdge)
	der, err := ca.Sign(Subject{"origin-1", RoleOrigin, newKey(t).Public().(ed25519.PublicKey)}, noon)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		at   time.Duration // after noon, by the peer's clock
		want error
	}{
		{"at once", 0, nil},
		{"at once, 5 min behind", -5 * time.Minute, nil},
		{"at once, 5 min and the leeway behind", -5*time.Minute - Leeway, nil},
		{"at once, 6 min behind", -6 * time.Minute, ErrLife},
		{"at once, 1 h behind", -time.Hour, ErrLife},
		{"at once, 5 min ahead", 5 * time.Minute, nil},
		{"at once, 1 h ahead", time.Hour, nil},
		{"at once, 25 h ahead", 25 * time.Hour, ErrLife},
		{"when renewal is due, 5 min ahead", 16*time.Hour + 5*time.Minute, nil},
		{"at its end", LeafLife, nil},
		{"at its end and the leeway", LeafLife + Leeway, nil},
		{"a second later", LeafLife + Leeway + time.Second, ErrLife},
	} {
		edge.now = func() time.Time { return noon.Add(row.at) }
		cs := tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
		err := edge.verify(cs, x509.ExtKeyUsageServerAuth, "origin-1", []string{RoleOrigin})
		if !says(err, row.want) || (row.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if row.want != nil && (!errors.Is(err, ErrCA) || !strings.Contains(err.Error(), "clock is wrong")) {
			t.Errorf("%s: it does not say that a clock may be wrong: %v", row.name, err)
		}
	}
}

// A certificate that ran out renews itself for a week, and opens nothing else.
func TestHolder(t *testing.T) {
	ca, foreign := openCA(t), openCA(t)
	noon := time.Now().Truncate(time.Second)
	control := issue(t, ca, "control-1", RoleControl)
	s := Subject{"edge-1", RoleEdge, newKey(t).Public().(ed25519.PublicKey)}
	for _, row := range []struct {
		name string
		ca   *CA
		at   time.Duration
		want error
	}{
		{"in its life", ca, time.Hour, nil},
		{"a minute after it", ca, LeafLife + time.Minute, nil},
		{"a week after it", ca, LeafLife + Grace, nil},
		{"later", ca, LeafLife + Grace + time.Second, ErrLapsed},
		{"before its life", ca, -time.Hour, ErrLife},
		{"of another CA", foreign, time.Hour, ErrCA},
	} {
		der, err := row.ca.Sign(s, noon)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		control.now = func() time.Time { return noon.Add(row.at) }
		got, err := control.Holder(tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}})
		if !says(err, row.want) || (row.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if errors.Is(err, ErrLapsed) != errors.Is(row.want, ErrLapsed) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && (got.Node != s.Node || got.Role != s.Role || !got.Key.Equal(s.Key)) {
			t.Errorf("%s: %v, want %v", row.name, got, s)
		}
	}
	if _, err := control.Holder(tls.ConnectionState{}); !errors.Is(err, ErrNoPeer) {
		t.Errorf("without a certificate: %v", err)
	}
}

// One seed is one CA, which nodes of another version of the program make to the byte.
func TestClusterCA(t *testing.T) {
	seed := make([]byte, 32)
	ca, err := NewCA(seed)
	if err != nil {
		t.Fatal(err)
	}
	if want := "0d7a38b85921f4240282a259a458879ffa9298a6364b4a45bec458b1ce08d42a"; ca.Fingerprint() != want {
		t.Errorf("the CA of a seed of zeros is %s, was %s", ca.Fingerprint(), want)
	}
	content, err := ca.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseCA(content)
	if err != nil || again.Fingerprint() != ca.Fingerprint() {
		t.Fatalf("%v, %v", again, err)
	}
	seed[0] = 1
	if other, err := NewCA(seed); err != nil || other.Fingerprint() == ca.Fingerprint() {
		t.Errorf("of another seed: %v", err)
	}
	if _, err := NewCA(seed[:31]); err == nil {
		t.Error("of 31 bytes")
	}
	alpn := []string{"x"}
	_, _, serverErr, clientErr := handshake(t, issue(t, again, "origin-1", RoleOrigin).ServerTLS(alpn, RoleEdge),
		issue(t, ca, "edge-1", RoleEdge).ClientTLS(alpn, "origin-1", RoleOrigin))
	if serverErr != nil || clientErr != nil {
		t.Errorf("server says %v, client %v", serverErr, clientErr)
	}
}
