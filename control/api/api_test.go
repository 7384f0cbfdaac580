package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/agent"
	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/guest"
	"freshet/control/hook"
	"freshet/control/keys"
	"freshet/control/live"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/node"
	"freshet/control/pass"
	"freshet/control/store"
	"freshet/control/store/storetest"
	"freshet/control/why"
	pb "freshet/proto"
	"freshet/proto/problem"
	tickets "freshet/proto/token"
)

// newAPI returns an API with a database of its own.
var secrets = keys.Make()

func newAPI(t *testing.T, records *node.Records, fleet *node.Fleet) *API {
	t.Helper()
	db, log, reg := storetest.New(t).DB, slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	board, queue := event.NewBoard(log, db, records), mail.NewQueue()
	return New(Config{Version: "1", Pages: "https://webcasts.example"}, Deps{
		Log: log, Metrics: reg, Records: records, Fleet: fleet, Why: why.New(), Live: live.New(live.Config{}, log, db, reg),
		Board: board, Door: door.New(door.Deps{
			Log: log, Metrics: reg, Store: db, Board: board, Revoked: records, Hasher: newHasher(), Keys: secrets, Now: time.Now,
		}), Store: db, Mail: queue, Mailer: newMailer(db, queue, time.Now), Hasher: newHasher(), Now: time.Now,
		Hooks: hook.NewQueue(), Reach: hook.NewReach(false, reg), Signer: hook.NewSigner(nil),
	})
}

// newMailer returns one whose passes all tests can make.
func newMailer(db *store.DB, queue *mail.Queue, now func() time.Time) *guest.Mailer {
	key := bytes.Repeat([]byte{7}, 32)
	return guest.NewMailer(guest.Mailer{Log: slog.New(slog.DiscardHandler), Store: db, Now: now, Letters: &guest.Letters{
		Mail: queue, Passes: pass.New(key), Stops: pass.NewStop(key), Pages: "https://webcasts.example", From: "webcasts@example.org",
	}})
}

// newHasher returns one that takes no time.
func newHasher() *login.Hasher { return login.NewHasher(login.Cost{Passes: 1, Memory: 64, Lanes: 1}) }

// small returns an API over two streams, an origin on which one is live, and n edges.
func small(t *testing.T, n int) *API {
	closed := agent.Record("closed", "key")
	closed.State = pb.StreamState_STREAM_STATE_CLOSED
	records := node.NewRecords(agent.Record("sample", "secret-key"), agent.Record("quiet", "secret-key"), closed)
	fleet := node.NewFleet()
	if n > 0 {
		fleet.Hear(node.Node{Name: "origin-1", Role: "origin", Region: "yul", Heard: time.Now(), Facts: &pb.NodeFacts{
			Whip: "http://o/whip",
			Streams: []*pb.StreamFacts{{Id: "sample", Live: true, Flows: []*pb.FlowFacts{
				{Track: "video", Rid: "h", Codec: "H264", Width: 640, Height: 360, BitrateBps: 500_000},
			}}},
		}})
	}
	for i := range n {
		name := "edge-" + string(rune('1'+i))
		fleet.Hear(node.Node{Name: name, Role: "edge", Region: []string{"yul", "par", "sin"}[i%3], Heard: time.Now(), Facts: &pb.NodeFacts{
			Whep: "http://" + name + "/whep", Viewers: 2,
			Streams: []*pb.StreamFacts{{Id: "sample", Live: true, Viewers: 2, Upstream: "origin-1", Hops: 1}},
		}})
	}
	return newAPI(t, records, fleet)
}

func ask(a http.Handler, method, path, body string) *httptest.ResponseRecorder {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	q := httptest.NewRequest(method, path, r)
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, q)
	return w
}

func read[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return v
}

func TestStreams(t *testing.T) {
	a := small(t, 2)
	all := read[[]Stream](t, ask(a, "GET", "/api/v1/streams", ""))
	if len(all) != 3 || all[0].State != "closed" || all[1].Live || !all[2].Live {
		t.Errorf("streams: %+v", all)
	}
	live := read[[]Stream](t, ask(a, "GET", "/api/v1/streams?live=true", ""))
	want := Stream{
		ID: "sample", Event: "sample", State: "ready", Live: true, Viewers: 4,
		Origin: &Origin{"origin-1", "yul", "http://o/whip"},
		Tracks: []Track{{"video", "h", "H264", 640, 360, 500_000}},
		Edges:  []Serves{{"edge-1", "yul", 2, "origin-1", 1}, {"edge-2", "par", 2, "origin-1", 1}},
	}
	if d := cmp.Diff([]Stream{want}, live); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, read[Stream](t, ask(a, "GET", "/api/v1/streams/sample", ""))); d != "" {
		t.Error(d)
	}
	if s := read[[]Stream](t, ask(small(t, 0), "GET", "/api/v1/streams", "")); len(s) != 3 || s[2].Origin != nil || s[2].Live {
		t.Errorf("without nodes: %+v", s)
	}
}

