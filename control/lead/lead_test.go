package lead

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/agent"
	"freshet/cluster/stream"
	"freshet/control/geo"
	"freshet/control/keys"
	"freshet/control/node"
	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	"freshet/control/roster"
	pb "freshet/proto"
)

// A world is a lead with a ledger of its own, and nodes that say what the test has them say.
type world struct {
	*testing.T
	l       *Lead
	ledger  *ledger.Ledger
	index   uint64
	now     time.Time
	fleet   *node.Fleet
	records *node.Records
	streams map[string][]*pb.StreamFacts // by node
	down    map[string]bool
	more    []string // nodes
}

func (w *world) Apply(_ context.Context, e *pb.Entry) (quorum.Result, error) {
	w.index++
	e = proto.CloneOf(e)
	e.Version, e.AtUnixMs, e.Request = ledger.Version, w.now.UnixMilli(), fmt.Appendf(nil, "%016d", w.index)
	raw, err := proto.Marshal(e)
	if err != nil {
		w.Fatal(err)
	}
	o, err := w.ledger.Apply(w.index, raw)
	if err != nil {
		w.Fatal(err)
	}
	return quorum.Result{Verdict: o.Verdict, Number: o.Number, Index: w.index}, nil
}

func (w *world) Read(context.Context) (*ledger.State, error) { return w.ledger.View(), nil }
func (w *world) State() *ledger.State                        { return w.ledger.View() }
func (w *world) Changed() <-chan struct{}                    { return nil }
func (w *world) Leads() bool                                 { return true }

// newWorld has two origins and two edges in each of yul and par, and the stream talk.
func newWorld(t *testing.T) *world {
	w := &world{
		T: t, ledger: ledger.New(), now: time.UnixMilli(1_800_000_000_000), fleet: node.NewFleet(),
		records: node.NewRecords(agent.Record("talk", "key")), streams: map[string][]*pb.StreamFacts{}, down: map[string]bool{},
	}
	for i, n := range w.names() {
		w.put(&pb.Entry{Body: &pb.Entry_PutNode{PutNode: &pb.PutNode{Node: n, Role: roleOf(n), Region: regionOf(n), Key: fmt.Appendf(nil, "%032d", i)}}})
	}
	clock := func() time.Time { return w.now }
	w.l = New(Deps{
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Quorum: w, Records: w.records, Fleet: w.fleet,
		Roster: roster.New(w, clock), Keys: func() bool { return true }, Box: keys.Make().Box("ledger"), Now: clock,
	})
	return w
}

func (w *world) names() []string {
	return append([]string{"origin-yul", "origin-par", "edge-yul-1", "edge-yul-2", "edge-par-1", "edge-par-2"}, w.more...)
}

func roleOf(name string) string {
	if name[0] == 'o' {
		return "origin"
	}
	return "edge"
}

func regionOf(name string) string {
	for _, r := range []string{"yul", "par", "sin"} {
		if len(name) > 7 && (name[len(name)-3:] == r || name[5:8] == r) {
			return r
		}
	}
	return ""
}

func (w *world) put(e *pb.Entry) {
	w.Helper()
	o, err := w.Apply(w.Context(), e)
	if err != nil || o.Err() != nil {
		w.Fatalf("%v: %v, %v", e, err, o.Err())
	}
}

// round lets a second pass, in which all nodes that are up say what they carry, and has the lead decide.
func (w *world) round() {
	w.Helper()
	w.now = w.now.Add(time.Second)
	for _, n := range w.names() {
		if w.down[n] {
			continue
		}
		at, _ := geo.Region(regionOf(n))
		w.fleet.Hear(node.Node{Name: n, Role: roleOf(n), Region: regionOf(n), At: &at, Heard: w.now, Facts: &pb.NodeFacts{Streams: w.streams[n], CapacityMbps: 1000}})
	}
	w.l.round(w.Context())
	s := w.State()
	w.records.Place(s.Placements, s.Trees)
}

func (w *world) placement() *pb.Placement { return w.State().Placements["talk"] }

func (w *world) admin(n string, s pb.AdminState) {
	w.Helper()
	w.put(&pb.Entry{Body: &pb.Entry_SetAdmin{SetAdmin: &pb.SetAdmin{Node: n, State: s}}})
}

