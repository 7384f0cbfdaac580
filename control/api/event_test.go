package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/event"
	"freshet/control/node"
	"freshet/control/store/storetest"
	pb "freshet/proto"
	"freshet/proto/problem"
)

// plan has b create an event that starts in an hour of o's clock, with what is in fields, and returns its address in
// the API.
func (o *office) plan(b *browser, fields object) (string, object) {
	o.t.Helper()
	body := object{"title": "Launch", "startsAt": o.now().Add(time.Hour)}
	for k, v := range fields {
		body[k] = v
	}
	e := b.does("POST", "/events", body)
	return "/events/" + e["id"].(string), e
}

// colleague returns the browser of a new person with a role in an event alone, who has accepted the invitation.
func (o *office) colleague(owner *browser, at, email, role string) *browser {
	o.t.Helper()
	owner.does("POST", at+"/users", object{"email": email, "role": role})
	b := o.browser()
	b.does("POST", "/invitations/use", object{"token": token(o.link(email, 1)), "password": password})
	return b
}

// titles returns those that b lists, in order.
func titles(b *browser, query string) string {
	b.o.t.Helper()
	var all []string
	for _, e := range b.does("GET", "/events"+query, nil)["events"].([]any) {
		all = append(all, e.(object)["title"].(string))
	}
	return strings.Join(all, ", ")
}

func TestEventLife(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, object{
			"description": "Two\nlines", "languages": []string{"EN-us", "fr", "fr"}, "lobby": "Soon.",
			"agenda": []object{{"at": 30, "title": "Questions"}, {"at": 0, "title": "Welcome", "text": "By Ana"}},
		})
		if e["timeZone"] != "America/Toronto" || e["state"] != "scheduled" || e["kind"] != "webcast" || e["role"] != "owner" ||
			fmt.Sprint(e["languages"]) != "[en-US fr]" || e["access"] != "open" || e["deletable"] != false ||
			e["link"] != "https://webcasts.example/e/"+e["slug"].(string) || !strings.HasPrefix(e["slug"].(string), "launch-") {
			t.Errorf("%v", e)
		}
		if first := e["agenda"].([]any)[0].(object); first["title"] != "Welcome" || first["text"] != "By Ana" {
			t.Errorf("%v", e["agenda"])
		}
		if fmt.Sprint(e["steps"]) != "[prepare start cancel]" {
			t.Errorf("%v", e["steps"])
		}
		w := owner.send("GET", at, nil)
		if tag := w.Header().Get("ETag"); tag != `"1"` {
			t.Errorf("ETag %s", tag)
		}
		owner.fails(409, "held", "DELETE", at, nil)
		for _, s := range []struct{ step, state string }{
			{"prepare", "preparation"}, {"schedule", "scheduled"}, {"prepare", "preparation"}, {"start", "live"}, {"start", "live"},
			{"end", "ended"}, {"start", "live"}, {"end", "ended"},
		} {
			o.pass(time.Minute)
			if e = owner.does("POST", at+"/"+s.step, nil); e["state"] != s.state {
				t.Errorf("%s: %v", s.step, e["state"])
			}
		}
		if e["heldAt"] != "2026-11-27T09:04:00Z" || e["endedAt"] != "2026-11-27T09:08:00Z" {
			t.Errorf("held %v, ended %v", e["heldAt"], e["endedAt"])
		}
		owner.fails(409, "state", "POST", at+"/cancel", nil)
		o.pass(25 * time.Hour)
		owner.fails(409, "too-late", "POST", at+"/start", nil)
		owner.does("POST", at+"/archive", nil)
		owner.fails(409, "state", "PATCH", at, object{"title": "X"}, "If-Match", "*")
		owner.fails(409, "held", "DELETE", at, nil)
		if got := titles(owner, "?state=archived"); got != "Launch" {
			t.Errorf("%q", got)
		}

		// One that is cancelled was never held: it may go.
		at, _ = o.plan(owner, nil)
		owner.does("POST", at+"/streams", object{"name": "Floor"})
		if e := owner.does("POST", at+"/cancel", nil); e["state"] != "cancelled" || e["deletable"] != true || e["cancelledAt"] == nil {
			t.Errorf("%v", e)
		}
		owner.does("DELETE", at, nil)
		owner.fails(404, "event-unknown", "GET", at, nil)
		owner.fails(404, "event-unknown", "POST", at+"/start", nil)

		// A permanent room has no date, and is scheduled again when it has ended.
		e = owner.does("POST", "/events", object{"title": "Room", "kind": "permanent"})
		at = "/events/" + e["id"].(string)
		owner.does("POST", at+"/start", nil)
		owner.fails(409, "held", "DELETE", at, nil)
		if e := owner.does("POST", at+"/end", nil); e["state"] != "scheduled" || e["heldAt"] == nil || e["deletable"] != true {
			t.Errorf("%v", e)
		}
		owner.does("DELETE", at, nil)
	})
}

