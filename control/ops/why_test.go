package ops

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"freshet/control/node"
	"freshet/control/quorum/ledger"
	"freshet/control/route"
	pb "freshet/proto"
)

func TestPaths(t *testing.T) {
	ms, none, lost := 4.5, 0.0, 1.5
	v := View{
		Links: []Link{{A: "origin-1", B: "hub", RTT: &ms}},
		Streams: []Stream{
			{ID: "main", Event: "launch", Hops: []Hop{
				{Node: "origin-1", Live: true}, {Node: "hub", Upstream: "origin-1", Hops: 1, Live: true, Loss: 1.5}, {Node: "edge-1", Upstream: "hub", Hops: 2, Loss: 50},
				{Node: "edge-2", Upstream: "hub", Hops: 2, Live: true},
			}},
			{ID: "other", Event: "launch", Hops: []Hop{{Node: "edge-2", Upstream: "hub", Hops: 2}}},
			{ID: "elsewhere", Event: "talk", Hops: []Hop{{Node: "edge-1", Upstream: "origin-1", Hops: 1}}},
			{ID: "ring", Event: "launch", Hops: []Hop{{Node: "edge-1", Upstream: "edge-3", Hops: 3}, {Node: "edge-3", Upstream: "edge-1", Hops: 3}}},
		},
	}
	want := []Path{
		{"main", true, []Step{{"origin-1", nil, nil, true}, {"hub", &ms, &lost, true}, {"edge-1", nil, nil, false}}},
		{"ring", false, []Step{{"edge-3", nil, nil, false}, {"edge-1", nil, nil, false}}},
	}
	if d := cmp.Diff(want, pathsOf(v, "launch", "edge-1")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	want = []Path{
		{"main", true, []Step{{"origin-1", nil, nil, true}, {"hub", &ms, &lost, true}, {"edge-2", nil, &none, true}}},
		{"other", false, []Step{{"edge-2", nil, nil, false}}},
	}
	if d := cmp.Diff(want, pathsOf(v, "launch", "edge-2")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := pathsOf(v, "launch", ""); len(got) != 0 {
		t.Errorf("to no edge: %+v", got)
	}
}

// A command is told the decision, and each hop of the way with what it loses.
func TestExplanation(t *testing.T) {
	now, session := time.Unix(1_800_000_000, 0).UTC(), uuid.New()
	made := route.Decision{At: now, Event: "launch", Choice: "edge-1", Candidates: []route.Candidate{{Edge: route.Edge{Node: "edge-1"}, Km: 12, RTT: route.Unknown}}}
	on := func(name, upstream string, hops, loss uint32) node.Node {
		return node.Node{Name: name, Heard: now, Facts: facts(&pb.StreamFacts{Id: "main", Hops: hops, Upstream: upstream, Live: true, LossPermille: loss})}
	}
	d := &Desk{
		Mesh: scene{
			fleet:   []node.Node{on("origin-1", "", 0, 0), on("hub", "origin-1", 1, 20), on("edge-1", "hub", 2, 0)},
			ledger:  &ledger.State{},
			records: []*pb.StreamRecord{{Id: "main", Event: "launch", Origin: "origin-1"}},
		},
		Acts: Acts{Why: func(of uuid.UUID) (route.Decision, bool) { return made, of == session }},
		Now:  func() time.Time { return now },
		Away: func() bool { return false },
	}
	s := httptest.NewServer(d.Handler("control-1"))
	defer s.Close()
	var got Explanation
	ask := func(session uuid.UUID) error {
		dial := func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.Listener.Addr().String())
		}
		_, err := Ask(t.Context(), dial, recallMost, http.MethodGet, "/sessions/"+session.String(), nil, &got)
		return err
	}
	if err := ask(uuid.New()); err == nil {
		t.Errorf("a session that nobody knows: %+v", got)
	}
	if err := ask(session); err != nil {
		t.Fatal(err)
	}
	ms, none, lost := 30.0, 0.0, 2.0
	want := Explanation{made, []Path{{"main", true, []Step{{"origin-1", nil, nil, true}, {"hub", &ms, &lost, true}, {"edge-1", nil, &none, true}}}}}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(route.Candidate{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
