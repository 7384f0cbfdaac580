package api

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/permit"
	"freshet/control/store/storetest"
)

// operations calls f for each operation of the document.
func (a *API) operations(f func(op *huma.Operation)) {
	for _, path := range a.doc.OpenAPI().Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete} {
			if op != nil {
				f(op)
			}
		}
	}
}

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

// Every operation of the document, called by every role, by keys and by nobody: who may not is refused before anything else is
// looked at. An operation that does not say who may call it fails here.
func TestEveryRole(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	browsers := map[permit.Role]*browser{permit.Owner: owner} // who operates the installation, too: it has made the first account
	for _, role := range permit.Roles[1:] {
		email := string(role) + "@example.org"
		owner.does("POST", "/members", object{"email": email, "role": string(role)})
		b := o.browser()
		b.does("POST", "/invitations/use", object{"token": token(o.link(email, 1)), "password": password})
		browsers[role] = b
	}
	keys := map[permit.Scope]*browser{permit.ReadScope: o.program(owner, permit.ReadScope), permit.WriteScope: o.program(owner, permit.WriteScope)}
	// In each new event everybody has the role that it has in the account.
	newEvent := func() string {
		o.pass(time.Minute) // else there are too many invitations
		id := owner.does("POST", "/events", object{"title": "E", "startsAt": "2027-01-01T00:00:00Z"})["id"].(string)
		for _, role := range permit.Roles[2:] {
			owner.does("POST", "/events/"+id+"/users", object{"email": string(role) + "@example.org", "role": string(role)})
		}
		return id
	}
	n := 0
	o.api.operations(func(op *huma.Operation) {
		n++
		if !access.Ruled(op) {
			t.Errorf("%s does not say who may call it", op.OperationID)
			return
		}
		if op.OperationID == "log-out" || op.OperationID == "end-log-ins" || strings.HasPrefix(op.OperationID, "use-") {
			return // they end the log-ins that the others need; tests of their own call them
		}
		path := op.Path
		if access.InEvent(op) {
			path = strings.Replace(path, "{id}", newEvent(), 1)
		}
		path = strings.TrimPrefix(parameter.ReplaceAllString(path, uuid.NewString()), Prefix)
		var body any
		if op.RequestBody != nil {
			body = object{}
		}
		anyone := len(op.Security) == 0
		if w := o.browser().send(op.Method, path, body); (w.Code == http.StatusUnauthorized) == anyone {
			t.Errorf("%s by nobody: %d %s", op.OperationID, w.Code, w.Body)
		}
		for role, b := range browsers {
			w := b.send(op.Method, path, body)
			want := access.Judge(op, access.Actor{Kind: "person", Role: role, In: role, Ops: role == permit.Owner}) == access.Granted
			if granted := w.Code != http.StatusForbidden && (w.Code != http.StatusUnauthorized || anyone); granted != want {
				t.Errorf("%s by %s: %d %s, want it granted: %v", op.OperationID, role, w.Code, w.Body, want)
			}
		}
		for scope, b := range keys {
			w := b.send(op.Method, path, body)
			want := access.Judge(op, access.Actor{Kind: "key", Scopes: []permit.Scope{scope}, In: permit.Organizer}) == access.Granted
			if granted := w.Code != http.StatusForbidden && (w.Code != http.StatusUnauthorized || anyone); granted != want {
				t.Errorf("%s by a key that may %s: %d %s, want it granted: %v", op.OperationID, scope, w.Code, w.Body, want)
			}
			if named := len(op.Security) == 2; want && scope == permit.WriteScope && !anyone && !named {
				t.Errorf("%s: the document does not say that a key may call it", op.OperationID)
			}
		}
	})
	if n < 55 {
		t.Errorf("%d operations", n)
	}
}

