package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

func TestFirstAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o := newOffice(t, db)
		b := o.browser()
		if got := b.does("GET", "/setup", nil); got["needed"] != true {
			t.Errorf("%v", got)
		}
		b.fails(422, "invalid", "POST", "/setup", object{"account": "A", "name": "Ana", "email": "no address", "password": password})
		b.fails(422, "invalid", "POST", "/setup", object{"account": "A", "name": "Ana", "email": ana, "password": "too short"})
		_, b = founded(t, db)
		me := b.does("GET", "/me", nil)
		shown := me["account"].(object)
		if me["email"] != ana || me["language"] != "fr" || me["timeZone"] != "America/Toronto" || shown["name"] != "Nordlicht" || shown["role"] != "owner" {
			t.Errorf("%v", me)
		}
		if got := b.does("GET", "/setup", nil); got["needed"] != false {
			t.Errorf("%v", got)
		}
		o.browser().fails(409, "set-up", "POST", "/setup", object{"account": "B", "name": "Bob", "email": "bob@example.org", "password": password})
	})
}

// A wrong password and an address that nobody has get the same answer; ten wrong ones, and it takes a while.
func TestPassword(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	b := o.browser()
	wrong := b.send("POST", "/log-in", object{"email": ana, "password": "wrong"})
	nobody := b.send("POST", "/log-in", object{"email": "nobody@example.org", "password": "wrong"})
	if wrong.Code != 401 || nobody.Code != 401 || wrong.Body.String() != nobody.Body.String() {
		t.Errorf("%d %s\n%d %s", wrong.Code, wrong.Body, nobody.Code, nobody.Body)
	}
	if me := b.does("POST", "/log-in", object{"email": "ANA@example.org ", "password": password}); me["name"] != "Ana" {
		t.Errorf("%v", me)
	}
	b.does("GET", "/me", nil)
	b.does("POST", "/log-out", nil)
	b.fails(401, "unauthorized", "GET", "/me", nil)
	for range 8 {
		b.send("POST", "/log-in", object{"email": ana, "password": "wrong"})
	}
	b.fails(429, "too-many", "POST", "/log-in", object{"email": ana, "password": password})
	o.pass(time.Minute)
	b.does("POST", "/log-in", object{"email": ana, "password": password})
}

// A link logs in once, in the browser that asked, within ten minutes; elsewhere it shows a code for that browser.
func TestLogInLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, _ := founded(t, db)
		b, phone := o.browser(), o.browser()
		known := b.send("POST", "/log-in-links", object{"email": ana})
		unknown := phone.send("POST", "/log-in-links", object{"email": "nobody@example.org"})
		if known.Code != 200 || known.Body.String() != unknown.Body.String() || len(known.Result().Cookies()) != len(unknown.Result().Cookies()) {
			t.Errorf("%d %s\n%d %s", known.Code, known.Body, unknown.Code, unknown.Body)
		}
		o.link("nobody@example.org", 0)
		phone.jar = map[string]string{}
		at := token(o.link(ana, 1))
		if got := b.does("POST", "/log-in-links/open", object{"token": at}); got["here"] != true || got["email"] != ana || got["code"] != nil {
			t.Errorf("%v", got)
		}
		there := phone.does("POST", "/log-in-links/open", object{"token": at})
		if there["here"] != false || len(there["code"].(string)) != 6 {
			t.Errorf("%v", there)
		}
		phone.fails(409, "other-browser", "POST", "/log-in-links/use", object{"token": at})
		b.fails(401, "unauthorized", "GET", "/me", nil)
		b.does("POST", "/log-in-links/use", object{"token": at})
		b.does("GET", "/me", nil)
		b.fails(410, "link-dead", "POST", "/log-in-links/use", object{"token": at})
		b.fails(410, "link-dead", "POST", "/log-in-links/open", object{"token": at})

		// By the code.
		b = o.browser()
		b.does("POST", "/log-in-links", object{"email": ana})
		code := phone.does("POST", "/log-in-links/open", object{"token": token(o.link(ana, 2))})["code"]
		b.fails(401, "code", "POST", "/log-in-links/code", object{"code": "000000"})
		phone.fails(410, "link-dead", "POST", "/log-in-links/code", object{"code": code})
		b.does("POST", "/log-in-links/code", object{"code": code})
		b.does("GET", "/me", nil)

		// Too often wrong, and too late.
		b = o.browser()
		b.does("POST", "/log-in-links", object{"email": ana})
		code = phone.does("POST", "/log-in-links/open", object{"token": token(o.link(ana, 3))})["code"]
		for range 5 {
			b.fails(401, "code", "POST", "/log-in-links/code", object{"code": "000000"})
		}
		b.fails(410, "link-dead", "POST", "/log-in-links/code", object{"code": code})
		b.does("POST", "/log-in-links", object{"email": ana})
		at = token(o.link(ana, 4))
		o.pass(10*time.Minute + time.Second)
		b.fails(410, "link-dead", "POST", "/log-in-links/use", object{"token": at})
	})
}