// What a new event or a change must not be: a problem that names the field, and changes nothing.
func TestBadEvents(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, _ := o.plan(owner, object{"options": object{"registration": false, "poll": true, "languages": false, "sms": false}})
	start := o.now().Add(time.Hour)
	for _, c := range []struct {
		name    string
		body    object
		status  int
		pointer string
	}{
		{"a long title", object{"title": strings.Repeat("é", 201)}, 422, "/title"},
		{"a title of nothing that is seen", object{"title": "\u202e \x00\u2066"}, 422, "/title"},
		{"dates reversed", object{"startsAt": start, "endsAt": start.Add(-time.Second)}, 422, "/endsAt"},
		{"no time at all", object{"startsAt": start, "endsAt": start}, 422, "/endsAt"},
		{"a start before there were computers", object{"startsAt": "1904-01-01T00:00:00Z"}, 422, "/startsAt"},
		{"an end of the world", object{"endsAt": "9999-12-31T23:59:59Z"}, 422, "/endsAt"},
		{"no date", object{"startsAt": "tomorrow"}, 422, "/startsAt"},
		{"an unknown zone", object{"timeZone": "Mars/Olympus"}, 422, "/timeZone"},
		{"a local zone", object{"timeZone": "Local"}, 422, "/timeZone"},
		{"a path for a zone", object{"timeZone": "../../etc/passwd"}, 422, "/timeZone"},
		{"no language", object{"languages": []string{"klingon!"}}, 422, "/languages"},
		{"a language of nobody", object{"languages": []string{"und"}}, 422, "/languages"},
		{"more languages than were ordered", object{"languages": []string{"en", "fr"}}, 422, "/languages"},
		{"registration that was not ordered", object{"access": "registration"}, 422, "/access"},
		{"a password that is missing", object{"access": "password"}, 422, "/password"},
		{"a short password", object{"access": "password", "password": "abc"}, 422, "/password"},
		{"a long password", object{"password": strings.Repeat("x", 65)}, 422, "/password"},
		{"an unknown kind", object{"kind": "party"}, 422, "/kind"},
		{"an agenda of nothing that is seen", object{"agenda": []object{{"at": 0, "title": "a"}, {"at": 1, "title": "\x00"}}}, 422, "/agenda/1/title"},
		{"an agenda in the past", object{"agenda": []object{{"at": -1, "title": "x"}}}, 422, "/agenda/0/at"},
		{"an unknown field", object{"owner": "me"}, 400, "/owner"},
	} {
		for _, call := range []struct{ method, path string }{{"POST", "/events"}, {"PATCH", at}} {
			body := object{}
			if call.method == "POST" {
				body = object{
					"title": "Launch", "startsAt": start,
					"options": object{"registration": false, "poll": true, "languages": false, "sms": false},
				}
			}
			for k, v := range c.body {
				body[k] = v
			}
			w := owner.send(call.method, call.path, body, "If-Match", "*")
			var p problem.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || len(p.Errors) == 0 || p.Errors[0].Pointer != c.pointer {
				t.Errorf("%s, %s: %d %s, want %d at %s", c.name, call.method, w.Code, w.Body, c.status, c.pointer)
			}
		}
	}
	owner.fails(422, "invalid", "POST", "/events", object{"title": "No start"})
	owner.fails(422, "invalid", "POST", "/events", object{"startsAt": start})
	for query, pointer := range map[string]string{
		"?cursor=x": "/query/cursor", "?cursor=MSAy": "/query/cursor", "?limit=0": "/query/limit", "?limit=201": "/query/limit",
		"?state=over": "/query/state", "?from=yesterday": "/query/from",
	} {
		if p := owner.fails(422, "invalid", "GET", "/events"+query, nil); len(p.Errors) == 0 || p.Errors[0].Pointer != pointer {
			t.Errorf("%s: %+v", query, p)
		}
	}
	owner.fails(404, "event-unknown", "GET", "/events/not-an-id", nil)
	owner.fails(422, "invalid", "POST", at+"/streams", object{"name": " \u202e "})
	owner.fails(422, "invalid", "POST", at+"/streams", object{"name": "Floor", "language": "??"})
	owner.fails(422, "invalid", "POST", at+"/users", object{"email": "no address", "role": "presenter"})
	owner.fails(422, "invalid", "POST", at+"/users", object{"email": "bob@example.org", "role": "owner"})
	if e := owner.does("GET", at, nil); e["title"] != "Launch" || owner.send("GET", at, nil).Header().Get("ETag") != `"1"` {
		t.Errorf("%v", e)
	}
}