// A stream whose origin fell silent while edges are heard is not live; where all are silent, control may be cut off.
func TestSilentOrigin(t *testing.T) {
	for name, c := range map[string]struct {
		edge time.Duration
		want bool
	}{"origin alone": {0, false}, "everybody": {time.Minute, true}} {
		a := small(t, 1)
		old := time.Now().Add(-time.Minute)
		for _, role := range []string{"origin", "edge"} {
			for _, n := range a.d.Fleet.Nodes(role, time.Now()) {
				if n.Heard = old; role == "edge" {
					n.Heard = time.Now().Add(-c.edge)
				}
				a.d.Fleet.Hear(n)
			}
		}
		if got := read[Stream](t, ask(a, "GET", "/api/v1/streams/sample", "")); got.Live != c.want {
			t.Errorf("%s silent: live %v, want %v", name, got.Live, c.want)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, body := range []string{"", "{}", `{"region":"par"}`} {
		w := ask(small(t, 5), "POST", "/api/v1/events/sample/join", body)
		j := read[Join](t, w)
		if id, err := uuid.Parse(j.Session); err != nil || id.Version() != 7 {
			t.Errorf("session %q: %v, want a version 7 UUID", j.Session, err)
		}
		if j.Token == "" || j.Expires.Before(time.Now()) || len(j.Streams) != 1 || j.Streams[0].ID != "sample" || len(j.Edges) != 3 {
			t.Errorf("join with %q: %s", body, w.Body)
		}
		if strings.Contains(body, "par") && j.Edges[0].Region != "par" {
			t.Errorf("from par: sent to %+v first", j.Edges[0])
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("Access-Control-Allow-Origin is %q, want *", got)
		}
	}
}

func TestRedirect(t *testing.T) {
	a := small(t, 1)
	w := publish(a, "/whip/sample?from=obs&x=%2F", "Bearer secret-key")
	const want = "http://o/whip/sample?from=obs&x=%2F&ticket="
	to, ok := strings.CutPrefix(w.Header().Get("Location"), want)
	if w.Code != 307 || !ok {
		t.Fatalf("got %d to %q, want 307 to %q…", w.Code, w.Header().Get("Location"), want)
	}
	ticket, err := tickets.CheckTicket(secrets.Tokens(), to, time.Now())
	if err != nil || ticket.Node != "origin-1" || ticket.Stream != "sample" {
		t.Errorf("the ticket is %+v, %v", ticket, err)
	}
	if secret := w.Header().Get("Location"); strings.Contains(secret, "secret-key") {
		t.Errorf("the key is in %q", secret)
	}
	w = ask(small(t, 1), "OPTIONS", "/whip/sample", "")
	if w.Code != 204 || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
}

// A second publisher is sent to the standby, as long as that is heard; its ticket tells nobody that it is the origin.
func TestRedirectBackup(t *testing.T) {
	a := small(t, 1)
	standby := node.Node{Name: "origin-2", Role: "origin", Region: "par", Heard: time.Now(), Facts: &pb.NodeFacts{Whip: "http://o2/whip"}}
	a.d.Fleet.Hear(standby)
	a.d.Move = func(context.Context, *pb.StreamRecord) (*pb.StreamRecord, error) { return nil, errors.New("nowhere") }
	a.d.Records.Place(map[string]*pb.Placement{"sample": {Stream: "sample", Origin: "origin-1", Standby: "origin-2", Epoch: 7}}, nil)
	for path, want := range map[string]struct {
		to     string
		number uint64
	}{
		"/whip/sample":                         {"http://o/whip/sample?ticket=", 7},
		"/whip/sample?backup=0":                {"http://o/whip/sample?backup=0&ticket=", 7},
		"/whip/sample?backup=1":                {"http://o2/whip/sample?backup=1&ticket=", 0},
		"/whip/sample?x=1&backup=1":            {"http://o2/whip/sample?x=1&backup=1&ticket=", 0},
		"/whip/sample?backup=1&lost=o2":        {"http://o/whip/sample?backup=1&ticket=", 7},
		"/whip/sample?backup=1&lost=o2%3A8080": {"http://o2/whip/sample?backup=1&ticket=", 0},
	} {
		w := publish(a, path, "Bearer secret-key")
		text, ok := strings.CutPrefix(w.Header().Get("Location"), want.to)
		if !ok {
			t.Errorf("%s: %d to %q, want %s…", path, w.Code, w.Header().Get("Location"), want.to)
			continue
		}
		if ticket, err := tickets.CheckTicket(secrets.Tokens(), text, time.Now()); err != nil || ticket.Placement != want.number {
			t.Errorf("%s: ticket %+v, %v; want placement %d", path, ticket, err, want.number)
		}
	}
	standby.Heard = time.Now().Add(-node.Lately - time.Second)
	a.d.Fleet = node.NewFleet()
	small := node.Node{Name: "origin-1", Role: "origin", Region: "yul", Heard: time.Now(), Facts: &pb.NodeFacts{Whip: "http://o/whip"}}
	a.d.Fleet.Hear(small)
	a.d.Fleet.Hear(standby)
	if to := publish(a, "/whip/sample?backup=1", "Bearer secret-key").Header().Get("Location"); !strings.HasPrefix(to, "http://o/whip/") {
		t.Errorf("while the standby is silent: %q", to)
	}
}

// A publisher whose stream is not placed yet waits for that, as long as placedWithin and no longer.
func TestRedirectWaits(t *testing.T) {
	for after, want := range map[time.Duration]int{0: 307, placedWithin - time.Millisecond: 307, placedWithin + time.Millisecond: 503} {
		synctest.Test(t, func(t *testing.T) {
			a := small(t, 1)
			a.d.Records.Place(nil, nil)
			time.AfterFunc(after, func() {
				a.d.Records.Set(agent.Record("another", "key")) // something else changes first
				a.d.Records.Place(map[string]*pb.Placement{"sample": {Stream: "sample", Origin: "origin-1", Epoch: 1}}, nil)
			})
			begun := time.Now()
			w := publish(a, "/whip/sample", "Bearer secret-key")
			if took := time.Since(begun); w.Code != want || took != min(after, placedWithin) {
				t.Errorf("placed after %v: %d after %v, want %d", after, w.Code, took, want)
			}
		})
	}
}

// publish asks where to publish.
func publish(a http.Handler, path, authorization string) *httptest.ResponseRecorder {
	q := httptest.NewRequest("POST", path, strings.NewReader("v=0"))
	q.Header.Set("Content-Type", "application/sdp")
	if authorization != "" {
		q.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, q)
	return w
}

func TestRedirectRefuses(t *testing.T) {
	for _, row := range []struct {
		name, path, authorization string
		nodes, status             int
		kind                      string
	}{
		{"no key", "/whip/sample", "", 1, 401, "key-missing"},
		{"another scheme", "/whip/sample", "Basic secret-key", 1, 401, "key-missing"},
		{"an empty key", "/whip/sample", "Bearer ", 1, 401, "key-missing"},
		{"a wrong key", "/whip/sample", "Bearer secret-keys", 1, 401, "key-wrong"},
		{"a closed stream", "/whip/closed", "Bearer key", 1, 403, "stream-closed"},
		{"no origin", "/whip/sample", "Bearer secret-key", 0, 503, "unavailable"},
	} {
		w := publish(small(t, row.nodes), row.path, row.authorization)
		p := problem.Problem{}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != row.status || p.Type != "/problems/"+row.kind {
			t.Errorf("%s: %d %s, %v", row.name, w.Code, w.Body, err)
		}
		if w.Code == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", row.name)
		}
	}
}

// TestBadInput holds what wrong requests get: a problem that names what is wrong, and never says it back.
func TestBadInput(t *testing.T) {
	long := strings.Repeat("a", 65)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		kind, pointer            string
		nodes                    int
	}{
		{"unknown stream", "GET", "/api/v1/streams/other", "", 404, "stream-unknown", "", 1},
		{"bad id", "GET", "/api/v1/streams/UPPER", "", 422, "invalid", "/path/id", 1},
		{"long id", "GET", "/api/v1/streams/" + long, "", 422, "invalid", "/path/id", 1},
		{"bad flag", "GET", "/api/v1/streams?live=maybe", "", 422, "invalid", "/query/live", 1},
		{"unknown event", "POST", "/api/v1/events/other/join", "", 404, "event-unknown", "", 1},
		{"closed event", "POST", "/api/v1/events/closed/join", "", 404, "event-unknown", "", 1},
		{"bad slug", "POST", "/api/v1/events/a..b/join", "", 422, "invalid", "/path/slug", 1},
		{"no edge", "POST", "/api/v1/events/sample/join", "", 503, "unavailable", "", 0},
		{"not JSON", "POST", "/api/v1/events/sample/join", `{"region":`, 400, "bad-request", "", 1},
		{"trailing data", "POST", "/api/v1/events/sample/join", `{} {}`, 400, "bad-request", "", 1},
		{"key twice", "POST", "/api/v1/events/sample/join", `{"region":"yul","region":"par"}`, 400, "bad-request", "/region", 1},
		{"key twice, below", "POST", "/api/v1/events/sample/join", `{"a":[{},{"b":1,"b":2}]}`, 400, "bad-request", "/a/1/b", 1},
		{"too deep", "POST", "/api/v1/events/sample/join", strings.Repeat("[", 17) + strings.Repeat("]", 17), 400, "bad-request",
			strings.Repeat("/0", 16), 1},
		{"unknown field", "POST", "/api/v1/events/sample/join", `{"hunter2":1}`, 400, "bad-request", "/hunter2", 1},
		{"wrong type", "POST", "/api/v1/events/sample/join", `{"region":["hunter2"]}`, 422, "invalid", "/region", 1},
		{"long field", "POST", "/api/v1/events/sample/join", `{"region":"hunter2` + long + `"}`, 422, "invalid", "/region", 1},
		{"too large", "POST", "/api/v1/events/sample/join", `{"region":"` + strings.Repeat("a", 257<<10) + `"}`, 413, "too-large", "", 1},
		{"wrong method", "DELETE", "/api/v1/streams", "", 405, "method-not-allowed", "", 1},
		{"wrong method on join", "GET", "/api/v1/events/sample/join", "", 405, "method-not-allowed", "", 1},
		{"nothing there", "GET", "/api/v1/nothing", "", 404, "not-found", "", 1},
		{"whip: unknown stream", "POST", "/whip/other", "v=0", 404, "stream-unknown", "", 1},
		{"whip: no stream", "POST", "/whip/", "v=0", 404, "stream-unknown", "", 1},
		{"whip: path tricks", "POST", "/whip/sample/..%2f..", "v=0", 404, "stream-unknown", "", 1},
		{"whip: no key", "POST", "/whip/sample", "v=0", 401, "key-missing", "", 1},
		{"whip: wrong method", "GET", "/whip/sample", "", 405, "method-not-allowed", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(small(t, c.nodes), c.method, c.path, c.body)
			var p problem.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%d, no problem: %v: %s", w.Code, err, w.Body)
			}
			if w.Code != c.status || p.Status != c.status || p.Type != "/problems/"+c.kind {
				t.Errorf("got %d %s (body says %d), want %d %s", w.Code, p.Type, p.Status, c.status, c.kind)
			}
			if ct := w.Header().Get("Content-Type"); ct != problem.ContentType {
				t.Errorf("Content-Type is %q", ct)
			}
			if c.pointer != "" && (len(p.Errors) == 0 || p.Errors[0].Pointer != c.pointer) {
				t.Errorf("errors %+v, want one at %s", p.Errors, c.pointer)
			}
			if c.pointer != "/hunter2" && strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "$schema") {
				t.Errorf("says back what was sent: %s", w.Body)
			}
			switch {
			case c.status == 405 && w.Header().Get("Allow") == "":
				t.Error("405 without Allow")
			case c.status == 503 && w.Header().Get("Retry-After") == "":
				t.Error("503 without Retry-After")
			}
		})
	}
}

// TestOpenAPI holds the committed document, of which the pages' client is made, to the routes.
func TestOpenAPI(t *testing.T) {
	got, err := newAPI(t, node.NewRecords(), node.NewFleet()).OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	const file = "openapi.yaml"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is stale (UPDATE=1 go test ./control/api writes it):\n%s", file, d)
	}
	if w := ask(small(t, 1), "GET", "/api/v1/openapi.json", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "/api/v1/streams") {
		t.Errorf("served document: %d %.100s", w.Code, w.Body)
	}
}