// Five mails in ten minutes go to an address, and the sixth is answered as they were.
func TestLogInMailsAreFew(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	for range 7 {
		o.browser().does("POST", "/log-in-links", object{"email": ana})
	}
	o.link(ana, 5)
	o.pass(2 * time.Minute)
	o.browser().does("POST", "/resets", object{"email": ana})
	o.link(ana, 6)
}

func TestSignUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, _ := founded(t, db)
		b := o.browser()
		eve := object{"account": "Eve & Co", "name": "Eve", "email": "eve@example.org"}
		b.does("POST", "/sign-ups", eve)
		at := token(o.link("eve@example.org", 1))
		b.fails(422, "invalid", "POST", "/sign-ups/use", object{"token": at, "password": "short"})
		b.does("POST", "/sign-ups/use", object{"token": at, "password": password})
		if me := b.does("GET", "/me", nil); me["account"].(object)["name"] != "Eve & Co" || me["name"] != "Eve" {
			t.Errorf("%v", me)
		}
		b.fails(410, "link-dead", "POST", "/sign-ups/use", object{"token": at, "password": password})

		// Who is known is told so, by mail alone.
		b = o.browser()
		if got := b.does("POST", "/sign-ups", object{"account": "X", "name": "X", "email": ana}); got["sent"] != true {
			t.Errorf("%v", got)
		}
		if link := o.link(ana, 1); link != "/login" {
			t.Errorf("%s", link)
		}
	})
}

// A new password ends all other log-ins, and the link works once.
func TestReset(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, old := founded(t, db)
		b := o.browser()
		b.does("POST", "/resets", object{"email": ana})
		at := token(o.link(ana, 1))
		b.fails(422, "invalid", "POST", "/resets/use", object{"token": at, "password": "short"})
		b.does("POST", "/resets/use", object{"token": at, "password": "another good one"})
		b.does("GET", "/me", nil)
		old.fails(401, "unauthorized", "GET", "/me", nil)
		b.fails(410, "link-dead", "POST", "/resets/use", object{"token": at, "password": password})
		b.fails(401, "log-in", "POST", "/log-in", object{"email": ana, "password": password})
		b.does("POST", "/log-in", object{"email": ana, "password": "another good one"})
	})
}