// What is not seen is taken out of texts, and a password is shown to nobody.
func TestEventTexts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, object{
			"title": " \u202eLau\x00nch\n", "description": "a\x1b\nb\u2067", "lobby": "\x00", "password": "welcome", "access": "password",
			"agenda": []object{{"at": 0, "title": "W\u202aelcome", "text": "x\x00\ny"}},
		})
		item := e["agenda"].([]any)[0].(object)
		if e["title"] != "Launch" || e["description"] != "a\nb" || e["lobby"] != "" || item["title"] != "Welcome" || item["text"] != "x\ny" {
			t.Errorf("%q", e)
		}
		slug := e["slug"].(string)
		for _, path := range []string{at, "/events", "/public/events/by-slug/" + slug, at + "/order"} {
			if got := o.browser().send("GET", path, nil).Body.String() + owner.send("GET", path, nil).Body.String(); strings.Contains(got, "welcome") || strings.Contains(got, "argon2") {
				t.Errorf("%s tells the password: %s", path, got)
			}
		}
		if e["password"] != true {
			t.Errorf("%v", e["password"])
		}
		owner.fails(422, "invalid", "PATCH", at, object{"password": ""}, "If-Match", "*")
		e = owner.does("PATCH", at, object{"password": "", "access": "open", "endsAt": nil}, "If-Match", "*")
		if e["password"] != false || e["access"] != "open" || e["endsAt"] != nil {
			t.Errorf("%v", e)
		}
	})
}

// Of two organizers who edit, the second is told, and nothing is lost.
func TestTwoOrganizers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, nil)
		bob := o.colleague(owner, at, "bob@example.org", "organizer")
		tag := bob.send("GET", at, nil).Header().Get("ETag")
		owner.fails(428, "if-match", "PATCH", at, object{"title": "A"})
		first := owner.send("PATCH", at, object{"title": "Relaunch", "endsAt": o.now().Add(2 * time.Hour)}, "If-Match", tag)
		if first.Code != 200 || first.Header().Get("ETag") == tag {
			t.Fatalf("%d %s", first.Code, first.Body)
		}
		bob.fails(412, "changed", "PATCH", at, object{"description": "Bob's"}, "If-Match", tag)
		e := bob.does("PATCH", at, object{"description": "Bob's"}, "If-Match", first.Header().Get("ETag"))
		if e["title"] != "Relaunch" || e["description"] != "Bob's" || e["endsAt"] == nil {
			t.Errorf("%v", e)
		}
		log := owner.does("GET", "/audit?limit=1", nil)["entries"].([]any)[0].(object)
		if log["action"] != "edit-event" || log["detail"] != "description" || !strings.HasPrefix(log["subject"].(string), "event/") {
			t.Errorf("%v", log)
		}
	})
}

