package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/bench/testmesh"
	"freshet/cluster/agent"
	"freshet/cluster/identity"
	"freshet/control"
	"freshet/control/keys"
	"freshet/control/store"
	"freshet/control/store/storetest"
	pb "freshet/proto"
)

// A site is a database, and the control nodes and agents that a test starts with it.
type site struct {
	*testing.T
	ca   *identity.CA
	db   *storetest.DB
	keys *keys.Keys
}

func (s *site) issue(node, role string) *identity.Identity {
	s.Helper()
	id, err := s.ca.Issue(node, role)
	if err != nil {
		s.Fatal(err)
	}
	return id
}

// running runs what it is given until the test ends or stop is called.
func (s *site) running(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			s.Errorf("run: %v", err)
		}
	}
	s.Cleanup(stop)
	return stop
}

func (s *site) control(node, agents string) (c *control.Control, stop func()) {
	s.Helper()
	c, err := control.New(
		control.Config{Node: node, Version: "1", Agents: agents, Pages: "http://127.0.0.1:8080"},
		control.Deps{
			Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Identity: s.issue(node, "control"), Store: s.db.DB, Keys: s.keys,
		})
	if err != nil {
		s.Fatal(err)
	}
	return c, s.running(c.Run)
}

// A client keeps its cookies.
type client struct {
	*site
	http *http.Client
	at   string
}

func (s *site) client(c *control.Control) client {
	server := httptest.NewServer(c.Handler())
	s.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	return client{s, &http.Client{Jar: jar, Timeout: 10 * time.Second}, server.URL + "/api/v1"}
}

func (c client) post(path string, body any) map[string]any {
	c.Helper()
	return c.send(http.MethodPost, path, body)
}

func (c client) patch(path string, body any) map[string]any {
	c.Helper()
	return c.send(http.MethodPatch, path, body)
}

func (c client) send(method, path string, body any) map[string]any {
	c.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.Fatal(err)
	}
	q, err := http.NewRequestWithContext(c.Context(), method, c.at+path, bytes.NewReader(b))
	if err != nil {
		c.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("If-Match", "*")
	answer, err := c.http.Do(q)
	if err != nil {
		c.Fatal(err)
	}
	defer answer.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil || answer.StatusCode/100 != 2 {
		c.Fatalf("%s: %s %v %v", path, answer.Status, out, err)
	}
	return out
}

type object = map[string]any

// agent returns what a node knows that hears the control node at an address.
func (s *site) agent(address string) *agent.State {
	s.Helper()
	state := agent.NewState()
	a, err := agent.New(
		agent.Config{Node: "origin-1", Role: "origin", Region: "yul", Control: []string{address}},
		agent.Deps{
			Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Identity: s.issue("origin-1", "origin"),
			State: state, Facts: func(time.Time) *pb.NodeFacts { return &pb.NodeFacts{} },
			Changed: func() <-chan struct{} { return nil },
		})
	if err != nil {
		s.Fatal(err)
	}
	s.running(a.Run)
	return state
}

// A token that one control node gives is good at a node that hears another one, and is refused there within 2 s of what
// ends it: another rule of the event, or that its session is revoked.
func TestTokensReachNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ca, err := identity.OpenCA(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := &site{t, ca, db, keys.Make()}
		one, _ := s.control("control-1", "127.0.0.1:0")
		two, _ := s.control("control-2", "127.0.0.1:0")
		state := s.agent(two.Agents().String())
		c := s.client(one)
		c.post("/setup", object{"account": "A", "name": "Ana", "email": "ana@example.org", "password": "correct horse battery"})
		e := c.post("/events", object{"title": "Launch", "startsAt": time.Now(), "access": "password", "password": "open sesame"})
		at, door := "/events/"+e["id"].(string), "/events/"+e["slug"].(string)
		id := c.post(at+"/streams", object{"name": "Floor"})["id"].(string)
		enter := func() (token, session string) {
			in := c.post(door+"/enter", object{"name": "Zoé", "email": "zoe@example.org", "password": "open sesame"})
			return in["token"].(string), in["session"].(string)
		}
		early, _ := enter()
		c.post(at+"/start", object{})
		late, session := enter()
		good := func(token string) bool { _, err := state.CheckViewer(id, token, time.Now()); return err == nil }
		testmesh.Until(t, "live", 10*time.Second, func() bool { return good(early) && good(late) })
		if good("") {
			t.Error("no token is asked for")
		}
		began := time.Now()
		if _, err := store.Exec(t.Context(), db, store.Load(os.DirFS("testdata")).Get("revoke"), store.Args{"id": uuid.MustParse(session), "until": store.Moment(began.Add(time.Hour))}); err != nil {
			t.Fatal(err)
		}
		testmesh.Until(t, "a revoked session", 2*time.Second, func() bool { return !good(late) })
		t.Logf("revoked after %s", time.Since(began).Round(time.Millisecond))
		if !good(early) {
			t.Error("another session is refused, too")
		}
		began = time.Now()
		c.patch(at, object{"access": "token"})
		testmesh.Until(t, "another rule", 2*time.Second, func() bool { return !good(early) })
		t.Logf("of another epoch after %s", time.Since(began).Round(time.Millisecond))
	})
}

// What a control node changes of an event holds on the nodes of another one within 2 s, and a control node that comes
// back never tells its nodes that there is nothing on.
func TestEventsReachNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ca, err := identity.OpenCA(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := &site{t, ca, db, keys.Make()}
		one, _ := s.control("control-1", "127.0.0.1:0")
		two, stopTwo := s.control("control-2", "127.0.0.1:0")
		address := two.Agents().String()
		state := s.agent(address)

		c := s.client(one)
		c.post("/setup", object{"account": "A", "name": "Ana", "email": "ana@example.org", "password": "correct horse battery"})
		event := "/events/" + c.post("/events", object{"title": "Launch", "startsAt": time.Now().Add(time.Hour)})["id"].(string)
		stream := c.post(event+"/streams", object{"name": "Floor"})
		id, key := stream["id"].(string), stream["key"].(string)
		holds := func(what string, most time.Duration, ok func() bool) {
			t.Helper()
			began := time.Now()
			testmesh.Until(t, what, most, ok)
			t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond))
		}
		watched := func() bool { _, err := state.CheckViewer(id, "", time.Now()); return err == nil }
		takes := func(key string) bool { return state.CheckKey(id, key) == nil }
		holds("a snapshot", 10*time.Second, state.Known)
		if takes(key) {
			t.Error("a publisher may come before there is anything to prepare")
		}
		c.post(event+"/prepare", object{})
		holds("in preparation", 2*time.Second, func() bool { return takes(key) && !watched() })
		c.post(event+"/start", object{})
		holds("live", 2*time.Second, func() bool { return takes(key) && watched() })
		newer := c.post(event+"/streams/"+id+"/key", object{})["key"].(string)
		holds("a new key", 2*time.Second, func() bool { return !takes(key) && takes(newer) })

		stopTwo()
		s.control("control-2", address)
		// The agent comes back within a second, with jitter: for two, what it knew holds at every look.
		looks := time.Tick(time.Millisecond)
		for back := time.Now(); time.Since(back) < 2*time.Second; <-looks {
			if !takes(newer) {
				t.Fatal("a control node that came back knew of no stream")
			}
		}
		c.post(event+"/end", object{})
		holds("ended", 4*time.Second, func() bool { return !takes(newer) && !watched() })
	})
}