// Somebody who is invited chooses a password at first sign-in, and is what the invitation says.
func TestInvitation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		m := owner.does("POST", "/members", object{"email": "Bob@example.org", "name": "Bob", "role": "organizer", "language": "en-GB"})
		if m["joinedAt"] != nil || m["role"] != "organizer" || m["email"] != "bob@example.org" {
			t.Errorf("%v", m)
		}
		owner.fails(409, "member", "POST", "/members", object{"email": "bob@example.org", "role": "owner"})

		// Who is invited elsewhere, too, is answered like somebody new.
		eve := o.browser()
		eve.does("POST", "/sign-ups", object{"account": "Eve", "name": "Eve", "email": "eve@example.org"})
		eve.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
		for email, name := range map[string]string{ana: "X", "new@example.org": "X"} {
			if m := eve.does("POST", "/members", object{"email": email, "name": name, "role": "presenter"}); m["name"] != "" || m["joinedAt"] != nil {
				t.Errorf("%v", m)
			}
		}
		older := token(o.link("bob@example.org", 1))
		owner.does("POST", "/members/"+m["id"].(string)+"/invitation", nil)
		at := token(o.link("bob@example.org", 2))
		bob := o.browser()
		if got := bob.does("POST", "/invitations/open", object{"token": at}); got["account"] != "Nordlicht" || got["role"] != "organizer" || got["known"] != false {
			t.Errorf("%v", got)
		}
		bob.fails(422, "invalid", "POST", "/invitations/use", object{"token": at})
		bob.does("POST", "/invitations/use", object{"token": at, "password": password, "name": "Robert", "timeZone": "Europe/Paris"})
		o.browser().fails(410, "link-dead", "POST", "/invitations/use", object{"token": older}) // of the mail before
		if me := bob.does("GET", "/me", nil); me["name"] != "Robert" || me["account"].(object)["role"] != "organizer" {
			t.Errorf("%v", me)
		}
		bob.fails(403, "forbidden", "PATCH", "/account", object{"name": "Bob's"})
		owner.fails(409, "joined", "POST", "/members/"+m["id"].(string)+"/invitation", nil)

		// A role holds at once, and so does its end.
		owner.does("PATCH", "/members/"+m["id"].(string), object{"role": "owner"})
		bob.does("PATCH", "/account", object{"name": "Bob's"})
		owner.does("DELETE", "/members/"+m["id"].(string), nil)
		bob.fails(401, "unauthorized", "GET", "/account", nil)
		bob.does("POST", "/log-in", object{"email": "bob@example.org", "password": password})
		if me := bob.does("GET", "/me", nil); me["account"] != nil {
			t.Errorf("%v", me)
		}
		bob.fails(403, "forbidden", "GET", "/account", nil)
	})
}

// What is not seen is taken out of names: PostgreSQL takes no NUL, and people are misled by the rest.
func TestNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		if got := owner.does("PATCH", "/account", object{"name": " \u202eNord\x00licht\n"}); got["name"] != "Nordlicht" {
			t.Errorf("%v", got)
		}
		tag := owner.send("GET", "/me", nil).Header().Get("ETag")
		if me := owner.does("PATCH", "/me", object{"name": "A\x00na", "signature": "A\x00.\n\tB."}, "If-Match", tag); me["name"] != "Ana" || me["signature"] != "A.\n\tB." {
			t.Errorf("%v", me)
		}
		b := o.browser()
		b.does("POST", "/sign-ups", object{"account": "E\x00ve", "name": "\x1bEve", "email": "eve@example.org"})
		me := b.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
		if me["name"] != "Eve" || me["account"].(object)["name"] != "Eve" {
			t.Errorf("%v", me)
		}
		owner.does("POST", "/members", object{"email": "bob@example.org", "name": "B\x00ob", "role": "presenter"})
	})
}

func TestLastOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		_, owner := founded(t, db)
		id := owner.does("GET", "/me", nil)["id"].(string)
		owner.fails(409, "last-owner", "PATCH", "/members/"+id, object{"role": "organizer"})
		owner.fails(409, "last-owner", "DELETE", "/members/"+id, nil)
		if got := owner.does("GET", "/me", nil)["account"].(object)["role"]; got != "owner" {
			t.Errorf("%v", got)
		}
	})
}

// Of two who edit, the second is told, and nothing is lost.
func TestEditMe(t *testing.T) {
	_, b := founded(t, storetest.New(t))
	w := b.send("GET", "/me", nil)
	tag := w.Header().Get("ETag")
	b.fails(428, "if-match", "PATCH", "/me", object{"name": "A"})
	b.fails(422, "invalid", "PATCH", "/me", object{"timeZone": "Mars/Olympus"}, "If-Match", tag)
	first := b.send("PATCH", "/me", object{"name": "Anaïs", "signature": "A.\n"}, "If-Match", tag)
	if first.Code != 200 || first.Header().Get("ETag") == tag {
		t.Fatalf("%d %v %s", first.Code, first.Header(), first.Body)
	}
	b.fails(412, "changed", "PATCH", "/me", object{"name": "Other"}, "If-Match", tag)
	if me := b.does("GET", "/me", nil); me["name"] != "Anaïs" || me["signature"] != "A.\n" || me["language"] != "fr" {
		t.Errorf("%v", me)
	}
	b.does("PATCH", "/me", object{"country": "CA"}, "If-Match", first.Header().Get("ETag"))
}

