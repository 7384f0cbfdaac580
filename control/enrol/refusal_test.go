package enrol

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/identity"
	"freshet/cluster/join"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

// What stands in the way of who wants to join: it is told so in one line that says what to do, and so are the log and the
// audit. The token of who made a mistake is good still.
func TestJoinRefused(t *testing.T) {
	c := newCluster(t)
	c.joined(c.edge("edge-1"), c.invite(identity.RoleEdge, ""))
	used := c.invite(identity.RoleEdge, "")
	c.joined(c.edge("edge-2"), used)
	expired, err := c.Invite(t.Context(), identity.RoleEdge, "", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	for name, row := range map[string]struct {
		token jointoken.Token
		node  string
		code  pb.EnrolCode
		text  string
	}{
		"unknown":      {jointoken.Token{CA: c.d.CA.Pin()}, "", pb.EnrolCode_ENROL_CODE_TOKEN_UNKNOWN, "does not know the join token; ask for a new one"},
		"used":         {used, "", pb.EnrolCode_ENROL_CODE_TOKEN_USED, "was used by another machine"},
		"expired":      {expired, "", pb.EnrolCode_ENROL_CODE_TOKEN_EXPIRED, "has expired; ask for a new one"},
		"another role": {c.invite(identity.RoleOrigin, ""), "", pb.EnrolCode_ENROL_CODE_WRONG_ROLE, "for another role"},
		"a taken name": {c.invite(identity.RoleEdge, ""), "edge-1", pb.EnrolCode_ENROL_CODE_NAME_TAKEN, "take another --node"},
	} {
		cfg := c.edge(row.node)
		_, err := c.enrol(cfg, row.token)
		c.wantRefusal(name, err, row.code, row.text)
		if _, err := identity.Open(cfg.Dir); !errors.Is(err, identity.ErrNotJoined) {
			t.Errorf("%s: the directory of who was refused: %v", name, err)
		}
		if row.node != "" {
			cfg.Node = "edge-3"
			c.joined(cfg, row.token)
		}
	}
}

// A token goes to its own cluster alone: another one never sees the secret.
func TestTokenOfAnotherCluster(t *testing.T) {
	c, other := newCluster(t), newCluster(t)
	_, err := c.enrol(c.edge(""), other.invite(identity.RoleEdge, ""))
	if !errors.Is(err, identity.ErrPin) || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("%v", err)
	}
	if n := c.registry.used(); n != 0 || c.noted() != (Note{}) {
		t.Errorf("the secret was shown to the wrong cluster: %+v", c.noted())
	}
	// A CA that is shown is not enough: who shows it must be control.
	cfg := c.edge("")
	edge := c.joined(cfg, c.invite(identity.RoleEdge, "")).Identity
	c.Server.d.Identity = edge // an edge that plays control
	pretending := &cluster{T: t, Server: c.Server, control: edge, addr: ""}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pretending.listen(ln)
	before := c.registry.used()
	cfg = c.edge("")
	cfg.Control = []string{ln.Addr().String()}
	if _, err := c.enrol(cfg, c.invite(identity.RoleEdge, "")); !errors.Is(err, identity.ErrRole) || c.registry.used() != before {
		t.Errorf("of an edge that plays control: %v", err)
	}
}

// Requests that none of our nodes makes.
func TestRequestRefused(t *testing.T) {
	c := newCluster(t)
	key := newKey(t)
	csr := func(node, role string) []byte {
		der, err := identity.Request(key, node, role)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	old, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, old)
	if err != nil {
		t.Fatal(err)
	}
	site, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"example.org"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	token := c.invite(identity.RoleEdge, "")
	good := func() *pb.EnrolRequest {
		return &pb.EnrolRequest{Secret: token.Secret[:], Csr: csr("edge-1", identity.RoleEdge), Node: "edge-1", Role: identity.RoleEdge}
	}
	for name, row := range map[string]struct {
		change func(*pb.EnrolRequest)
		code   pb.EnrolCode
		text   string
	}{
		"no secret":             {func(r *pb.EnrolRequest) { r.Secret = nil }, pb.EnrolCode_ENROL_CODE_MALFORMED, "0 bytes"},
		"a long secret":         {func(r *pb.EnrolRequest) { r.Secret = make([]byte, 33) }, pb.EnrolCode_ENROL_CODE_MALFORMED, "33 bytes"},
		"no role":               {func(r *pb.EnrolRequest) { r.Role = "" }, pb.EnrolCode_ENROL_CODE_MALFORMED, "role"},
		"a strange node":        {func(r *pb.EnrolRequest) { r.Node = "a/b\nc" }, pb.EnrolCode_ENROL_CODE_MALFORMED, "node name"},
		"a strange region":      {func(r *pb.EnrolRequest) { r.Region = "é" }, pb.EnrolCode_ENROL_CODE_MALFORMED, "region"},
		"no CSR":                {func(r *pb.EnrolRequest) { r.Csr = nil }, pb.EnrolCode_ENROL_CODE_CSR, "no request"},
		"CSR of another key":    {func(r *pb.EnrolRequest) { r.Csr = ec }, pb.EnrolCode_ENROL_CODE_CSR, "Ed25519"},
		"CSR of a site":         {func(r *pb.EnrolRequest) { r.Csr = site }, pb.EnrolCode_ENROL_CODE_CSR, "other names"},
		"CSR of another node":   {func(r *pb.EnrolRequest) { r.Node = "edge-2" }, pb.EnrolCode_ENROL_CODE_CSR, "names edge edge-1"},
		"CSR of another role":   {func(r *pb.EnrolRequest) { r.Csr = csr("edge-1", identity.RoleControl) }, pb.EnrolCode_ENROL_CODE_CSR, "names control"},
		"CSR with a name alone": {func(r *pb.EnrolRequest) { r.Node = "" }, pb.EnrolCode_ENROL_CODE_CSR, "names edge edge-1"},
	} {
		r := good()
		row.change(r)
		c.wantAnswer(name, nil, &pb.EnrolUp{Body: &pb.EnrolUp_Enrol{Enrol: r}}, row.code, row.text)
	}
	c.wantAnswer("nothing", nil, &pb.EnrolUp{}, pb.EnrolCode_ENROL_CODE_MALFORMED, "no request")
	if n := c.registry.used(); n != 0 {
		t.Errorf("the registry was asked %d times", n)
	}
	w := c.dial(net.IPv4(127, 0, 0, 1), identity.PinnedTLS([]string{join.ALPN}, c.d.CA.Pin()))
	defer w.Close()
	if down, err := c.exchange(w, &pb.EnrolUp{Body: &pb.EnrolUp_Enrol{Enrol: good()}}); err != nil || down.GetAnswer() == nil {
		t.Errorf("the token is spent: %v, %v", down, err)
	}
}