// However many press at once, an event starts once.
func TestStartAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, nil)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				b := o.browser()
				b.jar = map[string]string{}
				for k, v := range owner.jar {
					b.jar[k] = v
				}
				if w := b.send("POST", at+"/start", nil); w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		all.Wait()
		n := 0
		for _, e := range owner.does("GET", "/audit?limit=200", nil)["entries"].([]any) {
			if e.(object)["action"] == "start-event" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// A collaborator has one event, and there is no other; what a role allows holds from the next request on.
func TestEventRoles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		one, _ := o.plan(owner, object{"title": "One"})
		two, _ := o.plan(owner, object{"title": "Two"})
		bob := o.colleague(owner, one, "bob@example.org", "collaborator")
		if got := titles(owner, ""); got != "One, Two" {
			t.Errorf("%s", got)
		}
		if got := titles(bob, ""); got != "One" {
			t.Errorf("%s", got)
		}
		e := bob.does("GET", one, nil)
		if e["role"] != "collaborator" || fmt.Sprint(e["may"]) != "[edit-guests edit-streams run-event see-event see-guests]" ||
			fmt.Sprint(e["steps"]) != "[prepare start]" {
			t.Errorf("%v", e)
		}
		bob.fails(404, "event-unknown", "GET", two, nil)
		unknown := bob.send("GET", "/events/"+uuid.NewString(), nil)
		if other := bob.send("GET", two, nil); other.Body.String() != unknown.Body.String() {
			t.Errorf("%s\n%s", other.Body, unknown.Body)
		}
		for _, call := range []struct {
			method, path string
			body         any
		}{
			{"POST", "/start", nil}, {"POST", "/cancel", nil}, {"GET", "/streams", nil}, {"POST", "/streams", object{"name": "x"}},
			{"GET", "/users", nil}, {"GET", "/order", nil}, {"DELETE", "", nil}, {"POST", "/clone", nil}, {"PATCH", "", object{"title": "x"}},
		} {
			bob.fails(404, "event-unknown", call.method, two+call.path, call.body, "If-Match", "*")
		}
		bob.fails(403, "forbidden", "GET", one+"/order", nil)
		bob.fails(403, "forbidden", "PATCH", one, object{"title": "x"}, "If-Match", "*")
		bob.fails(403, "forbidden", "GET", one+"/users", nil)
		bob.fails(403, "forbidden", "POST", one+"/cancel", nil)
		bob.fails(403, "forbidden", "POST", "/events", object{"title": "x", "startsAt": o.now()})
		bob.fails(403, "forbidden", "GET", "/members", nil)
		bob.does("POST", one+"/prepare", nil)

		// As an organizer of it bob has all of that event, and still no other.
		var users []object
		if err := json.Unmarshal(owner.send("GET", one+"/users", nil).Body.Bytes(), &users); err != nil || len(users) != 1 || users[0]["joinedAt"] == nil {
			t.Fatalf("%v %v", users, err)
		}
		user := one + "/users/" + users[0]["id"].(string)
		owner.does("PATCH", user, object{"role": "organizer"})
		bob.does("GET", one+"/order", nil)
		bob.does("PATCH", one, object{"title": "One!"}, "If-Match", "*")
		bob.fails(404, "event-unknown", "GET", two, nil)
		bob.fails(403, "forbidden", "POST", one+"/clone", nil)
		bob.does("POST", one+"/users", object{"email": "eva@example.org", "role": "presenter", "language": "fr"})
		if link := o.link("eva@example.org", 1); !strings.HasPrefix(link, "/invite/") {
			t.Errorf("%s", link)
		}
		owner.fails(409, "user", "POST", one+"/users", object{"email": "EVA@example.org", "role": "organizer"})

		// Who is a member already is told where to go, and an organizer of the account stays one.
		owner.does("POST", two+"/users", object{"email": "bob@example.org", "role": "presenter"})
		if link := o.link("bob@example.org", 2); link != two {
			t.Errorf("%s", link)
		}
		if e := bob.does("GET", two, nil); e["role"] != "presenter" || fmt.Sprint(e["may"]) != "[run-event see-event]" {
			t.Errorf("%v", e)
		}
		owner.does("POST", two+"/users", object{"email": ana, "role": "presenter"})
		if e := owner.does("GET", two, nil); e["role"] != "owner" {
			t.Errorf("%v", e["role"])
		}

		owner.does("DELETE", user, nil)
		bob.fails(404, "event-unknown", "GET", one, nil)
		owner.fails(404, "not-found", "DELETE", user, nil)
		if got := titles(bob, ""); got != "Two" {
			t.Errorf("%s", got)
		}
	})
}

