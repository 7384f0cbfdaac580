package api

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/agent"
	"freshet/control/door"
	"freshet/control/permit"
	"freshet/control/store/storetest"
	"freshet/proto/problem"
)

// A hall is an event with one stream, on its way to be live.
type hall struct {
	*office
	owner            *browser
	at, slug, stream string
	id               uuid.UUID
}

// opened returns an event with fields that is live.
func opened(o *office, owner *browser, fields object) hall {
	o.t.Helper()
	at, e := o.plan(owner, fields)
	s := owner.does("POST", at+"/streams", object{"name": "Floor"})
	owner.does("POST", at+"/start", nil)
	return hall{o, owner, at, "/events/" + e["slug"].(string), s["id"].(string), uuid.MustParse(e["id"].(string))}
}

// invited puts somebody on the list of the event, whose pass is pass.
func (h hall) invited(pass string) {
	h.guests[pass] = door.Guest{ID: uuid.New(), Event: h.id, Name: "Gil", Email: "gil@example.org", Language: "fr"}
}

// with is a browser that sends a bearer.
func (o *office) with(bearer any) *browser {
	b := o.browser()
	b.key, _ = bearer.(string)
	return b
}

// watches returns the session of the token that an edge would let in, which hears what control says now; else the problem.
func (h hall) watches(bearer any) string {
	h.t.Helper()
	m, _ := h.records.Since(0)
	b, err := proto.Marshal(m.GetSnapshot())
	if err != nil {
		h.t.Fatal(err)
	}
	file := filepath.Join(h.t.TempDir(), "edge.state")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		h.t.Fatal(err)
	}
	state := agent.NewState()
	_, err = agent.New(agent.Config{Control: []string{"127.0.0.1:1"}, Cache: file},
		agent.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), State: state})
	if err != nil {
		h.t.Fatal(err)
	}
	text, _ := bearer.(string)
	session, err := state.CheckViewer(h.stream, text, h.now())
	if err != nil {
		return err.Error()
	}
	return session
}

var somebody = object{"name": "Zoé", "email": "Zoe@example.org"}

func and(body object, more ...any) object {
	all := object{}
	for k, v := range body {
		all[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i].(string)] = more[i+1]
	}
	return all
}

