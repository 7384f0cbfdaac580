package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/audit"
	"freshet/control/person"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

const bob = "bob@example.org"

// withBob returns an office with an owner and an organizer, who is logged in.
func withBob(t *testing.T, db *storetest.DB) (o *office, owner, b *browser, id string) {
	o, owner = founded(t, db)
	id = owner.does("POST", "/members", object{"email": bob, "name": "Bob", "role": "organizer"}, keyHeader, "bob")["id"].(string)
	b = o.browser()
	b.does("POST", "/invitations/use", object{"token": token(o.link(bob, 1)), "password": password, "name": "Robert"})
	tag := b.send("GET", "/me", nil).Header().Get("ETag")
	b.does("PATCH", "/me", object{"country": "CA", "signature": "Robert B."}, "If-Match", tag)
	return o, owner, b, id
}

// Everything that is kept of a person is in what it takes away, and nothing by which somebody gets in.
func TestExport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner, b, id := withBob(t, db)
		owner.does("PATCH", "/members/"+id, object{"role": "owner"})
		b.does("POST", "/keys", object{"name": "Import", "scopes": []string{"read"}})
		phone := o.at("[2001:db8::1]:99")
		phone.does("POST", "/log-in", object{"email": bob, "password": password}, "User-Agent", "Telephone/1")
		phone.does("POST", "/resets", object{"email": bob})
		secret := token(o.link(bob, 2))
		key := b.passkey("Bob's phone")
		app, recovery := b.secondStep()
		owner.does("POST", "/resets", object{"email": ana})
		at := owner.does("POST", "/events", object{"title": "Launch", "startsAt": "2027-01-01T00:00:00Z"})["id"].(string)
		owner.does("POST", "/events/"+at+"/users", object{"email": bob, "role": "presenter"})

		w := b.send("GET", "/me/export", nil)
		var x person.Export
		if err := json.Unmarshal(w.Body.Bytes(), &x); err != nil || w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
			t.Fatalf("%v: %d %v %s", err, w.Code, w.Header(), w.Body)
		}
		if p := x.Person; p.ID.String() != id || p.Email != bob || p.Name != "Robert" || p.Country != "CA" || p.Signature != "Robert B." || !p.Password {
			t.Errorf("%+v", p)
		}
		if len(x.Memberships) != 1 || x.Memberships[0].Name != "Nordlicht" || x.Memberships[0].Role != "owner" || x.Memberships[0].JoinedAt == nil {
			t.Errorf("%+v", x.Memberships)
		}
		if len(x.Roles) != 1 || x.Roles[0].Title != "Launch" || x.Roles[0].Role != "presenter" {
			t.Errorf("%+v", x.Roles)
		}
		agents := map[string]string{}
		for _, l := range x.LogIns {
			agents[l.Agent] = l.Address
		}
		if len(x.LogIns) != 2 || agents["Telephone/1"] != "2001:db8::1" {
			t.Errorf("%+v", x.LogIns)
		}
		if x.SecondStep == nil || x.SecondStep.Codes != 10 || len(x.Passkeys) != 1 || x.Passkeys[0].Name != "Bob's phone" {
			t.Errorf("%+v, %+v", x.SecondStep, x.Passkeys)
		}
		if len(x.Links) != 2 || len(x.Keys) != 1 || x.Keys[0].Name != "Import" {
			t.Errorf("%+v, %+v", x.Links, x.Keys)
		}
		var acts []string
		for _, e := range x.Audit {
			acts = append(acts, e.Action)
		}
		if got := strings.Join(acts, " "); got != "use-invitation edit-me make-key log-in add-passkey begin-second-step confirm-second-step" {
			t.Errorf("%s", got)
		}
		if len(x.Mails) != 3 || x.Mails[0].Kind != "invite" || x.Mails[1].Kind != "reset" || !strings.Contains(x.Mails[1].Text, "https://webcasts.example/reset/…") {
			t.Errorf("%+v", x.Mails)
		}
		for _, cookie := range append([]string{secret, password, "argon2", ana, app.secret, recovery[0], in64(key.id)}, b.jar["__Host-freshet"], phone.jar["__Host-freshet"]) {
			if strings.Contains(w.Body.String(), cookie) {
				t.Errorf("%s is in %s", cookie, w.Body)
			}
		}
		if found := regexp.MustCompile(`[A-Za-z0-9_-]{43}`).FindString(w.Body.String()); found != "" {
			t.Errorf("%s is in %s", found, w.Body)
		}
	})
}

