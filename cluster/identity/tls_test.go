package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func issue(t testing.TB, ca *CA, node, role string) *Identity {
	t.Helper()
	id, err := ca.Issue(node, role)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// handshake runs both ends over loopback and returns what each sees of the other and says of it. (Over
// a net.Pipe, which buffers nothing, an end that refuses in mid-flight and its peer wait for each other.)
func handshake(t testing.TB, server, client *tls.Config) (atServer, atClient tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	a, b := connected(t)
	s, c := tls.Server(a, server), tls.Client(b, client)
	deadline := time.Now().Add(10 * time.Second)
	_ = a.SetDeadline(deadline)
	_ = b.SetDeadline(deadline)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if serverErr = s.Handshake(); serverErr != nil {
			a.Close()
			return
		}
		// In TLS 1.3 the client is done before the server has judged it: only a byte tells.
		_, serverErr = s.Write([]byte{1})
		atServer = s.ConnectionState()
	}()
	if clientErr = c.Handshake(); clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
		atClient = c.ConnectionState()
	}
	b.Close()
	<-done
	a.Close()
	return atServer, atClient, serverErr, clientErr
}

func connected(t testing.TB) (accepted, dialled net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if dialled, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return accepted, dialled
}

// says tells whether err is want; with no want the end has nothing against its peer, but may have been left by it.
func says(err, want error) bool { return want == nil || errors.Is(err, want) }

func TestHandshake(t *testing.T) {
	ca, foreign := openCA(t), openCA(t)
	origin, edge, control := issue(t, ca, "origin-1", RoleOrigin), issue(t, ca, "edge-1", RoleEdge), issue(t, ca, "control-1", RoleControl)
	alpn := []string{"x"}
	nodes := []string{RoleOrigin, RoleEdge}
	tests := []struct {
		name           string
		server, client *tls.Config
		serverErr      error // nil: no error at either end
		clientErr      error
	}{
		{"edge dials origin", origin.ServerTLS(alpn, nodes...), edge.ClientTLS(alpn, "origin-1", nodes...), nil, nil},
		{"by any name", origin.ServerTLS(alpn, nodes...), edge.ClientTLS(alpn, "", nodes...), nil, nil},
		{"client of another CA", origin.ServerTLS(alpn, nodes...), withCA(issue(t, foreign, "edge-1", RoleEdge), ca).ClientTLS(alpn, "", nodes...), ErrCA, nil},
		{"server of another CA", withCA(issue(t, foreign, "origin-1", RoleOrigin), ca).ServerTLS(alpn, nodes...), edge.ClientTLS(alpn, "origin-1", nodes...), nil, ErrCA},
		{"client in another role", origin.ServerTLS(alpn, nodes...), control.ClientTLS(alpn, "", nodes...), ErrRole, nil},
		{"server in another role", control.ServerTLS(alpn, nodes...), edge.ClientTLS(alpn, "", nodes...), nil, ErrRole},
		{"another node answers", edge.ServerTLS(alpn, nodes...), edge.ClientTLS(alpn, "edge-2", nodes...), nil, ErrNode},
		{"no role is served", origin.ServerTLS(alpn), edge.ClientTLS(alpn, "", nodes...), ErrRole, nil},
		{"no role is wanted", origin.ServerTLS(alpn, nodes...), edge.ClientTLS(alpn, ""), nil, ErrRole},
		{"certificate of a web site", otherUse(t, ca, "origin-1"), edge.ClientTLS(alpn, "", nodes...), nil, ErrCA},
		{"certificate of nobody", otherUse(t, ca), edge.ClientTLS(alpn, "", nodes...), nil, ErrNoPeer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			atServer, atClient, serverErr, clientErr := handshake(t, tt.server, tt.client)
			if !says(serverErr, tt.serverErr) || !says(clientErr, tt.clientErr) {
				t.Errorf("server says %v, client %v; want %v and %v", serverErr, clientErr, tt.serverErr, tt.clientErr)
			}
			refused := tt.serverErr != nil || tt.clientErr != nil
			if !refused && (serverErr != nil || clientErr != nil) {
				t.Fatalf("server says %v, client %v", serverErr, clientErr)
			}
			if refused {
				if serverErr == nil || clientErr == nil {
					t.Errorf("one end took the connection: server says %v, client %v", serverErr, clientErr)
				}
				return
			}
			if node, role, err := Peer(atServer); node != "edge-1" || role != RoleEdge || err != nil {
				t.Errorf("server sees %q %q %v", node, role, err)
			}
			if node, role, err := Peer(atClient); node != "origin-1" || role != RoleOrigin || err != nil {
				t.Errorf("client sees %q %q %v", node, role, err)
			}
			if atServer.NegotiatedProtocol != "x" || atServer.Version != tls.VersionTLS13 || atServer.DidResume {
				t.Errorf("connection is %q, version %x, resumed %v", atServer.NegotiatedProtocol, atServer.Version, atServer.DidResume)
			}
		})
	}
}