// Whoever has what an event's rule asks for comes in, and what they get there is good for joining, at edges, and for
// another token each time, for as long as they stay.
func TestEnterByEveryRule(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hear(o)
		for _, row := range []struct {
			rule      string
			body      object
			way, name string
		}{
			{"open", somebody, "open", "Zoé"},
			{"open", object{"pass": "gil"}, "pass", "Gil"},
			{"password", and(somebody, "password", "open sesame"), "password", "Zoé"},
			{"password", object{"pass": "gil"}, "pass", "Gil"},
			{"token", object{"pass": "gil"}, "pass", "Gil"},
			{"registration", object{"pass": "gil"}, "pass", "Gil"},
		} {
			h := opened(o, owner, object{"access": row.rule, "password": "open sesame"})
			h.invited("gil")
			got := o.browser().does("POST", h.slug+"/enter", row.body)
			session := got["session"].(string)
			if got["way"] != row.way || got["name"] != row.name || session == "" {
				t.Errorf("%s: %v", row.rule, got)
			}
			if row.rule == "open" {
				session = "" // edges ask nobody
			}
			bearer := got["token"]
			for range 14 { // more than two lives of a token
				if watched := h.watches(bearer); watched != session {
					t.Fatalf("%s: an edge takes %q, want %s", row.rule, watched, session)
				}
				o.pass(5 * time.Minute)
				joined := o.with(bearer).does("POST", h.slug+"/join", nil)
				if joined["session"] != got["session"] || joined["token"] == bearer || len(joined["streams"].([]any)) != 1 {
					t.Fatalf("%s: %v", row.rule, joined)
				}
				bearer = joined["token"]
			}
			again := o.with(bearer).does("POST", h.slug+"/enter", nil)
			if again["session"] != got["session"] || again["way"] != row.way || again["name"] != row.name {
				t.Errorf("%s: with a token: %v", row.rule, again)
			}
			expires, err := time.Parse(time.RFC3339, again["expires"].(string))
			if err != nil || !expires.Equal(o.now().Add(30*time.Minute)) {
				t.Errorf("expires %v %v", expires, err)
			}
			if row.rule == "open" {
				if o.browser().does("POST", h.slug+"/join", nil)["session"] == got["session"] {
					t.Error("somebody else has the same session")
				}
				o.pass(time.Hour)
				if o.with(bearer).does("POST", h.slug+"/join", nil)["session"] == got["session"] {
					t.Error("an expired token counts")
				}
				continue
			}
			if got := h.watches(""); !strings.Contains(got, "Token missing") {
				t.Errorf("%s: an edge takes anybody: %s", row.rule, got)
			}
			o.browser().fails(401, "token-missing", "POST", h.slug+"/join", nil)
			o.with("hunter2").fails(401, "token-wrong", "POST", h.slug+"/join", nil)
			o.with(strings.Repeat("a", 8<<10)).fails(401, "token-wrong", "POST", h.slug+"/join", nil)
			o.with(opened(o, owner, nil).enters(somebody)).fails(404, "event-unknown", "POST", h.slug+"/join", nil)
			o.pass(time.Hour)
			o.with(bearer).fails(401, "token-expired", "POST", h.slug+"/join", nil)
			if got := h.watches(bearer); !strings.Contains(got, "run out") {
				t.Errorf("%s: an edge takes an expired token: %s", row.rule, got)
			}
		}
	})
}

// enters returns the token of somebody who comes in.
func (h hall) enters(body object) string {
	h.t.Helper()
	return h.browser().does("POST", h.slug+"/enter", body)["token"].(string)
}