func TestLogIns(t *testing.T) {
	o, here := founded(t, storetest.New(t))
	there := o.at("[2001:db8::1]:99")
	there.does("POST", "/log-in", object{"email": ana, "password": password}, "User-Agent", "Telephone/1 "+strings.Repeat("x", 500))
	w := here.send("GET", "/me/log-ins", nil)
	var all []struct {
		ID, Address, Agent string
		Here               bool
	}
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all) != 2 {
		t.Fatalf("%v %s", err, w.Body)
	}
	for _, l := range all {
		if !l.Here && (l.Address != "2001:db8::1" || len(l.Agent) != 200) {
			t.Errorf("%+v", l)
		}
		if !l.Here {
			here.does("DELETE", "/me/log-ins/"+l.ID, nil)
			here.fails(404, "not-found", "DELETE", "/me/log-ins/"+l.ID, nil)
		}
	}
	there.fails(401, "unauthorized", "GET", "/me", nil)
	there.does("POST", "/log-in", object{"email": ana, "password": password})
	here.does("DELETE", "/me/log-ins", nil)
	there.fails(401, "unauthorized", "GET", "/me", nil)
	here.does("GET", "/me", nil)
	o.pass(31 * 24 * time.Hour)
	here.fails(401, "unauthorized", "GET", "/me", nil)
}

func TestNewPassword(t *testing.T) {
	o, here := founded(t, storetest.New(t))
	there := o.browser()
	there.does("POST", "/log-in", object{"email": ana, "password": password})
	here.fails(403, "password", "PUT", "/me/password", object{"old": "wrong", "new": "another good one"})
	here.fails(422, "invalid", "PUT", "/me/password", object{"old": password, "new": "short"})
	here.does("PUT", "/me/password", object{"old": password, "new": "another good one"})
	here.does("GET", "/me", nil)
	there.fails(401, "unauthorized", "GET", "/me", nil)
	there.does("POST", "/log-in", object{"email": ana, "password": "another good one"})
}

// What a member did stands in the account's log, and nobody of another account sees it.
func TestAuditLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		owner.does("PATCH", "/account", object{"name": "Südlicht"})
		for range 3 {
			owner.does("PATCH", "/account", object{"name": "Nordlicht"})
		}
		page := owner.does("GET", "/audit?limit=2", nil)
		entries := page["entries"].([]any)
		e := entries[0].(object)
		if len(entries) != 2 || e["number"] != 5.0 || e["action"] != "rename-account" || e["name"] != "Ana" || e["network"] != "203.0.113.0/24" {
			t.Errorf("%v", page)
		}
		last := owner.does("GET", "/audit?cursor=2", nil)
		if first := last["entries"].([]any)[0].(object); first["action"] != "set-up" || last["next"] != nil {
			t.Errorf("%v", last)
		}
		eve := o.browser()
		eve.does("POST", "/sign-ups", object{"account": "Eve", "name": "Eve", "email": "eve@example.org"})
		eve.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
		if got := eve.does("GET", "/audit", nil)["entries"].([]any); len(got) != 1 {
			t.Errorf("%v", got)
		}
	})
}

// A fault of ours is answered without a word of what it is, and stands in the log under the id that the answer names.
func TestFault(t *testing.T) {
	db, err := store.Connect(t.Context(), store.Config{Dir: t.TempDir()}, storetest.Deps(t)) // without a table
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var log bytes.Buffer
	o := newOffice(t, &storetest.DB{DB: db})
	d := o.deps()
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	o.api = New(Config{Version: "1"}, d)
	b := o.browser()
	for _, row := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/setup", nil},
		{"POST", "/log-in", object{"email": ana, "password": password}},
		{"POST", "/log-in-links", object{"email": ana}},
		{"POST", "/setup", object{"account": "A", "name": "Ana", "email": ana, "password": password}},
	} {
		log.Reset()
		p := b.fails(500, "internal", row.method, row.path, row.body)
		id, ok := strings.CutPrefix(p.Instance, "/problems/log/")
		if !ok || !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "no such table") || p.Detail != "" {
			t.Errorf("%s %s: %+v, log: %s", row.method, row.path, p, &log)
		}
		if strings.Contains(log.String(), password) || strings.Contains(log.String(), ana) {
			t.Errorf("%s %s: the log tells of the person: %s", row.method, row.path, &log)
		}
	}
	b.jar["__Host-freshet"], b.jar["freshet"] = "x", "x"
	b.fails(503, "unavailable", "GET", "/me", nil)
}