// Twenty invitations in ten minutes go to an address, whoever sends them.
func TestInvitationsAreFew(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, _ := o.plan(owner, nil)
	bob := object{"email": "bob@example.org", "role": "presenter"}
	for range 20 {
		u := owner.does("POST", at+"/users", bob)
		owner.does("DELETE", at+"/users/"+u["id"].(string), nil)
	}
	owner.fails(429, "too-many", "POST", at+"/users", bob)
	o.link("bob@example.org", 20)
	o.pass(time.Minute)
	owner.does("POST", at+"/users", bob)
}

func TestClone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		// Daylight saving ends in Toronto between these weeks of 2026: the time of day stays.
		starts := time.Date(2026, 10, 30, 18, 0, 0, 0, time.UTC)
		at, was := o.plan(owner, object{
			"startsAt": starts, "endsAt": starts.Add(90 * time.Minute), "access": "password", "password": "welcome", "lobby": "Soon.",
			"agenda": []object{{"at": 0, "title": "Welcome"}},
		})
		for _, name := range []string{"Floor", "Interpreter"} {
			owner.does("POST", at+"/streams", object{"name": name, "language": "fr"})
		}
		owner.does("POST", at+"/users", object{"email": "bob@example.org", "role": "presenter"})
		owner.does("POST", at+"/start", nil)
		e := owner.does("POST", at+"/clone", nil)
		if e["id"] == was["id"] || e["slug"] == was["slug"] || e["number"] == was["number"] || e["state"] != "scheduled" || e["heldAt"] != nil ||
			e["startsAt"] != "2026-11-27T19:00:00Z" || e["endsAt"] != "2026-11-27T20:30:00Z" || e["password"] != true || e["lobby"] != "Soon." {
			t.Errorf("%v", e)
		}
		clone := "/events/" + e["id"].(string)
		var streams []object
		if err := json.Unmarshal(owner.send("GET", clone+"/streams", nil).Body.Bytes(), &streams); err != nil || len(streams) != 2 {
			t.Fatalf("%v %v", streams, err)
		}
		if streams[0]["name"] != "Floor" || streams[1]["name"] != "Interpreter" || streams[0]["keyedAt"] != nil || streams[0]["language"] != "fr" {
			t.Errorf("%v", streams)
		}
		if got := owner.send("GET", clone+"/users", nil).Body.String(); strings.TrimSpace(got) != "[]" {
			t.Errorf("%s", got)
		}
		e = owner.does("POST", at+"/clone", object{"title": "Again", "startsAt": "2027-02-01T10:00:00Z"})
		if e["title"] != "Again" || e["startsAt"] != "2027-02-01T10:00:00Z" || e["endsAt"] != "2027-02-01T11:30:00Z" {
			t.Errorf("%v", e)
		}
		owner.fails(422, "invalid", "POST", at+"/clone", object{"startsAt": "2300-02-01T10:00:00Z"})
	})
}