// What those get who do not come in.
func TestDoorBadInput(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	hear(o)
	guarded := opened(o, owner, object{"access": "password", "password": "open sesame"})
	personal := opened(o, owner, object{"access": "token"})
	registered := opened(o, owner, object{"access": "registration"})
	open := opened(o, owner, nil)
	planned, _ := o.plan(owner, nil)
	over := opened(o, owner, nil)
	owner.does("POST", over.at+"/end", nil)
	personal.invited("gil")
	for _, row := range []struct {
		name, slug string
		body       any
		status     int
		kind, at   string
	}{
		{"no such event", "/events/nothing-here", somebody, 404, "event-unknown", ""},
		{"by its id", planned, somebody, 404, "event-unknown", ""},
		{"over", over.slug, somebody, 404, "event-unknown", ""},
		{"no body", open.slug, nil, 422, "invalid", "/name"},
		{"no name", open.slug, object{"email": "a@b.example"}, 422, "invalid", "/name"},
		{"a name that nobody sees", open.slug, object{"name": "\u202e\u2066 \x00", "email": "a@b.example"}, 422, "invalid", "/name"},
		{"no address", open.slug, object{"name": "Zoé"}, 422, "invalid", "/email"},
		{"a wrong address", open.slug, object{"name": "Zoé", "email": "hunter2@"}, 422, "invalid", "/email"},
		{"a wrong language", open.slug, and(somebody, "language", "hunter2x!"), 422, "invalid", "/language"},
		{"a long name", open.slug, object{"name": strings.Repeat("é", 81), "email": "a@b.example"}, 422, "invalid", "/name"},
		{"a long password", guarded.slug, and(somebody, "password", strings.Repeat("é", 65)), 422, "invalid", "/password"},
		{"a long pass", personal.slug, object{"pass": strings.Repeat("a", 129)}, 422, "invalid", "/pass"},
		{"no password", guarded.slug, object{}, 401, "password-missing", ""},
		{"a wrong password", guarded.slug, and(somebody, "password", "hunter2"), 401, "password-wrong", ""},
		{"a right one without a name", guarded.slug, object{"password": "open sesame"}, 422, "invalid", "/name"},
		{"no pass", personal.slug, somebody, 401, "pass-missing", ""},
		{"no pass, registration", registered.slug, and(somebody, "password", "open sesame"), 401, "pass-missing", ""},
		{"a wrong pass", personal.slug, object{"pass": "hunter2"}, 401, "pass-wrong", ""},
		{"a pass of another event", registered.slug, object{"pass": "gil"}, 401, "pass-wrong", ""},
		{"a wrong pass where all may come", open.slug, and(somebody, "pass", "hunter2"), 401, "pass-wrong", ""},
		{"a wrong direct code", personal.slug, object{"direct": "hunter2"}, 401, "pass-missing", ""},
		{"here alone", personal.slug, object{"here": true}, 401, "pass-missing", ""},
		{"wrong type", open.slug, object{"here": "hunter2"}, 422, "invalid", "/here"},
	} {
		p := o.browser().fails(row.status, row.kind, "POST", row.slug+"/enter", row.body)
		if row.at != "" && !slices.ContainsFunc(p.Errors, func(f problem.Field) bool { return f.Pointer == row.at }) {
			t.Errorf("%s: %+v, want %s", row.name, p.Errors, row.at)
		}
		if strings.Contains(fmt.Sprint(p), "hunter2") {
			t.Errorf("%s: says back what was sent: %v", row.name, p)
		}
	}
	// Before it begins, in its lobby.
	early, e := o.plan(owner, object{"kind": "permanent"})
	lobby := "/events/" + e["slug"].(string)
	in := o.browser().does("POST", lobby+"/enter", object{"name": " Z\u202eo\x07é ", "email": "zoe@example.org", "language": "fr-ca"})
	if in["name"] != "Zoé" || in["way"] != "open" {
		t.Errorf("%v", in)
	}
	o.with(in["token"]).fails(404, "event-unknown", "POST", lobby+"/join", nil)
	o.pass(25 * time.Minute)
	in = o.with(in["token"]).does("POST", lobby+"/enter", nil)
	o.pass(25 * time.Minute)
	owner.does("POST", early+"/streams", object{"name": "Floor"})
	owner.does("POST", early+"/start", nil)
	if got := o.with(in["token"]).does("POST", lobby+"/join", nil); got["session"] != in["session"] {
		t.Errorf("%v, and in the lobby %v", got, in)
	}
	owner.does("POST", early+"/end", nil)
	o.browser().does("POST", lobby+"/enter", somebody) // a room has no end
}

// A pass is in use in one place.
func TestPassInUse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hear(o)
		h := opened(o, owner, object{"access": "token"})
		h.invited("gil")
		h.invited("ina")
		first := h.enters(object{"pass": "gil"})
		h.enters(object{"pass": "ina"})
		o.browser().fails(409, "pass-in-use", "POST", h.slug+"/enter", object{"pass": "gil"})
		second := h.enters(object{"pass": "gil", "here": true})
		if got := h.watches(first); !strings.Contains(got, "not accepted") {
			t.Errorf("an edge takes who was there before: %s", got)
		}
		o.with(first).fails(401, "token-wrong", "POST", h.slug+"/join", nil)
		o.with(first).fails(409, "pass-in-use", "POST", h.slug+"/enter", object{"pass": "gil"})
		// While it is renewed it is in use; ten minutes later it is not.
		for range 3 {
			o.pass(5 * time.Minute)
			second = o.with(second).does("POST", h.slug+"/join", nil)["token"].(string)
		}
		o.browser().fails(409, "pass-in-use", "POST", h.slug+"/enter", object{"pass": "gil"})
		o.pass(10 * time.Minute)
		third := h.enters(object{"pass": "gil"})

		// Another control node knows what is in the database, and so does one that has just begun.
		other := &office{t: t, db: db, records: o.records, keys: o.keys, guests: o.guests}
		other.ms.Store(o.ms.Load())
		other.api = New(Config{Version: "1", Pages: "https://webcasts.example"}, other.deps())
		other.api.d.Board.Refresh(t.Context())
		other.browser().fails(409, "pass-in-use", "POST", h.slug+"/enter", object{"pass": "gil"})
		other.browser().does("POST", h.slug+"/enter", object{"pass": "gil", "here": true})
		o.with(third).fails(401, "token-wrong", "POST", h.slug+"/join", nil)
	})
}