// No id of one account does anything for an owner of another.
func TestOtherAccount(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	member := owner.does("POST", "/members", object{"email": "bob@example.org", "role": "organizer"})["id"].(string)
	login := owner.send("GET", "/me/log-ins", nil).Body.String()
	login = regexp.MustCompile(`"id":"([0-9a-f-]{36})"`).FindStringSubmatch(login)[1]
	key := owner.does("POST", "/keys", object{"name": "Import", "scopes": []string{"write"}})["id"].(string)
	made := owner.does("POST", "/events", object{"title": "Launch", "startsAt": "2027-01-01T00:00:00Z"})["id"].(string)
	stream := owner.does("POST", "/events/"+made+"/streams", object{"name": "Floor"})["id"].(string)
	user := owner.does("POST", "/events/"+made+"/users", object{"email": "bob@example.org", "role": "presenter"})["id"].(string)
	hook := owner.does("POST", "/webhooks", object{"url": "https://1.1.1.1/", "kinds": []string{"event.created"}})["id"].(string)
	owner.passkey("Phone")
	owner.does("POST", "/events/"+made+"/guests", object{"guests": []object{{"email": "guest@example.org"}}})
	guest := owner.does("GET", "/events/"+made+"/guests", nil)["guests"].([]any)[0].(object)["id"].(string)
	group := owner.does("POST", "/contact-groups", object{"name": "Press"})["id"].(string)
	owner.does("POST", "/contacts", object{"contacts": []object{{"name": "Zoë", "email": "zoe@example.org"}}, "group": group})
	contact := owner.does("GET", "/contacts", nil)["contacts"].([]any)[0].(object)["id"].(string)
	ids := map[string]string{"/contacts/": contact, "/contact-groups/": group, "/webhooks/": hook, "/members/": member, "/me/log-ins/": login, "/me/passkeys/": owner.passkeys()[0]["id"].(string), "/events/": made, "/keys/": key}
	eve := o.browser()
	eve.does("POST", "/sign-ups", object{"account": "Eve", "name": "Eve", "email": "eve@example.org"})
	eve.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
	program := o.program(eve, permit.WriteScope)
	own := eve.does("POST", "/events", object{"title": "Mine", "startsAt": "2027-01-01T00:00:00Z"})["id"].(string)
	bodies := map[string]any{
		"set-role": object{"role": "owner"}, "edit-event": object{"title": "Hers"}, "add-stream": object{"name": "Hers"},
		"edit-stream": object{"name": "Hers"}, "set-user-role": object{"role": "organizer"},
		"add-user":   object{"email": "eve@example.org", "role": "organizer"},
		"add-guests": object{"guests": []object{{"email": "eve@example.org"}}}, "remove-guests": object{"count": 1},
		"invite-guests": object{"all": true}, "edit-webhook": object{"on": false},
		"edit-contact": object{"name": "Hers"}, "rename-contact-group": object{"name": "Hers"},
		"put-in-contact-group": object{"contacts": []string{contact}}, "take-out-of-contact-group": object{"contacts": []string{contact}},
		"add-contacts-as-guests": object{"groups": []string{group}},
	}
	tried := 0
	o.api.operations(func(op *huma.Operation) {
		if !parameter.MatchString(op.Path) || len(op.Security) == 0 {
			return
		}
		path := strings.TrimPrefix(op.Path, Prefix)
		if access.ForOps(op) { // nodes and sessions are the installation's, and an owner of an account is nothing there
			if w := eve.send(op.Method, parameter.ReplaceAllString(path, uuid.NewString()), object{"state": "in"}); w.Code != http.StatusForbidden {
				t.Errorf("%s: %d %s, want 403", op.OperationID, w.Code, w.Body)
			}
			return
		}
		before, after, _ := strings.Cut(path, "{id}")
		id, ok := ids[before]
		if !ok {
			t.Errorf("%s: no id of another account is known for %s", op.OperationID, path)
			return
		}
		inside := strings.NewReplacer("{stream}", stream, "{person}", user, "{guest}", guest).Replace(after)
		for _, id := range []string{id, own} {
			if id == own && (before != "/events/" || inside == after) {
				continue // nothing of another account is named
			}
			tried++
			w := eve.send(op.Method, before+id+inside, bodies[op.OperationID], "If-Match", "*")
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %d %s, want 404", op.OperationID, w.Code, w.Body)
			}
		}
		want := http.StatusForbidden
		if access.InEvent(op) || access.Judge(op, access.Actor{Kind: "key", Scopes: []permit.Scope{permit.WriteScope}}) == access.Granted {
			want = http.StatusNotFound
		}
		if w := program.send(op.Method, before+id+after, bodies[op.OperationID], "If-Match", "*"); w.Code != want {
			t.Errorf("%s by a key: %d %s, want %d", op.OperationID, w.Code, w.Body, want)
		}
	})
	if tried < 25 {
		t.Errorf("%d operations were tried", tried)
	}
	for path, want := range map[string]string{
		"/members": `"role":"organizer"`, "/events/" + made: `"title":"Launch"`, "/events/" + made + "/streams": `"name":"Floor"`,
		"/events/" + made + "/users": `"role":"presenter"`, "/events/" + made + "/guests": `"total":1`,
		"/webhooks": `"offAt":null`, "/contacts?group=" + group: `"name":"Zoë"`, "/contact-groups": `"name":"Press"`,
	} {
		if got := owner.send("GET", path, nil).Body.String(); !strings.Contains(got, want) || strings.Contains(got, "Hers") {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := program.send("GET", "/members", nil).Body.String(); strings.Contains(got, ana) || !strings.Contains(got, "eve@example.org") {
		t.Errorf("a key sees %s", got)
	}
	if got := program.does("GET", "/account", nil); got["name"] != "Eve" {
		t.Errorf("a key sees %v", got)
	}
}
