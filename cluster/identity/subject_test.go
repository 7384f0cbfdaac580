package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func request(t testing.TB, key ed25519.PrivateKey, node, role string) []byte {
	t.Helper()
	der, err := Request(key, node, role)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestRequest(t *testing.T) {
	key := newKey(t)
	for _, want := range []Subject{{"edge-1", RoleEdge, key.Public().(ed25519.PublicKey)}, {Key: key.Public().(ed25519.PublicKey)}} {
		got, err := ParseRequest(request(t, key, want.Node, want.Role))
		if err != nil || got.Node != want.Node || got.Role != want.Role || !got.Key.Equal(want.Key) {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	if longest := request(t, key, strings.Repeat("a", maxNode), RoleControl); len(longest) > maxRequest/2 {
		t.Errorf("the longest request has %d bytes", len(longest))
	}
	for node, role := range map[string]string{"Edge": RoleEdge, "edge-1": "viewer"} {
		if _, err := Request(key, node, role); err == nil {
			t.Errorf("a request for %s %s", role, node)
		}
	}
}

func TestBadRequest(t *testing.T) {
	key := newKey(t)
	good := request(t, key, "edge-1", RoleEdge)
	old, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := func(key crypto.Signer, c x509.CertificateRequest) []byte {
		der, err := x509.CreateCertificateRequest(rand.Reader, &c, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	named := func(names ...string) (c x509.CertificateRequest) {
		for _, name := range names {
			u, err := url.Parse(name)
			if err != nil {
				t.Fatal(err)
			}
			c.URIs = append(c.URIs, u)
		}
		return c
	}
	aCA := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}
	for name, row := range map[string]struct {
		der  []byte
		want string
	}{
		"empty":            {nil, "no request"},
		"text":             {[]byte("hello"), "no request"},
		"cut":              {good[:len(good)-1], "no request"},
		"bytes behind it":  {append(bytes.Clone(good), 0), "no request"},
		"large":            {make([]byte, maxRequest+1), "1025 bytes"},
		"a changed name":   {bytes.Replace(good, []byte("edge-1"), []byte("edge-2"), 1), "not signed"},
		"another key kind": {of(old, named("freshet://edge/edge-1")), "Ed25519"},
		"a host":           {of(key, x509.CertificateRequest{DNSNames: []string{"example.org"}}), "other names"},
		"an address":       {of(key, x509.CertificateRequest{IPAddresses: []net.IP{{192, 0, 2, 1}}}), "other names"},
		"a mail address":   {of(key, x509.CertificateRequest{EmailAddresses: []string{"a@example.org"}}), "other names"},
		"two names":        {of(key, named("freshet://edge/edge-1", "freshet://control/control-1")), "other names"},
		"a site":           {of(key, named("https://example.org/")), "freshet://ROLE/NODE"},
		"another role":     {of(key, named("freshet://viewer/edge-1")), "role"},
		"no node":          {of(key, named("freshet://edge/")), "node name"},
		"a longer path":    {of(key, named("freshet://edge/a/b")), "node name"},
		"two slashes":      {of(key, named("freshet://edge//a")), "node name"},
		"a query":          {of(key, named("freshet://edge/edge-1?a=b")), "more than"},
		"a user":           {of(key, named("freshet://root@edge/edge-1")), "more than"},
		"to be a CA":       {of(key, x509.CertificateRequest{ExtraExtensions: []pkix.Extension{aCA}}), "extension 2.5.29.19"},
	} {
		if got, err := ParseRequest(row.der); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, %v; want an error with %q", name, got, err, row.want)
		}
	}
}

// What is taken is signed for what it names, and for nothing else.
func FuzzParseRequest(f *testing.F) {
	key := newKey(f)
	f.Add(request(f, key, "edge-1", RoleEdge))
	f.Add(request(f, key, "", ""))
	ca := openCA(f)
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := ParseRequest(der)
		if err != nil {
			return
		}
		if s.Node == "" {
			s.Node, s.Role = "edge-9", RoleEdge
		}
		signed, err := ca.Sign(s, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		id, err := joined("", key, signed, ca.Certificate())
		if s.Key.Equal(key.Public()) && (err != nil || id.Node != s.Node || id.Role != s.Role) {
			t.Fatalf("%v became %v, %v", s, id, err)
		}
	})
}