// Keys are shown once and refused once there is another; the mesh and viewers see streams as the event goes on.
func TestEventStreams(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, nil)
		join := "/events/" + e["slug"].(string) + "/join"
		s := owner.does("POST", at+"/streams", object{"name": "Floor", "language": "fr-ca"})
		id, key := s["id"].(string), s["key"].(string)
		if s["language"] != "fr-CA" || len(key) != 43 || s["keyedAt"] == nil {
			t.Errorf("%v", s)
		}
		if got := owner.send("GET", at+"/streams", nil).Body.String(); strings.Contains(got, key) || strings.Contains(got, `"key"`) {
			t.Errorf("%s", got)
		}
		takes := func(key string) bool {
			sum := sha256.Sum256([]byte(key))
			r, ok := o.records.Get(id)
			return ok && bytes.Equal(r.KeySha256, sum[:]) && r.State == pb.StreamState_STREAM_STATE_READY
		}
		viewer, newer := o.browser(), ""
		seen := func() bool { // by anybody; who knows the id sees it as soon as it takes a publisher
			if there := viewer.send("GET", "/streams/"+id, nil).Code == 200; there != (takes(key) || takes(newer)) {
				t.Errorf("shown to whoever knows the id: %v", there)
			}
			return strings.Contains(viewer.send("GET", "/streams", nil).Body.String(), id)
		}
		hear(o)
		for _, c := range []struct {
			step         string
			takes, shown bool
			join         int
		}{{"", false, false, 404}, {"prepare", true, false, 404}, {"start", true, true, 200}, {"end", false, false, 404}, {"start", true, true, 200}} {
			if c.step != "" {
				owner.does("POST", at+"/"+c.step, nil)
			}
			if w := viewer.send("POST", join, nil); takes(key) != c.takes || seen() != c.shown || w.Code != c.join {
				t.Errorf("after %q: takes %v, shown %v, join %d %s", c.step, takes(key), seen(), w.Code, w.Body)
			}
		}
		joined := viewer.does("POST", join, nil)
		if got := joined["streams"].([]any); len(got) != 1 || got[0].(object)["id"] != id || got[0].(object)["language"] != "fr-CA" {
			t.Errorf("%v", joined)
		}
		newer = owner.does("POST", at+"/streams/"+id+"/key", nil)["key"].(string)
		if takes(key) || !takes(newer) || newer == key {
			t.Error("the old key is taken, or the new one is not")
		}
		owner.does("PATCH", at, object{"access": "token"}, "If-Match", "*")
		viewer.fails(401, "token-missing", "POST", join, nil)
		if seen() {
			t.Error("a stream for few is shown to all")
		}
		owner.does("PATCH", at, object{"access": "open"}, "If-Match", "*")
		if got := owner.does("PATCH", at+"/streams/"+id, object{"name": "Main", "language": ""}); got["name"] != "Main" || got["language"] != "" || got["key"] != nil {
			t.Errorf("%v", got)
		}
		owner.fails(404, "stream-unknown", "PATCH", at+"/streams/other", object{"name": "x"})
		owner.does("DELETE", at+"/streams/"+id, nil)
		owner.fails(404, "stream-unknown", "POST", at+"/streams/"+id+"/key", nil)
		viewer.fails(404, "event-unknown", "POST", join, nil)
		if takes(newer) {
			t.Error("a closed stream takes its key")
		}
		for range 16 {
			owner.does("POST", at+"/streams", object{"name": "More"})
		}
		owner.fails(409, "full", "POST", at+"/streams", object{"name": "Too many"})

		// A collaborator of the event may make keys; a presenter may not.
		bob := o.colleague(owner, at, "bob@example.org", "presenter")
		bob.fails(403, "forbidden", "POST", at+"/streams", object{"name": "x"})
	})
}

// hear has an edge there.
func hear(o *office) {
	o.api.d.Fleet.Hear(node.Node{Name: "edge-1", Role: "edge", Region: "yul", Heard: time.Now(), Facts: &pb.NodeFacts{Whep: "http://e/whep"}})
}

// A key that one control node revokes is refused at the nodes of another within 2 s.
func TestTwoControls(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, nil)
		s := owner.does("POST", at+"/streams", object{"name": "Floor"})
		owner.does("POST", at+"/start", nil)
		records := node.NewRecords()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		other := event.NewBoard(o.deps().Log, db.DB, records)
		go func() { done <- other.Run(ctx) }()
		defer func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		await := func(key string) time.Duration {
			t.Helper()
			began := time.Now()
			limit, end := context.WithTimeout(t.Context(), 10*time.Second)
			defer end()
			for {
				changed := records.Changed()
				sum := sha256.Sum256([]byte(key))
				if r, ok := records.Get(s["id"].(string)); ok && bytes.Equal(r.KeySha256, sum[:]) {
					return time.Since(began)
				}
				select {
				case <-changed:
				case <-limit.Done():
					t.Fatal("the other node does not know the key")
				}
			}
		}
		await(s["key"].(string))
		newer := owner.does("POST", at+"/streams/"+s["id"].(string)+"/key", nil)["key"].(string)
		if took := await(newer); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// Anybody finds an event by its number or its address, and nothing of it that is not public.