// Cookies are for TLS alone where the pages are reached so, be it through a proxy.
func TestCookies(t *testing.T) {
	for pages, want := range map[string]string{"https://webcasts.example": "__Host-freshet", "http://127.0.0.1:8080": "freshet"} {
		o := newOffice(t, storetest.New(t))
		o.api = New(Config{Version: "1", Pages: pages}, o.deps())
		b := o.browser()
		w := b.send("POST", "/setup", object{"account": "A", "name": "Ana", "email": ana, "password": password})
		for _, c := range w.Result().Cookies() {
			if !c.HttpOnly || c.Secure != strings.HasPrefix(pages, "https") || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%s: %v", pages, c)
			}
		}
		if b.jar[want] == "" || len(b.jar) != 1 {
			t.Errorf("%s: %v", pages, b.jar)
		}
		b.does("GET", "/me", nil)
	}
}

// A page of another site can have a browser send its cookie with a request, but not have that count.
func TestCrossSite(t *testing.T) {
	_, b := founded(t, storetest.New(t))
	b.fails(403, "cross-site", "PATCH", "/account", object{"name": "X"}, "Sec-Fetch-Site", "cross-site")
	b.fails(403, "cross-site", "PATCH", "/account", object{"name": "X"}, "Origin", "https://evil.example")
	b.does("PATCH", "/account", object{"name": "X"}, "Sec-Fetch-Site", "same-origin")
}

// The mailbox is for whoever sits at the machine: not for others, for a page of another site, nor under a name that
// somebody else has for this machine.
func TestMailbox(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	o.browser().does("POST", "/log-in-links", object{"email": ana})
	for _, row := range []struct {
		from, host string
		headers    []string
		open, ok   bool
	}{
		{"127.0.0.1:9", "127.0.0.1:8080", nil, true, true},
		{"[::1]:9", "localhost:8080", []string{"Sec-Fetch-Site", "same-origin"}, true, true},
		{"127.0.0.1:9", "127.0.0.1:8080", nil, false, false},
		{"203.0.113.7:9", "127.0.0.1:8080", nil, true, false},
		{"127.0.0.1:9", "evil.example", nil, true, false},
		{"127.0.0.1:9", "127.0.0.1:8080", []string{"Sec-Fetch-Site", "cross-site"}, true, false},
		{"127.0.0.1:9", "127.0.0.1:8080", []string{"Origin", "https://evil.example"}, true, false},
	} {
		api := New(Config{Version: "1", Pages: "http://127.0.0.1:8080", Mailbox: row.open}, o.deps())
		b := &browser{o: &office{t: t, api: api, db: o.db}, from: row.from, host: row.host, jar: map[string]string{}}
		w := b.send("GET", "/dev/mails", nil, row.headers...)
		if w.Code == http.StatusOK != row.ok {
			t.Errorf("%+v: %d %s", row, w.Code, w.Body)
			continue
		}
		if !row.ok {
			continue
		}
		var all []mail.Kept
		if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all) != 1 || all[0].To != ana {
			t.Fatalf("%v %s", err, w.Body)
		}
		if one := b.does("GET", "/dev/mails/"+all[0].ID.String(), nil); !strings.Contains(one["html"].(string), "https://webcasts.example/login/link/") {
			t.Errorf("%v", one)
		}
		b.fails(404, "not-found", "GET", "/dev/mails/"+store.NewID().String(), nil)
	}
}

// An invitation may lie in a mailbox for days: whoever has a password gives that, too, or is logged in.
func TestInvitationOfSomebodyKnown(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	eve := o.browser()
	eve.does("POST", "/sign-ups", object{"account": "Eve", "name": "Eve", "email": "eve@example.org"})
	eve.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
	m := owner.does("POST", "/members", object{"email": "eve@example.org", "role": "presenter"})
	at := token(o.link("eve@example.org", 2))
	other := o.browser()
	if got := other.does("POST", "/invitations/open", object{"token": at}); got["known"] != true || got["here"] != false {
		t.Errorf("%v", got)
	}
	if got := eve.does("POST", "/invitations/open", object{"token": at}); got["here"] != true {
		t.Errorf("%v", got)
	}
	other.fails(401, "log-in", "POST", "/invitations/use", object{"token": at})
	other.fails(401, "log-in", "POST", "/invitations/use", object{"token": at, "password": "another good one"})
	owner.fails(401, "log-in", "POST", "/invitations/use", object{"token": at})
	if me := other.does("POST", "/invitations/use", object{"token": at, "password": password}); me["account"].(object)["role"] != "presenter" {
		t.Errorf("%v", me)
	}
	owner.does("DELETE", "/members/"+m["id"].(string), nil)
	owner.does("POST", "/members", object{"email": "eve@example.org", "role": "organizer"})
	if me := eve.does("POST", "/invitations/use", object{"token": token(o.link("eve@example.org", 3))}); me["account"].(object)["role"] != "organizer" {
		t.Errorf("%v", me)
	}
}