// A stream has an origin and a standby from the first round on; until then nobody may publish it.
func TestPlaces(t *testing.T) {
	w := newWorld(t)
	w.records.Place(nil, nil)
	if r, _ := w.records.Get("talk"); r.State != pb.StreamState_STREAM_STATE_WAITING {
		t.Errorf("before: %v, want waiting", r.State)
	}
	w.l.round(t.Context())
	if w.placement() != nil {
		t.Errorf("placed at %v while nobody was heard", w.placement())
	}
	w.round()
	first := w.placement()
	if first == nil || first.Origin == "" || first.Standby == "" || first.Origin == first.Standby || first.Epoch != 1 {
		t.Fatalf("placed: %v", first)
	}
	r, _ := w.records.Get("talk")
	if r.State != pb.StreamState_STREAM_STATE_READY || r.Origin != first.Origin || r.Standby != first.Standby || r.Epoch != 1 {
		t.Errorf("told: %v", r)
	}
	index := w.index
	for range 3 {
		w.round()
	}
	if w.index != index {
		t.Errorf("%d entries more though nothing has changed", w.index-index)
	}
	w.records.Remove("talk")
	w.round()
	if w.placement() != nil {
		t.Error("a stream that is over keeps its origin")
	}
	w.records.Set(agent.Record("talk", "key"))
	w.round()
	if again := w.placement(); again == nil || again.Epoch <= first.Epoch {
		t.Errorf("placed again as %v, want a higher epoch than %d", again, first.Epoch)
	}
}

// The standby follows an origin that is silent for longer than facts count, or drained; one that stutters keeps its streams.
func TestOriginGoes(t *testing.T) {
	for _, how := range []string{"dies", "is drained", "stutters", "is cordoned"} {
		w := newWorld(t)
		w.round()
		was := w.placement()
		rounds := 7
		switch how {
		case "dies":
			w.down[was.Origin] = true
		case "stutters":
			w.down[was.Origin], rounds = true, 4
		case "is drained":
			w.admin(was.Origin, pb.AdminState_ADMIN_STATE_DRAINING)
		case "is cordoned":
			w.admin(was.Origin, pb.AdminState_ADMIN_STATE_CORDONED)
		}
		for range rounds {
			w.round()
		}
		is := w.placement()
		if moved := is.Origin == was.Standby && is.Epoch == was.Epoch+1; moved != (how == "dies" || how == "is drained") {
			t.Errorf("an origin %s: %v, then %v", how, was, is)
		}
		if how == "is drained" {
			w.admin(was.Origin, pb.AdminState_ADMIN_STATE_IN)
			w.round()
			if back := w.placement(); back.Origin != is.Origin || back.Standby != was.Origin {
				t.Errorf("taken back: %v, want it as the standby", back)
			}
		}
	}
}

// A stream that somebody takes from its standby goes there, once in a while; its origin stands by then.
func TestOvertaken(t *testing.T) {
	w := newWorld(t)
	w.round()
	takes := func(from string, number uint64) {
		w.streams["edge-par-1"] = []*pb.StreamFacts{{Id: "talk", Live: true, Hops: 1, Upstream: from, Epoch: stream.Epoch(number, 5)}}
		w.round()
	}
	was := w.placement()
	for _, n := range []string{was.Origin, was.Standby} { // two publishers
		w.streams[n] = []*pb.StreamFacts{{Id: "talk", Live: true, Epoch: stream.Epoch(was.Epoch+1, 5)}}
	}
	w.now = w.now.Add(overtakeRest)
	takes(was.Origin, was.Epoch)
	if is := w.placement(); !proto.Equal(is, was) {
		t.Fatalf("%v though all take it from its origin", is)
	}
	takes(was.Standby, was.Epoch+1)
	is := w.placement()
	if is.Origin != was.Standby || is.Standby != was.Origin || is.Epoch != was.Epoch+1 {
		t.Fatalf("taken from the standby: %v after %v", is, was)
	}
	takes(is.Standby, is.Epoch+1)
	if again := w.placement(); !proto.Equal(again, is) {
		t.Errorf("%v, a second after %v", again, is)
	}
	w.now = w.now.Add(overtakeRest - 2*time.Second)
	takes(is.Standby, is.Epoch+1)
	if again := w.placement(); again.Origin != is.Standby {
		t.Errorf("%v after a while, and taken from the standby", again)
	}
}

