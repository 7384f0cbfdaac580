package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/cluster/member"
	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/enrol"
	"freshet/control/node"
	"freshet/control/ops"
	"freshet/control/permit"
	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	"freshet/control/route"
	"freshet/control/store/storetest"
	pb "freshet/proto"
	"freshet/proto/jointoken"
)

// A network is what a desk sees and does, without a mesh.
type network struct {
	ledger *ledger.State
	did    []string
	err    error // of all that is done
}

func (n *network) Members() []member.Node                        { return nil }
func (n *network) Distance(string, string) (time.Duration, bool) { return 0, false }
func (n *network) Certificates() map[string]time.Time            { return nil }
func (n *network) Fleet(time.Time) []node.Node                   { return nil }
func (n *network) Ledger() *ledger.State                         { return n.ledger }
func (n *network) State() *ledger.State                          { return n.ledger }
func (n *network) Quorum() ops.Quorum                            { return ops.Quorum{Peers: []ops.Peer{}} }
func (n *network) Records() []*pb.StreamRecord {
	return []*pb.StreamRecord{{Id: "main", Event: "nordlicht-launch", Origin: "origin-1"}}
}

// Apply takes entries of the journal.
func (n *network) Apply(_ context.Context, e *pb.Entry) (quorum.Result, error) {
	n.ledger.Settings[e.GetPutSetting().Name] = e.GetPutSetting().Value
	return quorum.Result{Verdict: pb.Verdict_VERDICT_DONE}, nil
}

var placed = uuid.MustParse("0198a000-0000-7000-8000-000000000001")

func (n *network) desk(now func() time.Time) *ops.Desk {
	does := func(what string) error { n.did = append(n.did, what); return n.err }
	return &ops.Desk{Node: "control-1", At: "192.0.2.1:8081", Mesh: n, Away: func() bool { return false }, Now: now, Journal: ops.NewJournal(n), Log: slog.New(slog.DiscardHandler), Acts: ops.Acts{
		Invite: func(_ context.Context, role, region string, life time.Duration) (jointoken.Token, error) {
			return jointoken.Token{}, does("invite " + role + " " + region + " " + life.String())
		},
		Remove:   func(_ context.Context, node string) error { return does("remove " + node) },
		SetState: func(_ context.Context, node string, s pb.AdminState) error { return does(node + " " + s.String()) },
		Leave:    func(_ context.Context, node string) error { return does("leave " + node) },
		Rotate:   func(context.Context) error { return does("rotate") },
		Resign:   func(context.Context) error { return does("resign") },
		Why: func(session uuid.UUID) (route.Decision, bool) {
			return route.Decision{At: now(), Event: "nordlicht-launch", Choice: "edge-1", Candidates: []route.Candidate{
				{Edge: route.Edge{Node: "edge-1", Load: 0.5}, Km: 12, RTT: route.Unknown, Path: 3, Busy: 2},
			}}, session == placed
		},
	}}
}

// withNetwork is an office whose control node is in a cluster of one edge, and the browser of who operates it.
func withNetwork(t *testing.T) (*office, *browser, *network) {
	o, owner := founded(t, storetest.New(t))
	n := &network{ledger: &ledger.State{
		Nodes: map[string]*pb.NodeRecord{"edge-1": {Role: "edge", Region: "yul"}}, Settings: map[string][]byte{},
	}}
	d := o.deps()
	d.Ops = n.desk(o.now)
	o.api = New(Config{Version: "1", Pages: "https://webcasts.example"}, d)
	return o, owner, n
}

