package enrol

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/identity"
	"freshet/cluster/join"
	pb "freshet/proto"
)

// Bytes of nobody's: the connection is closed in time, without an answer, and counted. Others are served meanwhile.
func TestHostileConnections(t *testing.T) {
	c := newCluster(t)
	var large []byte
	large = binary.AppendUvarint(large, join.MaxMessage+1)
	rows := map[string]struct {
		tls    bool
		sends  []byte
		reason string
		within time.Duration
	}{
		"HTTP":                {false, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), notTLS, 2 * time.Second},
		"nothing at all":      {false, nil, notTLS, handshakeWait + 2*time.Second},
		"no request":          {true, nil, notRead, 7 * time.Second},
		"half a request":      {true, []byte{100, 1}, notRead, 7 * time.Second},
		"a large request":     {true, large, notRead, 2 * time.Second},
		"an endless length":   {true, bytes.Repeat([]byte{0xff}, 11), notRead, 2 * time.Second},
		"garbage in protobuf": {true, append([]byte{9}, bytes.Repeat([]byte{0xff}, 9)...), notRead, 2 * time.Second},
	}
	var all sync.WaitGroup
	counts := map[string]float64{}
	for name, row := range rows {
		counts[row.reason]++
		all.Go(func() {
			since := time.Now()
			conn, err := net.Dial("tcp", c.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			if row.tls {
				conn = tls.Client(conn, identity.PinnedTLS([]string{join.ALPN}, c.d.CA.Pin()))
			}
			if _, err := conn.Write(row.sends); err != nil { // with TLS, of nothing too, it shakes hands
				t.Errorf("%s: %v", name, err)
			}
			back, err := io.ReadAll(conn)
			if took := time.Since(since); took > row.within {
				t.Errorf("%s: closed after %v, %v", name, took, err)
			}
			if len(back) > len(row.sends) || row.tls && len(back) > 0 {
				t.Errorf("%s: %d bytes were answered with %d", name, len(row.sends), len(back))
			}
		})
	}
	c.joined(c.edge(""), c.invite(identity.RoleEdge, ""))
	all.Wait()
	for reason, want := range counts {
		if got := c.refusals(reason); got != want {
			t.Errorf("%v were counted as %s, want %v", got, reason, want)
		}
	}
}

