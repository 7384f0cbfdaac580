package edge_test

import (
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"freshet/bench/testmesh"
	"freshet/cluster/agent"
	"freshet/edge"
	pb "freshet/proto"
	"freshet/proto/problem"
	"freshet/proto/token"
)

// heard returns the state of a node that has n on its disk, and hears nobody.
func heard(t *testing.T, n *pb.Snapshot) *agent.State {
	t.Helper()
	file := filepath.Join(t.TempDir(), "edge-1.state")
	b, err := proto.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	state := agent.NewState()
	_, err = agent.New(agent.Config{Control: []string{"127.0.0.1:1"}, Cache: file},
		agent.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), State: state})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// An edge that hears nobody lets in who has a token of the event, and nobody else; each token as often as it may be.
func TestTokens(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	mint := func(session, event string) string {
		text, _, err := token.NewMinter("k1", key).Mint(token.Claims{Session: session, Event: event, Epoch: 1}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	snapshot := &pb.Snapshot{
		Version: 1, Revoked: []string{"gone"}, TokenKeys: []*pb.PublicKey{{Id: "k1", Ed25519: key.Public().(ed25519.PublicKey)}},
		Streams: []*pb.StreamRecord{agent.Record("sample", "key")},
	}
	for _, id := range []string{"floor", "fr", "es", "de", "it"} {
		r := agent.Record(id, "key")
		r.Event, r.Open, r.ViewerEpoch = "launch", false, 1
		snapshot.Streams = append(snapshot.Streams, r)
	}
	r := newRigFor(t, edge.Config{Node: "edge-1", Media: "127.0.0.1:0", Shards: 1}, heard(t, snapshot))
	for _, s := range snapshot.Streams {
		p := newPublisher(s.Id, 1, "")
		r.mesh.put(p.s)
	}
	sdp := offer(t)
	post := func(stream, bearer string) (int, problem.Problem) {
		t.Helper()
		status, header, body := call(t, "POST", r.http.URL+"/whep/"+stream, "application/sdp", sdp, map[string]string{"Authorization": "Bearer " + bearer})
		var p problem.Problem
		if status != 201 {
			if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status {
				t.Errorf("%s: %d %q", stream, status, body)
			}
		}
		if (header.Get("Retry-After") != "") != (status == 429) || (header.Get("WWW-Authenticate") != "") != (status == 401) {
			t.Errorf("%s: %d with %v", stream, status, header)
		}
		return status, p
	}
	refused := func(stream, bearer string, status int, kind string) {
		t.Helper()
		if got, p := post(stream, bearer); got != status || p.Type != "/problems/"+kind {
			t.Errorf("%s: %d %s, want %d %s", stream, got, p.Type, status, kind)
		}
	}
	refused("floor", "", 401, "token-missing")
	refused("floor", "hunter2", 401, "token-wrong")
	refused("floor", mint("s0", "party"), 404, "stream-unknown")
	refused("floor", mint("gone", "launch"), 401, "token-wrong")
	if status, _ := post("sample", ""); status != 201 {
		t.Errorf("an open stream: %d", status)
	}

	// Two live on a stream.
	viewers := []*viewer{}
	for n := range 2 {
		viewers = append(viewers, watch(t, r, "floor", viewerOptions{bearer: mint("s1", "launch")}))
		testmesh.Until(t, "a viewer", 10*time.Second, func() bool { return r.Viewers()["floor"] == n+1 })
	}
	refused("floor", mint("s1", "launch"), 409, "too-many-sessions")
	viewers[0].delete()
	testmesh.Until(t, "one has left", 10*time.Second, func() bool { return r.Viewers()["floor"] == 1 })

	// Four that connect at a time, whatever their streams.
	for _, stream := range []string{"floor", "fr", "es", "de"} {
		if status, p := post(stream, mint("s1", "launch")); status != 201 {
			t.Errorf("%s: %d %v", stream, status, p)
		}
	}
	refused("it", mint("s1", "launch"), 429, "too-many")
	if status, p := post("it", mint("s2", "launch")); status != 201 {
		t.Errorf("another's token: %d %v", status, p)
	}
	// Four by tokens that do not count, two by limits.
	if got := r.metric(t, "freshet_edge_refused_offers_total"); got != 6 {
		t.Errorf("%v refusals were counted", got)
	}
}
