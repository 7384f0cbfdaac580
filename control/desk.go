package control

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/google/uuid"

	"freshet/cluster/identity"
	"freshet/cluster/member"
	"freshet/control/keys"
	"freshet/control/node"
	"freshet/control/ops"
	"freshet/control/quorum/ledger"
	"freshet/control/route"
	pb "freshet/proto"
)

// newDesk returns what operations see of m, and do. away says whether the database is.
func (m *mesh) newDesk(name string, away func() bool) *ops.Desk {
	return &ops.Desk{Node: name, At: m.at, Mesh: sight{m}, Journal: ops.NewJournal(m.quorum), Log: m.log, Away: away, Now: time.Now, Acts: ops.Acts{
		Invite: m.enrol.Invite, Remove: m.enrol.Remove, SetState: m.roster.SetState, Leave: m.quorum.Leave,
		Rotate: func(ctx context.Context) error { return m.roster.Rotate(ctx, m.box, keys.Random(member.KeySize)) },
		Resign: func(ctx context.Context) error { return m.roster.RotateSigning(ctx, m.box) },
		Why:    func(session uuid.UUID) (route.Decision, bool) { return m.why.Of(session, time.Now()) },
	}, Peers: ops.Peers{Addrs: m.others, Dial: func(ctx context.Context, addr string) (net.Conn, error) {
		d := tls.Dialer{Config: m.d.Identity.ClientTLS([]string{ops.ALPN}, "", identity.RoleControl)}
		return d.DialContext(ctx, "tcp", addr)
	}}}
}

// others returns where the other control nodes are reached.
func (m *mesh) others() (addrs []string) {
	for _, p := range m.quorum.Status().Peers {
		if p.Addr != "" {
			addrs = append(addrs, p.Addr)
		}
	}
	return addrs
}

// A sight is what a view is made of.
type sight struct{ *mesh }

func (s sight) Members() []member.Node                     { return s.member.Nodes() }
func (s sight) Certificates() map[string]time.Time         { return s.member.Certificates() }
func (s sight) Distance(a, b string) (time.Duration, bool) { return s.member.Distance(a, b) }
func (s sight) Fleet(now time.Time) []node.Node            { return s.fleet.All(now) }
func (s sight) Ledger() *ledger.State                      { return s.quorum.State() }
func (s sight) Records() []*pb.StreamRecord                { return s.records.All() }

func (s sight) Quorum() ops.Quorum {
	q := s.quorum.Status()
	out := ops.Quorum{
		Leader: q.Leader, State: q.State, Term: q.Term, Commit: q.Commit, Applied: q.Applied, Trouble: q.Trouble, Peers: []ops.Peer{},
	}
	for _, p := range q.Peers {
		out.Peers = append(out.Peers, ops.Peer{
			Node: p.Node, Addr: p.Addr, Voter: p.Voter, Answers: p.Answers, Applied: p.Applied, Trouble: p.Trouble,
		})
	}
	return out
}