func TestOps(t *testing.T) {
	_, b, n := withNetwork(t)
	v := b.does("GET", "/ops/mesh", nil)
	stream, edge := v["streams"].([]any)[0].(object), v["nodes"].([]any)[0].(object)
	if v["node"] != "control-1" || stream["id"] != "main" || stream["event"] != nil || edge["status"] != "unheard" || len(v["alerts"].([]any)) != 2 {
		t.Errorf("%v", v)
	}
	if got := b.does("POST", "/ops/tokens", object{"role": "edge", "region": "yul", "seconds": 60}); got["expires"] != "2026-11-27T09:01:00Z" || got["token"] == "" || got["join"] != "192.0.2.1:8081" {
		t.Errorf("%v", got)
	}
	b.does("POST", "/ops/tokens", object{"role": "origin"})
	for _, state := range []string{"cordoned", "draining", "in"} {
		b.does("PUT", "/ops/nodes/edge-1/state", object{"state": state})
	}
	b.does("DELETE", "/ops/nodes/edge-1", nil)
	b.does("POST", "/ops/gossip-keys", nil)
	b.does("POST", "/ops/signing-keys", nil)
	why := b.does("GET", "/ops/sessions/"+placed.String(), nil)
	if first := why["candidates"].([]any)[0].(object); why["choice"] != "edge-1" || first["score"] != 5.0 || first["km"] != 12.0 || first["rttMs"] != nil || why["event"] != nil {
		t.Errorf("%v", why)
	}
	b.fails(404, "session-unknown", "GET", "/ops/sessions/"+uuid.NewString(), nil)
	b.fails(404, "node-unknown", "DELETE", "/ops/nodes/edge-9", nil)
	b.fails(422, "invalid", "POST", "/ops/tokens", object{"role": "viewer"})
	b.fails(422, "invalid", "POST", "/ops/tokens", object{"role": "edge", "seconds": 86401})
	b.fails(422, "invalid", "PUT", "/ops/nodes/edge-1/state", object{"state": "gone"})
	want := []string{
		"invite edge yul 1m0s", "invite origin  " + enrol.TokenLife.String(), "edge-1 ADMIN_STATE_CORDONED", "edge-1 ADMIN_STATE_DRAINING",
		"edge-1 ADMIN_STATE_IN", "remove edge-1", "rotate", "rotate", "resign",
	}
	if got := n.did; !slices.Equal(got, want) {
		t.Errorf("did %q, want %q", got, want)
	}
	n.err = quorum.ErrUnknown
	b.fails(503, "no-leader", "PUT", "/ops/nodes/edge-1/state", object{"state": "in"})
	var log []object
	if w := b.send("GET", "/ops/log", nil); json.Unmarshal(w.Body.Bytes(), &log) != nil || len(log) == 0 {
		t.Fatalf("log: %d %s", w.Code, w.Body)
	}
	var acts []string
	for _, e := range log {
		acts = append(acts, e["action"].(string)+" "+e["outcome"].(string))
	}
	want = []string{"take-back refused", "signing-keys done", "gossip-keys done", "remove done", "take-back done", "drain done", "cordon done", "token done", "token done"}
	if !slices.Equal(acts, want) {
		t.Errorf("log %q, want %q", acts, want)
	}
	me := b.does("GET", "/me", nil)
	if e := log[0]; e["person"] != me["id"] || e["node"] != "edge-1" || e["by"] != "control-1" || e["at"] != "2026-11-27T09:00:00Z" || e["asked"] != nil || e["why"] == nil {
		t.Errorf("%v", e)
	}
}

// The right is the person's, whatever its role in an account, and ends with the next request once it is taken away.
func TestOpsRight(t *testing.T) {
	o, owner, _ := withNetwork(t)
	nobody := func(want bool) {
		t.Helper()
		if got, err := account.NobodyOps(t.Context(), o.db); got != want || err != nil {
			t.Errorf("nobody operates it: %v %v, want %v", got, err, want)
		}
	}
	nobody(false)
	if me := owner.does("GET", "/me", nil); me["ops"] != true {
		t.Errorf("who has set up: %v", me)
	}
	owner.does("POST", "/members", object{"email": "bob@example.org", "role": "presenter"})
	bob := o.browser()
	me := bob.does("POST", "/invitations/use", object{"token": token(o.link("bob@example.org", 1)), "password": password})
	if me["ops"] != false {
		t.Errorf("an invited one: %v", me)
	}
	bob.fails(403, "ops-only", "GET", "/ops/mesh", nil)
	o.program(owner, permit.WriteScope).fails(403, "ops-only", "GET", "/ops/mesh", nil)
	id := uuid.MustParse(me["id"].(string))
	for _, want := range []bool{true, false} {
		if changed, err := account.Grant(t.Context(), o.db, id, o.now()); changed != want || err != nil {
			t.Errorf("granted: %v %v", changed, err)
		}
	}
	bob.does("GET", "/ops/mesh", nil)
	if me := bob.does("GET", "/me", nil); me["ops"] != true {
		t.Errorf("%v", me)
	}
	if all, err := account.Ops(t.Context(), o.db); err != nil || len(all) != 2 || *all[1].Email != "bob@example.org" {
		t.Errorf("%v %v", all, err)
	}
	if changed, err := account.Revoke(t.Context(), o.db, id); !changed || err != nil {
		t.Errorf("revoked: %v %v", changed, err)
	}
	bob.fails(403, "ops-only", "GET", "/ops/mesh", nil)
	if changed, err := account.Revoke(t.Context(), o.db, uuid.MustParse(owner.does("GET", "/me", nil)["id"].(string))); !changed || err != nil {
		t.Errorf("revoked: %v %v", changed, err)
	}
	nobody(true)
}