// Who comes too often is told so, which neither log nor audit is filled by; nodes of the cluster renew all the same.
func TestTooMany(t *testing.T) {
	c := newCluster(t)
	cfg := c.edge("edge-1")
	edge := c.joined(cfg, c.invite(identity.RoleEdge, "")).Identity
	token := c.invite(identity.RoleEdge, "")
	token.Secret[0] ^= 1
	refused := 0
	for range 2 * perComer.Burst {
		w := c.dial(net.IPv4(127, 0, 0, 1), identity.PinnedTLS([]string{join.ALPN}, token.CA))
		csr, err := identity.Request(newKey(t), "", "")
		if err != nil {
			t.Fatal(err)
		}
		down, err := c.exchange(w, &pb.EnrolUp{Body: &pb.EnrolUp_Enrol{Enrol: &pb.EnrolRequest{Secret: token.Secret[:], Csr: csr, Role: identity.RoleEdge}}})
		_ = w.Close()
		if err != nil {
			t.Fatal(err)
		}
		if down.GetRefusal().GetCode() == pb.EnrolCode_ENROL_CODE_TOO_MANY {
			refused++
		}
	}
	if refused == 0 || float64(refused) != c.refusals("too_many") || c.noted().Refused != "token_unknown" {
		t.Errorf("%d of %d were too many, counted %v, noted last %+v", refused, 2*perComer.Burst, c.refusals("too_many"), c.noted())
	}
	if asked := c.registry.used(); asked > perComer.Burst+10 {
		t.Errorf("the registry was asked %d times", asked)
	}
	r := c.renewal(edge, cfg.Dir)
	csr, err := identity.Request(newKey(t), "", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Ask(t.Context(), csr) // over another key: that is looked at
	c.wantRefusal("a node's own request", err, pb.EnrolCode_ENROL_CODE_CSR, "another node or key")
}

// The fullest answer there is has room in a message.
func TestAnswerFits(t *testing.T) {
	c := newCluster(t)
	longest := string(bytes.Repeat([]byte("a"), 255)) + ":65535"
	var m pb.MeshSeed
	for range 100 {
		m.Controls, m.Gossip = append(m.Controls, longest), append(m.Gossip, longest)
	}
	m.GossipKeys = [][]byte{make([]byte, 32), make([]byte, 32), make([]byte, 32)}
	c.Server.d.Mesh = func() *pb.MeshSeed { return &m }
	a, err := c.answer(identity.Subject{Node: string(bytes.Repeat([]byte("a"), 64)), Role: identity.RoleControl, Key: c.control.Key()})
	if err != nil {
		t.Fatal(err)
	}
	if a.Secrets, err = c.keys.Share(); err != nil {
		t.Fatal(err)
	}
	if n := proto.Size(&pb.EnrolDown{Body: &pb.EnrolDown_Answer{Answer: a}}); n > join.MaxMessage {
		t.Errorf("%d bytes, want %d at most", n, join.MaxMessage)
	}
}

// Whatever a request holds, what passes has names that can stand in a certificate.
func FuzzRead(f *testing.F) {
	csr, err := identity.Request(newKey(f), "edge-1", identity.RoleEdge)
	if err != nil {
		f.Fatal(err)
	}
	seed, err := proto.Marshal(&pb.EnrolRequest{Secret: make([]byte, 32), Csr: csr, Node: "edge-1", Role: identity.RoleEdge, Region: "yul"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	s := &Server{}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &pb.EnrolRequest{}
		if proto.Unmarshal(b, r) != nil {
			return
		}
		u, err := s.read(r)
		if err != nil {
			if n := len(refusalOf(err).text); n > 500 {
				t.Errorf("a refusal of %d bytes", n)
			}
			return
		}
		if u.Node != "" && identity.CheckNode(u.Node) != nil || identity.CheckRole(u.Role) != nil || checkRegion(u.Region) != nil || len(u.Key) != 32 {
			t.Errorf("%+v passes", u)
		}
	})
}

// More at once than there is room for are closed, and counted.
func TestFull(t *testing.T) {
	c := newCluster(t)
	for range maxAtOnce {
		c.slots <- struct{}{}
	}
	if _, err := c.enrol(c.edge(""), c.invite(identity.RoleEdge, "")); err == nil || c.refusals(notServed) != 1 {
		t.Errorf("%v, counted %v", err, c.refusals(notServed))
	}
	<-c.slots
	c.joined(c.edge(""), c.invite(identity.RoleEdge, ""))
}

// Strangers of many addresses are together held to a rate; who shows a certificate of the cluster is held to one of its own.
func TestManyStrangers(t *testing.T) {
	c := newCluster(t)
	now := c.now()
	from := func(i int) Note {
		return Note{At: now, From: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})}
	}
	for i := range inAll.Burst {
		if err := c.admit(identity.Subject{}, identity.ErrNoPeer, from(i)); err != nil {
			t.Fatalf("stranger %d: %v", i, err)
		}
	}
	if err := c.admit(identity.Subject{}, identity.ErrNoPeer, from(255)); err == nil {
		t.Error("one stranger more than there may be")
	}
	for i := range perComer.Burst + 1 {
		err := c.admit(identity.Subject{Node: "edge-1"}, nil, from(255))
		if (err != nil) != (i == perComer.Burst) {
			t.Errorf("request %d of a node: %v", i, err)
		}
	}
	if err := c.admit(identity.Subject{Node: "edge-2"}, nil, from(255)); err != nil {
		t.Errorf("another node: %v", err)
	}
}