func TestRenewalRefused(t *testing.T) {
	c, other := newCluster(t), newCluster(t)
	edge := c.joined(c.edge("edge-1"), c.invite(identity.RoleEdge, "")).Identity
	foreign := other.joined(other.edge("edge-1"), other.invite(identity.RoleEdge, "")).Identity
	stray := newKey(t)
	made, err := c.keys.CA().IssueOver(stray, "edge-9", identity.RoleEdge) // of nobody who joined
	if err != nil {
		t.Fatal(err)
	}
	renew := func(key ed25519.PrivateKey, node string) *pb.EnrolUp {
		der, err := identity.Request(key, node, identity.RoleEdge)
		if err != nil {
			t.Fatal(err)
		}
		return &pb.EnrolUp{Body: &pb.EnrolUp_Renew{Renew: &pb.RenewRequest{Csr: der}}}
	}
	strange := renew(newKey(t), "")
	for name, row := range map[string]struct {
		as   *identity.Identity
		up   *pb.EnrolUp
		code pb.EnrolCode
		text string
	}{
		"no certificate":              {nil, strange, pb.EnrolCode_ENROL_CODE_CERTIFICATE, "no certificate to renew"},
		"certificate of another CA":   {foreign, strange, pb.EnrolCode_ENROL_CODE_CERTIFICATE, "of another cluster"},
		"CSR over another key":        {edge, strange, pb.EnrolCode_ENROL_CODE_CSR, "another node or key"},
		"CSR with another's name":     {edge, renew(newKey(t), "edge-2"), pb.EnrolCode_ENROL_CODE_CSR, "another node or key"},
		"CSR that is none":            {edge, &pb.EnrolUp{Body: &pb.EnrolUp_Renew{Renew: &pb.RenewRequest{}}}, pb.EnrolCode_ENROL_CODE_CSR, "no request"},
		"a node that nobody let in":   {made, renew(stray, "edge-9"), pb.EnrolCode_ENROL_CODE_UNREGISTERED, "no machine of this name"},
		"a request of another kind":   {edge, &pb.EnrolUp{}, pb.EnrolCode_ENROL_CODE_MALFORMED, "no request"},
		"a token's, without a secret": {edge, &pb.EnrolUp{Body: &pb.EnrolUp_Enrol{Enrol: &pb.EnrolRequest{}}}, pb.EnrolCode_ENROL_CODE_MALFORMED, "0 bytes"},
	} {
		c.wantAnswer(name, row.as, row.up, row.code, row.text)
	}
}

// wantAnswer sends up as a node, or as nobody, and holds the answer to a refusal.
func (c *cluster) wantAnswer(name string, as *identity.Identity, up *pb.EnrolUp, code pb.EnrolCode, text string) {
	c.Helper()
	cfg := identity.PinnedTLS([]string{join.ALPN}, c.d.CA.Pin())
	if as != nil { // with what it has, whatever it would make of control
		cfg.GetClientCertificate = as.ClientTLS(nil, "").GetClientCertificate
	}
	w := c.dial(net.IPv4(127, 0, 0, 1), cfg)
	defer w.Close()
	down, err := c.exchange(w, up)
	if err != nil {
		c.Errorf("%s: %v", name, err)
		return
	}
	r := down.GetRefusal()
	if r.GetCode() != code || !strings.Contains(r.GetText(), text) || proto.Size(down) > 600 {
		c.Errorf("%s: answered %v; want %v, %q", name, down, code, text)
	}
	if n := c.noted(); n.Refused != reasonOf(code) {
		c.Errorf("%s: noted %+v", name, n)
	}
}
