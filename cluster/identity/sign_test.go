package identity

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

const testDomain = "freshet-test/1"

func TestSign(t *testing.T) {
	ca, foreign := openCA(t), openCA(t)
	edge, reader, stranger := issue(t, ca, "edge-1", RoleEdge), issue(t, ca, "edge-2", RoleEdge), issue(t, foreign, "edge-1", RoleEdge)
	b, now := []byte("what is said"), time.Now()
	sig, cert, err := edge.Sign(testDomain, b)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := reader.Sign(testDomain, b)
	if err != nil {
		t.Fatal(err)
	}
	foreignSig, foreignCert, err := stranger.Sign(testDomain, b)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(sig)
	flipped[len(flipped)-1] ^= 1
	tests := []struct {
		name         string
		domain       string
		b, sig, cert []byte
		at           time.Time
		want         error
	}{
		{"as it was signed", testDomain, b, sig, cert, now, nil},
		{"for another purpose", "freshet-test/2", b, sig, cert, now, ErrSignature},
		{"of other bytes", testDomain, []byte("what is not said"), sig, cert, now, ErrSignature},
		{"a byte between the two", testDomain + "\x00w", b[1:], sig, cert, now, ErrSignature},
		{"altered", testDomain, b, flipped, cert, now, ErrSignature},
		{"without signature", testDomain, b, nil, cert, now, ErrSignature},
		{"by another node", testDomain, b, sig, other, now, ErrSignature},
		{"by another cluster", testDomain, b, foreignSig, foreignCert, now, ErrCA},
		{"no certificate", testDomain, b, sig, []byte("x"), now, ErrCA},
		{"a certificate too long", testDomain, b, sig, make([]byte, MaxCertificate+1), now, ErrCA},
		{"29 s past its life", testDomain, b, sig, cert, now.Add(LeafLife + 29*time.Second - time.Second), nil},
		{"31 s past its life", testDomain, b, sig, cert, now.Add(LeafLife + 31*time.Second), ErrExpired},
		{"29 s before its life", testDomain, b, sig, cert, now.Add(-backdate - 29*time.Second), nil},
		{"32 s before its life", testDomain, b, sig, cert, now.Add(-backdate - 32*time.Second), ErrNotYet},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := reader.CheckSigned(tt.domain, tt.b, tt.sig, tt.cert, tt.at)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && (s.Node != "edge-1" || s.Role != RoleEdge) {
				t.Errorf("signer is %s %s, want edge-1 edge", s.Node, s.Role)
			}
		})
	}
}

// A certificate of the CA that names no node signs nothing.
func TestSignOfNoNode(t *testing.T) {
	ca := openCA(t)
	der := otherUse(t, ca, "origin-1").Certificates[0].Certificate[0]
	if _, err := issue(t, ca, "edge-1", RoleEdge).NewSigner(der, time.Now()); err == nil {
		t.Error("taken")
	}
}