// Of two who come at once with one pass, one comes in.
func TestPassAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		h := opened(o, owner, object{"access": "token"})
		h.invited("gil")
		codes := make(chan int, 8)
		for range cap(codes) {
			go func() { codes <- h.browser().send("POST", h.slug+"/enter", object{"pass": "gil"}).Code }()
		}
		in := 0
		for range cap(codes) {
			switch c := <-codes; c {
			case 200:
				in++
			case 409:
			default:
				t.Errorf("%d", c)
			}
		}
		if in != 1 {
			t.Errorf("%d came in", in)
		}
	})
}

// The direct link lets in whoever has it, until there is another one. Who may not edit the event does not see it.
func TestDirectLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hear(o)
		h := opened(o, owner, object{"access": "token"})
		link := func() string {
			l, _ := owner.does("GET", h.at, nil)["directLink"].(string)
			return l
		}
		code := func(link string) object {
			t.Helper()
			before, code, ok := strings.Cut(link, "?direct=")
			if !ok || before != "https://webcasts.example/e/"+strings.TrimPrefix(h.slug, "/events/") || len(code) != 32 {
				t.Fatalf("link %q", link)
			}
			return object{"direct": code}
		}
		if link() != "" {
			t.Error("there is a link from the start")
		}
		made := owner.does("POST", h.at+"/direct", nil)["directLink"].(string)
		if made != link() {
			t.Errorf("%s was made, %s is shown", made, link())
		}
		for name, b := range map[string]*browser{
			"a collaborator": o.colleague(owner, h.at, "col@example.org", "collaborator"), "a key that reads": o.program(owner, permit.ReadScope),
		} {
			if got := b.does("GET", h.at, nil); got["directLink"] != nil {
				t.Errorf("%s sees %v", name, got["directLink"])
			}
		}
		got := o.browser().does("POST", h.slug+"/enter", code(made))
		if got["way"] != "direct" || h.watches(got["token"]) != got["session"] {
			t.Errorf("%v", got)
		}
		newer := owner.does("POST", h.at+"/direct", nil)["directLink"].(string)
		o.browser().fails(401, "pass-missing", "POST", h.slug+"/enter", code(made))
		o.browser().does("POST", h.slug+"/enter", code(newer))
		o.with(got["token"]).does("POST", h.slug+"/join", nil) // who is in stays in
		owner.does("DELETE", h.at+"/direct", nil)
		owner.does("DELETE", h.at+"/direct", nil)
		o.browser().fails(401, "pass-missing", "POST", h.slug+"/enter", code(newer))
		if link() != "" {
			t.Error("the link is still shown")
		}
		clone := owner.does("POST", h.at+"/clone", nil)
		if got := owner.does("GET", "/events/"+clone["id"].(string), nil); got["directLink"] != nil {
			t.Errorf("a clone has the link: %v", got)
		}
	})
}