func TestClientWithoutCertificateIsRefused(t *testing.T) {
	origin := issue(t, openCA(t), "origin-1", RoleOrigin)
	_, _, serverErr, clientErr := handshake(t, origin.ServerTLS([]string{"x"}, RoleEdge), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"x"}})
	if serverErr == nil || clientErr == nil {
		t.Errorf("server says %v, client %v", serverErr, clientErr)
	}
	client := origin.ClientTLS([]string{"x"}, "")
	old := &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true, GetClientCertificate: client.GetClientCertificate, NextProtos: []string{"x"}}
	if _, _, serverErr, clientErr = handshake(t, origin.ServerTLS([]string{"x"}, RoleOrigin), old); serverErr == nil || clientErr == nil {
		t.Errorf("TLS 1.2 was taken: server says %v, client %v", serverErr, clientErr)
	}
}

// withCA makes id trust ca, as an impostor would: only its peer is to refuse.
func withCA(id *Identity, ca *CA) *Identity {
	id.pool = ca.pool
	return id
}

// otherUse returns a server with a certificate of the CA that names hosts, and no node.
func otherUse(t *testing.T, ca *CA, hosts ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), DNSNames: hosts, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{NextProtos: []string{"x"}, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// A leaf is renewed at two thirds of its life, by the configs that are in use already.
func TestLeafIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := openCA(t)
		origin, edge := issue(t, ca, "origin-1", RoleOrigin), issue(t, ca, "edge-1", RoleEdge)
		server, client := origin.ServerTLS(nil, RoleEdge), edge.ClientTLS(nil, "origin-1", RoleOrigin)
		serials := func() (s, c string) {
			atServer, atClient, serverErr, clientErr := handshake(t, server, client)
			if serverErr != nil || clientErr != nil {
				t.Fatalf("at %v: server says %v, client %v", time.Now(), serverErr, clientErr)
			}
			return atClient.PeerCertificates[0].SerialNumber.String(), atServer.PeerCertificates[0].SerialNumber.String()
		}
		s1, c1 := serials()
		time.Sleep(15 * time.Hour)
		if s, c := serials(); s != s1 || c != c1 {
			t.Error("renewed after 15 h already")
		}
		time.Sleep(90 * time.Minute)
		s2, c2 := serials()
		if s2 == s1 || c2 == c1 {
			t.Error("not renewed after 16.5 h")
		}
		time.Sleep(60 * 24 * time.Hour)
		if s, c := serials(); s == s2 || c == c2 {
			t.Error("not renewed after two months of silence")
		}
	})
}

// Without a CA at hand a leaf runs out, and then nobody takes it.
func TestExpiredLeafIsRefused(t *testing.T) {
	for _, late := range []string{"server", "client"} {
		t.Run(late, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := openCA(t)
				origin, edge := issue(t, ca, "origin-1", RoleOrigin), issue(t, ca, "edge-1", RoleEdge)
				want := func(server, client error) {
					t.Helper()
					_, _, serverErr, clientErr := handshake(t, origin.ServerTLS(nil, RoleEdge), edge.ClientTLS(nil, "", RoleOrigin))
					if !says(serverErr, server) || !says(clientErr, client) || (serverErr == nil) != (clientErr == nil) {
						t.Errorf("server says %v, client %v; want %v and %v", serverErr, clientErr, server, client)
					}
				}
				if late == "server" {
					origin.renew = nil
				} else {
					edge.renew = nil
				}
				time.Sleep(LeafLife - time.Minute)
				want(nil, nil)
				time.Sleep(2 * time.Minute)
				if late == "server" {
					want(nil, ErrCA)
				} else {
					want(ErrCA, nil)
				}
			})
		})
	}
}

// While a CA cannot sign, the leaf stays in use to its end.
func TestFailedRenewalKeepsTheLeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := issue(t, openCA(t), "edge-1", RoleEdge)
		broken := errors.New("no CA today")
		id.renew = func() (*leaf, error) { return nil, broken }
		first := id.leaf.cert
		time.Sleep(20 * time.Hour)
		if c, err := id.certificate(); c != first || err != nil {
			t.Errorf("after 20 h: %p %v, want the first leaf %p", c, err, first)
		}
		time.Sleep(5 * time.Hour)
		if _, err := id.certificate(); !errors.Is(err, broken) {
			t.Errorf("after 25 h: %v, want %v", err, broken)
		}
	})
}

func BenchmarkHandshake(b *testing.B) {
	ca := openCA(b)
	server := issue(b, ca, "origin-1", RoleOrigin).ServerTLS(nil, RoleEdge)
	client := issue(b, ca, "edge-1", RoleEdge).ClientTLS(nil, "origin-1", RoleOrigin)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, serverErr, clientErr := handshake(b, server, client); serverErr != nil || clientErr != nil {
			b.Fatal(serverErr, clientErr)
		}
	}
}