// Who is erased leaves an id, in logs that hold and count as before.
func TestErase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner, b, id := withBob(t, db)
		account := uuid.MustParse(owner.does("GET", "/account", nil)["id"].(string))
		phone := o.browser()
		phone.does("POST", "/log-in", object{"email": bob, "password": password})
		phone.does("POST", "/resets", object{"email": bob})
		reset := token(o.link(bob, 2))
		key := b.passkey("Bob's phone")
		b.secondStep()
		phone.fails(401, "second-step", "POST", "/log-in", object{"email": bob, "password": password})
		phone.does("POST", "/me/passkeys/challenge", object{"password": password})
		e := owner.does("POST", "/events", object{"title": "E", "startsAt": "2027-01-01T00:00:00Z"})
		phone.does("POST", "/events/"+e["slug"].(string)+"/enter", object{"name": "Bob at home", "email": bob})
		if stays := b.does("GET", "/me/export", nil)["stays"].([]any); len(stays) != 1 || stays[0].(object)["name"] != "Bob at home" || stays[0].(object)["event"] != e["id"] {
			t.Errorf("%v", stays)
		}
		before, err := store.One[int64](t.Context(), db, store.Load(testdata).Get("entries_by"), store.Args{"person": uuid.MustParse(id)})
		if err != nil {
			t.Fatal(err)
		}

		if p := b.fails(422, "invalid", "DELETE", "/me", nil); len(p.Errors) != 1 || p.Errors[0].Pointer != "/password" {
			t.Errorf("%+v", p)
		}
		b.fails(422, "invalid", "DELETE", "/me", object{})
		b.fails(403, "password", "DELETE", "/me", object{"password": "wrong"})
		b.fails(400, "bad-request", "DELETE", "/me", object{"password": password, "person": id})
		b.does("GET", "/me", nil)
		b.does("DELETE", "/me", object{"password": password})

		if len(b.jar) != 0 {
			t.Errorf("the browser keeps %v", b.jar)
		}
		b.fails(401, "unauthorized", "GET", "/me", nil)
		phone.fails(401, "unauthorized", "GET", "/me", nil)
		phone.fails(401, "log-in", "POST", "/log-in", object{"email": bob, "password": password})
		phone.fails(410, "log-in-over", "POST", "/log-in/second-step", object{"code": "000000"})
		phone.fails(401, "passkey", "POST", "/log-in/passkey", key.sign(phone.does("POST", "/log-in/passkey/challenge", nil)))
		phone.fails(410, "link-dead", "POST", "/resets/use", object{"token": reset, "password": password})
		o.link(bob, 0)
		texts, err := store.All[string](t.Context(), db, store.Load(testdata).Get("person_texts"), nil)
		if err != nil || len(texts) < 5 {
			t.Fatalf("%q, %v", texts, err)
		}
		for _, text := range texts {
			for _, trace := range []string{bob, "bob", "Robert"} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(trace)) {
					t.Errorf("%s is in %q", trace, text)
				}
			}
		}
		after, err := store.One[int64](t.Context(), db, store.Load(testdata).Get("entries_by"), store.Args{"person": uuid.MustParse(id)})
		if err != nil || after != before+1 {
			t.Errorf("%d entries, and %d before, %v", after, before, err)
		}
		if n, err := audit.Verify(t.Context(), db, account); err != nil || n < 4 {
			t.Errorf("%d entries, %v", n, err)
		}
		newest := owner.does("GET", "/audit", nil)["entries"].([]any)[0].(object)
		if newest["action"] != "erase-me" || newest["actorId"] != id || newest["name"] != "" || newest["subject"] != "person/"+id {
			t.Errorf("%v", newest)
		}
		if got := owner.send("GET", "/members", nil).Body.String(); strings.Contains(got, id) {
			t.Errorf("%s", got)
		}
		// What made the person a member is not done again, nor shown; by another key the address is somebody new's.
		body := object{"email": bob, "name": "Bob", "role": "organizer"}
		owner.fails(409, "shown-once", "POST", "/members", body, keyHeader, "bob")
		if got := owner.does("POST", "/members", body, keyHeader, "new")["id"]; got == id {
			t.Errorf("%v is back", got)
		}
	})
}