// Where the publisher of the origin is gone and the standby has one, that becomes the origin; not where nothing is heard of
// the origin, which may be cut off from control alone.
func TestStandbyAlone(t *testing.T) {
	for _, how := range []string{"none", "both", "alone", "unheard"} {
		w := newWorld(t)
		w.round()
		was := w.placement()
		w.now = w.now.Add(moveRest)
		w.round()
		sends := []*pb.StreamFacts{{Id: "talk", Live: true, Epoch: stream.Epoch(was.Epoch+1, 5)}}
		if how != "none" {
			w.streams[was.Standby] = sends
		}
		switch how {
		case "both":
			w.streams[was.Origin] = sends
		case "unheard":
			w.down[was.Origin] = true
			w.now = w.now.Add(node.Lately)
		}
		w.round()
		is := w.placement()
		if moved := is.Origin == was.Standby && is.Standby == was.Origin; moved != (how == "alone") {
			t.Errorf("%s: %v after %v", how, is, was)
		}
	}
}

// A publisher that reaches nobody has its stream moved, once in a while, and only from where it is.
func TestMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.round()
		was, _ := w.records.Get("talk")
		begun := time.Now()
		moved, err := w.l.Move(t.Context(), was)
		if err != nil || moved.Origin != was.Standby || moved.Epoch != was.Epoch+1 {
			t.Fatalf("%v, %v", moved, err)
		}
		if d := time.Since(begun); d != moveRest {
			t.Errorf("as soon as it was placed, it is moved after %s, want %s", d, moveRest)
		}
		w.now = w.now.Add(moveRest)
		again, err := w.l.Move(t.Context(), was)
		if err != nil || again.Origin != moved.Origin || again.Epoch != moved.Epoch {
			t.Errorf("by what was before: %v, %v; want where it is now", again, err)
		}
		if d := time.Since(begun); d != moveRest {
			t.Errorf("that took %s", d-moveRest)
		}
		back, err := w.l.Move(t.Context(), moved)
		if err != nil || back.Origin != was.Origin || time.Since(begun) != moveRest {
			t.Errorf("a while later: %v, %v, after %s", back, err, time.Since(begun)-moveRest)
		}
		cut, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.l.Move(cut, back); !errors.Is(err, context.Canceled) {
			t.Errorf("for a publisher that has gone: %v", err)
		}
		w.records.Remove("talk")
		w.round()
		if _, err := w.l.Move(t.Context(), was); err == nil {
			t.Error("a stream that is over was moved")
		}
	})
}

// One node of another region takes a stream there; the others take it from that. Who goes leaves its own to the others.
func TestTrees(t *testing.T) {
	w := newWorld(t)
	w.round()
	origin := w.placement().Origin
	w.streams[origin] = []*pb.StreamFacts{{Id: "talk", Live: true, LayerKbps: []uint32{500, 2000}}}
	for _, e := range w.names()[2:] {
		w.streams[e] = []*pb.StreamFacts{{Id: "talk", Live: true, Hops: 1, Viewers: 10, Upstream: origin}}
	}
	w.round()
	hubs := func() map[string]string {
		all := map[string]string{}
		for _, h := range w.State().Trees["talk"].GetHubs() {
			if regionOf(h.Node) != regionOf(origin) {
				all[h.Node] = h.Parent
			}
		}
		return all
	}
	first := hubs()
	if len(first) != 1 {
		t.Fatalf("hubs of the other region: %v, want one", first)
	}
	if r, _ := w.records.Get("talk"); len(r.Hubs) == 0 {
		t.Error("nodes are not told the tree")
	}
	version := w.State().Trees["talk"].Version
	w.round()
	if again := w.State().Trees["talk"].Version; again != version {
		t.Errorf("another tree (version %d) though nothing has changed", again)
	}
	for hub := range first {
		w.down[hub] = true
	}
	for range 7 {
		w.round()
	}
	for hub := range hubs() {
		if _, same := first[hub]; same {
			t.Errorf("%s is down, and still the hub", hub)
		}
	}
}