// Another password is for those who come; another rule is for all who come in again.
func TestRulesChange(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	hear(o)
	h := opened(o, owner, object{"access": "password", "password": "open sesame"})
	in := h.enters(and(somebody, "password", "open sesame"))
	owner.does("PATCH", h.at, object{"password": "another one"}, "If-Match", "*")
	o.browser().fails(401, "password-wrong", "POST", h.slug+"/enter", and(somebody, "password", "open sesame"))
	h.enters(and(somebody, "password", "another one"))
	in = o.with(in).does("POST", h.slug+"/join", nil)["token"].(string)
	owner.does("PATCH", h.at, object{"access": "password", "title": "The same rule"}, "If-Match", "*")
	in = o.with(in).does("POST", h.slug+"/join", nil)["token"].(string)

	owner.does("PATCH", h.at, object{"access": "token"}, "If-Match", "*")
	o.with(in).fails(401, "token-wrong", "POST", h.slug+"/join", nil)
	if got := h.watches(in); !strings.Contains(got, "not accepted") {
		t.Errorf("an edge takes who was let in by another rule: %s", got)
	}
	owner.does("PATCH", h.at, object{"access": "open"}, "If-Match", "*")
	o.with(in).does("POST", h.slug+"/join", nil)
}

// Who guesses a password waits; who knows it comes in, from the same office, too. Who joins without a token waits as well.
func TestGuesses(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	hear(o)
	h := opened(o, owner, object{"access": "password", "password": "open sesame"})
	right, wrong := and(somebody, "password", "open sesame"), and(somebody, "password", "hunter2")
	other := o.at("198.51.100.1:1")
	h.enters(right)
	n := 0
	for ; n < 50 && o.browser().send("POST", h.slug+"/enter", wrong).Code == 401; n++ {
	}
	if n != 19 { // and the right one before it
		t.Errorf("%d guesses", n)
	}
	o.browser().fails(429, "too-many", "POST", h.slug+"/enter", wrong)
	other.fails(401, "password-wrong", "POST", h.slug+"/enter", wrong)
	in := h.enters(right)
	o.pass(3 * time.Second)
	o.browser().fails(401, "password-wrong", "POST", h.slug+"/enter", wrong)

	n = 0
	for ; n < 100 && o.browser().send("POST", h.slug+"/join", nil).Code == 401; n++ {
	}
	if n != 50 {
		t.Errorf("%d joins without a token", n)
	}
	o.browser().fails(429, "too-many", "POST", h.slug+"/join", nil)
	other.fails(401, "token-missing", "POST", h.slug+"/join", nil)
	o.with(in).does("POST", h.slug+"/join", nil)
	local := o.at("127.0.0.1:1")
	for range 100 {
		local.fails(401, "token-missing", "POST", h.slug+"/join", nil)
	}
}

// Organizers see who is there: who came in and was seen within ten minutes, and whose pass was not taken elsewhere since.
func TestPresent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hear(o)
		h := opened(o, owner, object{"access": "open"})
		anyone := o.browser()
		anyone.does("POST", h.slug+"/enter", and(somebody, "name", "Early"))
		o.pass(9 * time.Minute)
		h.invited("gil")
		anyone.does("POST", h.slug+"/enter", object{"pass": "gil"})
		anyone.does("POST", h.slug+"/enter", object{"pass": "gil", "here": true})
		names := func(query string) (all []string, out object) {
			out = owner.does("GET", h.at+"/present"+query, nil)
			for _, p := range out["present"].([]any) {
				all = append(all, p.(object)["name"].(string))
			}
			return all, out
		}
		if all, out := names(""); !slices.Equal(all, []string{"Gil", "Early"}) || out["total"] != 2.0 || out["next"] != nil {
			t.Errorf("%v", out)
		}
		all, out := names("?limit=1")
		if rest, last := names("?limit=1&cursor=" + out["next"].(string)); !slices.Equal(append(all, rest...), []string{"Gil", "Early"}) || last["next"] != nil {
			t.Errorf("%v, then %v", out, last)
		}
		owner.fails(422, "invalid", "GET", h.at+"/present?cursor=x", nil)
		o.pass(2 * time.Minute)
		if all, _ := names(""); !slices.Equal(all, []string{"Gil"}) {
			t.Errorf("%v", all)
		}
	})
}