// Of several links for a new password the first that is used is the last.
func TestOneReset(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	b := o.browser()
	b.does("POST", "/resets", object{"email": ana})
	older := token(o.link(ana, 1))
	o.pass(time.Minute)
	b.does("POST", "/resets", object{"email": ana})
	b.does("POST", "/resets/use", object{"token": token(o.link(ana, 2)), "password": "another good one"})
	b.fails(410, "link-dead", "POST", "/resets/use", object{"token": older, "password": password})
}

// A database that does nothing now is a fault of the moment, and what it says of itself stays inside.
func TestDatabaseAway(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	stranger := o.browser()
	if err := o.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*httptest.ResponseRecorder{
		owner.send("GET", "/account", nil), stranger.send("GET", "/setup", nil),
		stranger.send("POST", "/log-in", object{"email": ana, "password": password}),
		stranger.send("POST", "/sign-ups", object{"account": "A", "name": "A", "email": "new@example.org"}),
	} {
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "sql") {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	}
}

// A proxy's word of where a caller is counts where one stands before control, and only its own.
func TestForwarded(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	for _, row := range []struct {
		proxied bool
		headers []string
		want    string
	}{
		{false, []string{"X-Forwarded-For", "198.51.100.9"}, "203.0.113.7"},
		{true, nil, "203.0.113.7"},
		{true, []string{"X-Forwarded-For", "198.51.100.9"}, "198.51.100.9"},
		{true, []string{"X-Forwarded-For", "127.0.0.1, 198.51.100.9"}, "198.51.100.9"},
		{true, []string{"X-Forwarded-For", "2001:db8::9"}, "2001:db8::9"},
		{true, []string{"X-Forwarded-For", "nonsense"}, ""},
	} {
		api := New(Config{Version: "1", Pages: "https://webcasts.example", Proxied: row.proxied}, o.deps())
		b := &browser{o: &office{t: t, api: api, db: o.db}, from: "203.0.113.7:4711", jar: map[string]string{}}
		if got := b.tells(row.headers...); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

// tells returns the address from which the API thinks that b comes.
func (b *browser) tells(headers ...string) string {
	b.o.t.Helper()
	b.does("POST", "/log-in", object{"email": ana, "password": password}, headers...)
	var all []login.Device
	if err := json.Unmarshal(b.send("GET", "/me/log-ins", nil, headers...).Body.Bytes(), &all); err != nil {
		b.o.t.Fatal(err)
	}
	for _, l := range all {
		if l.Here {
			return l.Address
		}
	}
	b.o.t.Fatalf("no log-in is here: %v", all)
	return ""
}

// A name of which nothing is seen is none.
func TestUnseenNames(t *testing.T) {
	o := newOffice(t, storetest.New(t))
	b := o.browser()
	for _, name := range []string{"   ", "\u202e", "\x00\x01"} {
		for _, pointer := range []string{"name", "account"} {
			body := object{"account": "A", "name": "Ana", "email": ana, "password": password}
			body[pointer] = name
			if p := b.fails(422, "invalid", "POST", "/setup", body); len(p.Errors) != 1 || p.Errors[0].Pointer != "/"+pointer {
				t.Errorf("%q: %+v", name, p)
			}
		}
	}
	b.does("POST", "/setup", object{"account": "A", "name": "Ana", "email": ana, "password": password})
	b.fails(422, "invalid", "PATCH", "/account", object{"name": " "})
	b.fails(422, "invalid", "PATCH", "/me", object{"name": " "}, "If-Match", b.send("GET", "/me", nil).Header().Get("ETag"))
}