func TestPublicEvent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, object{"lobby": "Soon.", "description": "About it", "agenda": []object{{"at": 0, "title": "Welcome"}}})
		slug, number := "/public/events/by-slug/"+e["slug"].(string), "/public/events/by-number/"+e["number"].(string)
		anyone := o.browser()
		for _, path := range []string{slug, number} {
			got := anyone.does("GET", path, nil)
			if got["title"] != "Launch" || got["state"] != "scheduled" || got["lobby"] != "Soon." || got["access"] != "open" || got["id"] != nil || got["role"] != nil {
				t.Errorf("%s: %v", path, got)
			}
		}
		w := anyone.send("GET", slug+"/calendar", nil)
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/calendar; charset=utf-8; method=PUBLISH" ||
			!strings.HasPrefix(w.Body.String(), "BEGIN:VCALENDAR\r\n") || !strings.Contains(w.Body.String(), "SUMMARY:Launch\r\n") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		owner.does("POST", at+"/cancel", nil)
		if got := anyone.does("GET", slug, nil); got["state"] != "cancelled" {
			t.Errorf("%v", got)
		}
		if got := anyone.send("GET", slug+"/calendar", nil).Body.String(); !strings.Contains(got, "STATUS:CANCELLED") {
			t.Errorf("%s", got)
		}
		at, e = o.plan(owner, nil)
		for _, step := range []string{"start", "end", "archive"} {
			owner.does("POST", at+"/"+step, nil)
		}
		unknown := anyone.send("GET", "/public/events/by-slug/nothing", nil)
		archived := anyone.send("GET", "/public/events/by-slug/"+e["slug"].(string), nil)
		if unknown.Code != 404 || archived.Code != 404 || unknown.Body.String() != archived.Body.String() {
			t.Errorf("%d %s\n%d %s", unknown.Code, unknown.Body, archived.Code, archived.Body)
		}
		anyone.fails(404, "event-unknown", "GET", "/public/events/by-number/000000000", nil)
		anyone.fails(422, "invalid", "GET", "/public/events/by-number/12345678", nil)
		anyone.fails(422, "invalid", "GET", "/public/events/by-slug/A..B", nil)
		room := owner.does("POST", "/events", object{"title": "Room", "kind": "permanent"})
		anyone.fails(404, "event-unknown", "GET", "/public/events/by-slug/"+room["slug"].(string)+"/calendar", nil)
		for range 60 {
			w = anyone.send("GET", "/public/events/by-number/100000000", nil)
		}
		if w.Code != 429 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d: numbers can be tried without end", w.Code)
		}
		anyone.does("GET", slug, nil)
	})
}

// raced says whether the race detector watches, which takes ten times as long.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// Five hundred events are listed and searched quickly: EVT-02.
func TestManyEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		for i := range 500 {
			o.plan(owner, object{"title": fmt.Sprintf("Été %d of many", i), "startsAt": o.now().Add(time.Duration(i*7919%500) * time.Hour), "description": strings.Repeat("x", 2000)})
		}
		for _, query := range []string{"?limit=200", "?newest=true", "?q=" + url.QueryEscape("ete 77"), "?state=scheduled&limit=100", "?q=nothing"} {
			best := time.Hour
			for range 5 {
				began := time.Now()
				owner.does("GET", "/events"+query, nil)
				best = min(best, time.Since(began))
			}
			t.Logf("%s: %s", query, best)
			if best > 150*time.Millisecond && !raced() {
				t.Errorf("%s took %s", query, best)
			}
		}
		seen, query := map[string]bool{}, "?limit=150"
		for pages := 0; ; pages++ {
			page := owner.does("GET", "/events"+query, nil)
			for _, e := range page["events"].([]any) {
				seen[e.(object)["id"].(string)] = true
			}
			next, more := page["next"].(string)
			if !more {
				if pages != 3 || len(seen) != 500 {
					t.Errorf("%d events on %d pages", len(seen), pages+1)
				}
				break
			}
			query = "?limit=150&cursor=" + next
		}
	})
}