// The last owner of an account stays, with all that it had, also in others.
func TestEraseLastOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner, b, id := withBob(t, db)
		p := owner.fails(409, "last-owner", "DELETE", "/me", object{"password": password})
		if !strings.Contains(p.Detail, "Nordlicht") {
			t.Errorf("%+v", p)
		}
		eve := o.browser()
		eve.does("POST", "/sign-ups", object{"account": "A of Eve", "name": "Eve", "email": "eve@example.org"})
		eve.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
		invited := eve.does("POST", "/members", object{"email": ana, "role": "presenter"})["id"]
		owner.does("POST", "/invitations/use", object{"token": token(o.link(ana, 1))})
		owner.fails(409, "last-owner", "DELETE", "/me", object{"password": password})
		if got := owner.does("GET", "/me", nil); len(got["accounts"].([]any)) != 2 || got["id"] != invited {
			t.Errorf("%v", got)
		}
		owner.does("PUT", "/me/account", object{"account": owner.does("GET", "/me", nil)["accounts"].([]any)[1].(object)["id"]})
		owner.does("PATCH", "/members/"+id, object{"role": "owner"})
		owner.does("DELETE", "/me", object{"password": password})
		b.fails(409, "last-owner", "DELETE", "/me", object{"password": password})
		for _, account := range []*browser{b, eve} {
			n, err := audit.Verify(t.Context(), db, uuid.MustParse(account.does("GET", "/account", nil)["id"].(string)))
			if newest := account.does("GET", "/audit", nil)["entries"].([]any)[0].(object); err != nil || n == 0 || newest["action"] != "erase-me" {
				t.Errorf("%d, %v, %v", n, err, newest)
			}
		}
	})
}

// Who has no password has logged in by a link just before. Passwords are tried as often as at log-in.
func TestEraseIsMeant(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	owner.does("POST", "/members", object{"email": bob, "role": "organizer"})
	b := o.browser()
	enter := func(n int) {
		t.Helper()
		b.does("POST", "/log-in-links", object{"email": bob})
		b.does("POST", "/log-in-links/use", object{"token": token(o.link(bob, n))})
	}
	enter(2)
	o.pass(10 * time.Minute)
	b.fails(403, "log-in-again", "DELETE", "/me", nil)
	b.fails(403, "log-in-again", "DELETE", "/me", object{"password": password})
	enter(3)
	o.pass(9 * time.Minute)
	b.does("DELETE", "/me", nil)
	o.link(bob, 0)

	for range 10 {
		owner.fails(403, "password", "DELETE", "/me", object{"password": "wrong"})
	}
	owner.fails(429, "too-many", "DELETE", "/me", object{"password": password})
	owner.fails(403, "cross-site", "DELETE", "/me", object{"password": password}, "Origin", "https://evil.example")
	b.fails(401, "unauthorized", "DELETE", "/me", nil)
	b.fails(401, "unauthorized", "GET", "/me/export", nil)
}