func TestOpsRate(t *testing.T) {
	o, b, n := withNetwork(t)
	last := 0
	for range 40 {
		if last = b.send("POST", "/ops/gossip-keys", nil).Code; last != http.StatusNoContent {
			break
		}
	}
	if last != http.StatusTooManyRequests || len(n.did) != 30 {
		t.Errorf("%d after %d", last, len(n.did))
	}
	b.fails(429, "too-many", "PUT", "/ops/nodes/edge-1/state", object{"state": "in"})
	b.does("GET", "/ops/mesh", nil)
	o.pass(time.Second)
	b.does("POST", "/ops/gossip-keys", nil)
}

func TestOpsWithoutCluster(t *testing.T) {
	_, b := founded(t, storetest.New(t))
	b.fails(503, "no-cluster", "GET", "/ops/mesh", nil)
	b.fails(503, "no-cluster", "POST", "/ops/gossip-keys", nil)
	b.fails(503, "no-cluster", "GET", "/ops/sessions/"+placed.String(), nil)
}

// While the database is away, a browser of whom it said before that it may is shown the mesh, and that; nothing else, and nobody else.
func TestOpsWithoutDatabase(t *testing.T) {
	o, b, _ := withNetwork(t)
	other := o.browser() // the same person, who has not looked at the mesh from there
	other.does("POST", "/log-in", object{"email": ana, "password": password})
	gone := o.browser() // has, and has logged out
	gone.does("POST", "/log-in", object{"email": ana, "password": password})
	gone.does("GET", "/ops/mesh", nil)
	kept := maps.Clone(gone.jar)
	gone.does("POST", "/log-out", nil)
	gone.jar = kept // as one who has copied the cookie
	gone.fails(401, "unauthorized", "GET", "/ops/mesh", nil)
	if v := b.does("GET", "/ops/mesh", nil); v["databaseAway"] != false {
		t.Errorf("%v", v)
	}
	if err := o.db.Close(); err != nil {
		t.Fatal(err)
	}
	v := b.does("GET", "/ops/mesh", nil)
	if last := v["alerts"].([]any)[len(v["alerts"].([]any))-1].(object); v["databaseAway"] != true || last["kind"] != "database-away" {
		t.Errorf("%v", v)
	}
	for _, stranger := range []*browser{other, gone} {
		stranger.fails(503, "unavailable", "GET", "/ops/mesh", nil)
	}
	b.fails(503, "unavailable", "GET", "/ops/log", nil)
	b.fails(503, "unavailable", "PUT", "/ops/nodes/edge-1/state", object{"state": "draining"})
	b.fails(503, "unavailable", "GET", "/me", nil)
	o.pass(witnessLong)
	b.fails(503, "unavailable", "GET", "/ops/mesh", nil)
}

// Who may not any more is forgotten at once; and no more browsers are remembered than there is room for.
func TestWitness(t *testing.T) {
	now := time.Unix(0, 0)
	w := newWitness(func() time.Time { return now })
	mesh, log := httptest.NewRequest("GET", Prefix+"/ops/mesh", nil), httptest.NewRequest("GET", Prefix+"/ops/log", nil)
	knows := func(r *http.Request, secret string) bool {
		a, ok := w.recalls(r, secret)
		return ok && a.Ops && a.Recalled
	}
	for i := range witnessMost + 1 {
		w.saw(strconv.Itoa(i), access.Actor{Ops: true})
	}
	if len(w.seen) != witnessMost || !knows(mesh, "0") || knows(log, "0") || knows(mesh, strconv.Itoa(witnessMost)) {
		t.Errorf("%d are remembered", len(w.seen))
	}
	w.saw("0", access.Actor{})
	if knows(mesh, "0") {
		t.Error("who may not any more is remembered")
	}
	now = now.Add(witnessLong)
	w.saw("late", access.Actor{Ops: true})
	w.saw("later", access.Actor{Ops: true})
	if !knows(mesh, "late") || !knows(mesh, "later") || knows(mesh, "1") || len(w.seen) > 2 {
		t.Errorf("%d are remembered once their time was over", len(w.seen))
	}
}
