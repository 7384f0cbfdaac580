package api

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/control/mail"
	"freshet/control/store/storetest"
)

// letters returns the mails to an address, the oldest first.
func (o *office) letters(to string) []mail.Sent {
	o.t.Helper()
	all, err := mail.To(o.t.Context(), o.db, to)
	if err != nil {
		o.t.Fatal(err)
	}
	return all
}

// kinds of the mails to an address, in order, after all that mailings wait to write is written.
func (o *office) kinds(to string) string {
	o.t.Helper()
	if _, err := o.mailer.Work(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	var kinds []string
	for _, m := range o.letters(to) {
		kinds = append(kinds, string(m.Kind))
	}
	return strings.Join(kinds, " ")
}

// other returns another character of base64url.
func other(c string) string {
	if c == "_" {
		return "-"
	}
	return "_"
}

// passOf returns the pass in the last mail to an address.
func (o *office) passOf(to string) string {
	o.t.Helper()
	all := o.letters(to)
	if len(all) == 0 {
		o.t.Fatalf("no mail to %s", to)
	}
	_, after, ok := strings.Cut(all[len(all)-1].Message.V.Text, "https://webcasts.example/t/")
	if !ok {
		o.t.Fatalf("no pass in %s", all[len(all)-1].Message.V.Text)
	}
	return after[:strings.IndexAny(after, "\r\n")]
}

// guests returns what b lists, and the answer whole.
func guests(b *browser, at, query string) ([]object, object) {
	b.o.t.Helper()
	out := b.does("GET", at+"/guests"+query, nil)
	var all []object
	for _, g := range out["guests"].([]any) {
		all = append(all, g.(object))
	}
	return all, out
}

// names of guests, with what they are.
func names(all []object) string {
	var s []string
	for _, g := range all {
		s = append(s, fmt.Sprintf("%v %v", g["name"], g["state"]))
	}
	return strings.Join(s, ", ")
}

var form = []object{
	{"id": "company", "label": "Company", "kind": "text", "required": true},
	{"label": "Meal", "kind": "choice", "options": []string{"Fish", "Rice"}},
	{"id": "news", "label": "Newsletter", "kind": "checkbox"},
	{"id": "terms", "label": "I agree", "kind": "consent", "required": true},
}

func TestRegister(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		tag := owner.send("GET", "/me", nil).Header().Get("ETag")
		owner.does("PATCH", "/me", object{"signature": "Ana\nNordlicht"}, "If-Match", tag)
		owner.does("PATCH", "/account/brand", object{"colour": "#7A1F5C"}, "If-Match", "*")
		at, e := o.plan(owner, object{
			"title": "Launch", "startsAt": "2026-11-30T10:00:00Z", "access": "registration", "form": form, "timeZone": "America/Toronto", "lobby": "Bring tea.",
			"agenda": []object{{"at": 90, "title": "Questions"}},
		})
		if meal := e["form"].([]any)[1].(object); meal["id"] != "field-2" {
			t.Errorf("%v", meal)
		}
		slug := e["slug"].(string)
		anyone := o.at("198.51.100.9:1")
		if p := anyone.does("GET", "/public/events/by-slug/"+slug, nil); p["registration"] != "open" || len(p["form"].([]any)) != 4 || p["approval"] != false {
			t.Errorf("%v", p)
		}
		right := object{"company": " ACME\u202e ", "field-2": "Rice", "terms": true}
		register := func(email string, status string) {
			t.Helper()
			w := anyone.send("POST", "/events/"+slug+"/register", object{"name": "Zoë", "email": email, "language": "fr-CA", "answers": right})
			if w.Code != 202 || !strings.Contains(w.Body.String(), `{"status":"`+status+`"}`) {
				t.Errorf("%s: %d %s", email, w.Code, w.Body)
			}
		}
		register(" Zoe@Example.org", "sent")
		all, _ := guests(owner, at, "")
		if g := all[0]; len(all) != 1 || g["email"] != "Zoe@Example.org" || g["source"] != "registered" || g["state"] != "in" || g["language"] != "fr-CA" ||
			fmt.Sprint(g["answers"]) != "map[company:ACME field-2:Rice terms:true]" || g["mail"].(object)["state"] != "waiting" || g["invitedAt"] != nil {
			t.Errorf("%v", all)
		}
		m := o.letters("zoe@example.org")[0].Message.V
		for _, want := range []string{
			"Vous êtes inscrit : Launch", "Bonjour Zoë,", "lundi 30 novembre 2026 à 5 h 00 (America/Toronto)", "Bring tea.", "06:30  Questions",
			"Ana\nNordlicht", "https://webcasts.example/t/", e["number"].(string)[6:],
		} {
			if !strings.Contains(m.Subject+m.Text, want) {
				t.Errorf("no %q in %s\n%s", want, m.Subject, m.Text)
			}
		}
		unfolded := strings.ReplaceAll(m.Calendar.Text, "\r\n ", "")
		for _, want := range []string{"METHOD:REQUEST", "SEQUENCE:1\r\n", "UID:" + e["id"].(string) + "@webcasts.example", "ORGANIZER:mailto:webcasts@example.org", ":mailto:zoe@example.org", "DTSTART:20261130T100000Z"} {
			if !strings.Contains(unfolded, want) {
				t.Errorf("no %q in %s", want, unfolded)
			}
		}
		if !strings.Contains(strings.ToLower(m.HTML), "background:#7a1f5c") {
			t.Errorf("no colour of the account in %s", m.HTML)
		}
		if m.Stop != "" || m.Calendar.Method != "REQUEST" {
			t.Errorf("%q %v", m.Stop, m.Calendar.Method)
		}
		pass := o.passOf("zoe@example.org")
		if p := anyone.does("GET", "/public/passes/"+pass, nil); p["name"] != "Zoë" || p["slug"] != slug || p["title"] != "Launch" || p["state"] != "scheduled" || p["timeZone"] != "America/Toronto" {
			t.Errorf("%v", p)
		}
		anyone.fails(404, "pass-unknown", "GET", "/public/passes/"+pass[:47]+other(pass[47:]), nil)
		anyone.fails(404, "pass-unknown", "GET", "/public/passes/x", nil)

		// A second time nothing changes, and the mail comes again: five times in ten minutes.
		for range 7 {
			register("ZOE@example.ORG", "sent")
		}
		if got := strings.Count(o.kinds("zoe@example.org"), "confirmation"); got != 5 {
			t.Errorf("%d mails", got)
		}
		if again := o.passOf("zoe@example.org"); again != pass {
			t.Errorf("%s, then %s", pass, again)
		}
		if all, out := guests(owner, at, ""); len(all) != 1 || out["total"] != 1.0 || all[0]["name"] != "Zoë" {
			t.Errorf("%v", out)
		}

		// Who was removed, or refused, does not get in any more; who was removed may register again.
		owner.does("POST", at+"/guests/"+all[0]["id"].(string)+"/refuse", nil)
		anyone.fails(404, "pass-unknown", "GET", "/public/passes/"+pass, nil)
		o.pass(10 * time.Minute)
		register("zoe@example.org", "sent")
		if n := len(o.letters("zoe@example.org")); n != 5 {
			t.Errorf("%d mails to somebody who was refused", n)
		}
		owner.does("POST", at+"/guests/"+all[0]["id"].(string)+"/accept", nil)
		if next := o.passOf("zoe@example.org"); next == pass {
			t.Error("the pass that was revoked is sent again")
		}
		anyone.does("GET", "/public/passes/"+o.passOf("zoe@example.org"), nil)
		anyone.fails(404, "pass-unknown", "GET", "/public/passes/"+pass, nil)
		pass = o.passOf("zoe@example.org")
		owner.does("DELETE", at+"/guests/"+all[0]["id"].(string), nil)
		anyone.fails(404, "pass-unknown", "GET", "/public/passes/"+pass, nil)
		owner.fails(404, "not-found", "POST", at+"/guests/"+all[0]["id"].(string)+"/accept", nil)
		register("zoe@example.org", "sent")
		if all, _ := guests(owner, at, ""); len(all) != 1 || o.passOf("zoe@example.org") == pass {
			t.Errorf("%v", all)
		}

		// An event that is over, or has another rule, takes nobody.
		owner.does("PATCH", at, object{"access": "open"}, "If-Match", "*")
		anyone.fails(409, "registration-closed", "POST", "/events/"+slug+"/register", object{"name": "Bo", "email": "bo@example.org"})
		owner.does("PATCH", at, object{"access": "registration"}, "If-Match", "*")
		owner.does("POST", at+"/cancel", nil)
		anyone.fails(409, "registration-closed", "POST", "/events/"+slug+"/register", object{"name": "Bo", "email": "bo@example.org"})
		if p := anyone.does("GET", "/public/events/by-slug/"+slug, nil); p["registration"] != "closed" {
			t.Errorf("%v", p)
		}
		if got := o.kinds("zoe@example.org"); !strings.HasSuffix(got, " confirmation cancelled") {
			t.Errorf("%s", got)
		}
		last := o.letters("zoe@example.org")
		if c := last[len(last)-1].Message.V.Calendar; c.Method != "CANCEL" || !strings.Contains(c.Text, "STATUS:CANCELLED") {
			t.Errorf("%v", c)
		}
	})
}

// What a registration must not be.
func TestBadRegistrations(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, e := o.plan(owner, object{"access": "registration", "form": form})
	path := "/events/" + e["slug"].(string) + "/register"
	for _, c := range []struct {
		name    string
		change  object
		pointer string
	}{
		{"no name", object{"name": "\u202e \x00"}, "/name"},
		{"a long name", object{"name": strings.Repeat("é", 81)}, "/name"},
		{"no address", object{"email": "zoe"}, "/email"},
		{"two addresses", object{"email": "a@example.org, b@example.org"}, "/email"},
		{"a header", object{"email": "a@example.org\r\nBcc: b@example.org"}, "/email"},
		{"no consent", object{"answers": object{"company": "A", "terms": false}}, "/answers/terms"},
		{"consent as a text", object{"answers": object{"company": "A", "terms": "true"}}, "/answers/terms"},
		{"nothing that is asked for", object{"answers": object{"company": " ", "terms": true}}, "/answers/company"},
		{"no answers", object{"answers": object{}}, "/answers/company"},
		{"an option that is none", object{"answers": object{"company": "A", "terms": true, "field-2": "Meat"}}, "/answers/field-2"},
		{"yes to a text", object{"answers": object{"company": true, "terms": true}}, "/answers/company"},
		{"a long answer", object{"answers": object{"company": strings.Repeat("é", 501), "terms": true}}, "/answers/company"},
		{"a list", object{"answers": object{"company": []string{"A"}, "terms": true}}, "/answers/company"},
		{"a field that is none", object{"answers": object{"company": "A", "terms": true, "x": true}}, "/answers"},
	} {
		body := object{"name": "Zoë", "email": "zoe@example.org", "answers": object{"company": "A", "terms": true}}
		for k, v := range c.change {
			body[k] = v
		}
		if p := o.browser().fails(422, "invalid", "POST", path, body); len(p.Errors) == 0 || p.Errors[0].Pointer != c.pointer {
			t.Errorf("%s: %+v", c.name, p.Errors)
		}
	}
	o.browser().fails(404, "event-unknown", "POST", "/events/nothing/register", object{"name": "Zoë", "email": "zoe@example.org"})
	if all, _ := guests(owner, at, ""); len(all) != 0 {
		t.Errorf("%v", all)
	}
	long := []object{}
	for range 31 {
		long = append(long, object{"label": "A", "kind": "text"})
	}
	for name, c := range map[string]struct {
		fields  object
		pointer string
	}{
		"31 fields":         {object{"form": long}, "/form"},
		"a long label":      {object{"form": []object{{"label": strings.Repeat("é", 201), "kind": "text"}}}, "/form/0/label"},
		"no label":          {object{"form": []object{{"label": "\u202e", "kind": "text"}}}, "/form/0/label"},
		"two of an id":      {object{"form": []object{{"id": "a", "label": "A", "kind": "text"}, {"id": "a", "label": "B", "kind": "text"}}}, "/form/1/id"},
		"one option":        {object{"form": []object{{"label": "A", "kind": "choice", "options": []string{"A"}}}}, "/form/0/options"},
		"an option twice":   {object{"form": []object{{"label": "A", "kind": "choice", "options": []string{"A", "B", "A"}}}}, "/form/0/options/2"},
		"options of a text": {object{"form": []object{{"label": "A", "kind": "text", "options": []string{"A"}}}}, "/form/0/options"},
		"a kind of none":    {object{"form": []object{{"label": "A", "kind": "date"}}}, "/form/0/kind"},
		"a cap of none":     {object{"cap": 0}, "/cap"},
	} {
		if p := owner.fails(422, "invalid", "PATCH", at, c.fields, "If-Match", "*"); len(p.Errors) == 0 || p.Errors[0].Pointer != c.pointer {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
	plain, _ := o.plan(owner, object{"options": object{"registration": false, "poll": true, "languages": true, "sms": true}})
	for pointer, fields := range map[string]object{"/form": {"form": form}, "/cap": {"cap": 3}, "/approval": {"approval": true}} {
		if p := owner.fails(422, "invalid", "PATCH", plain, fields, "If-Match", "*"); len(p.Errors) == 0 || p.Errors[0].Pointer != pointer {
			t.Errorf("%s, which was not ordered: %+v", pointer, p.Errors)
		}
	}
}

// Places are given in the order of registrations; who has none waits, and moves up when one frees up.
func TestCap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, object{"startsAt": "2026-11-30T10:00:00Z", "access": "registration", "cap": 2})
		slug := e["slug"].(string)
		register := func(name, status string) {
			t.Helper()
			if got := o.browser().does("POST", "/events/"+slug+"/register", object{"name": name, "email": name + "@example.org"}); got["status"] != status {
				t.Errorf("%s: %v", name, got)
			}
		}
		for i, name := range []string{"a", "b", "c", "d", "e"} {
			register(name, []string{"sent", "sent", "waiting", "waiting", "waiting"}[i])
			o.pass(time.Millisecond)
		}
		register("a", "waiting") // as anybody would be
		all, out := guests(owner, at, "")
		if got := names(all); got != "e waiting, d waiting, c waiting, b in, a in" || out["waiting"] != 3.0 {
			t.Errorf("%s, %v", got, out["waiting"])
		}
		if p := o.browser().does("GET", "/public/events/by-slug/"+slug, nil); p["registration"] != "waiting-list" {
			t.Errorf("%v", p)
		}
		if a, c := o.kinds("a@example.org"), o.kinds("c@example.org"); a != "confirmation confirmation" || c != "waiting" {
			t.Errorf("%s; %s", a, c)
		}
		if text := o.letters("c@example.org")[0].Message.V.Text; strings.Contains(text, "/t/") || !strings.Contains(text, "/e/"+slug) {
			t.Errorf("%s", text)
		}
		id := func(i int) string { return all[i]["id"].(string) }
		owner.fails(409, "full", "POST", at+"/guests/"+id(0)+"/accept", nil)
		owner.does("DELETE", at+"/guests/"+id(4), nil)
		owner.does("POST", at+"/guests/"+id(3)+"/refuse", nil)
		all, _ = guests(owner, at, "")
		if got := names(all); got != "e waiting, d in, c in, b refused" {
			t.Errorf("%s", got)
		}
		if got := o.kinds("c@example.org"); got != "waiting accepted" {
			t.Errorf("%s", got)
		}
		o.browser().does("GET", "/public/passes/"+o.passOf("c@example.org"), nil)
		owner.does("PATCH", at, object{"cap": 3}, "If-Match", "*")
		if all, _ := guests(owner, at, "?state=waiting"); len(all) != 0 {
			t.Errorf("%s", names(all))
		}
		if got := o.kinds("e@example.org"); got != "waiting accepted" {
			t.Errorf("%s", got)
		}

		// Where an organizer looks at each, nobody moves up without a word.
		owner.does("PATCH", at, object{"cap": nil, "approval": true}, "If-Match", "*")
		register("f", "waiting")
		owner.does("DELETE", at+"/guests/"+id(0), nil)
		all, _ = guests(owner, at, "?state=waiting")
		if got := names(all); got != "f waiting" {
			t.Errorf("%s", got)
		}
		if g := owner.does("POST", at+"/guests/"+all[0]["id"].(string)+"/accept", nil); g["state"] != "in" {
			t.Errorf("%v", g)
		}
		if got := o.kinds("f@example.org"); got != "waiting accepted" {
			t.Errorf("%s", got)
		}
		register("g", "waiting")
		owner.does("PATCH", at, object{"approval": false}, "If-Match", "*")
		if got := o.kinds("g@example.org"); got != "waiting accepted" {
			t.Errorf("%s", got)
		}
		if got := fmt.Sprint(owner.does("GET", at, nil)["cap"]); got != "<nil>" {
			t.Errorf("cap %s", got)
		}
	})
}

// Guests whom an organizer puts on the list, finds again, invites and takes off it.
func TestGuests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, object{"startsAt": "2026-11-30T10:00:00Z", "access": "token", "languages": []string{"fr"}})
		report := owner.does("POST", at+"/guests", object{"guests": []object{
			{"name": "Zoë Brontë", "email": "Zoe@Example.org", "language": "en"}, {"email": "bo@example.org"}, {"email": "BO@example.org"}, {"email": "nobody"},
			{"email": "al@example.org", "language": "Klingon!"},
		}}, keyHeader, "k")
		if fmt.Sprint(report["added"], report["double"]) != "2 1" || fmt.Sprint(report["bad"]) !=
			"[map[line:4 reason:This is not an email address.] map[line:5 reason:The language is no tag of BCP 47, such as en or fr-CA.]]" {
			t.Errorf("%v", report)
		}
		if got := owner.does("POST", at+"/guests", object{"guests": []object{{"email": "zoe@example.org"}, {"email": "cy@example.org"}}, "invite": true}); fmt.Sprint(got["added"], got["double"]) != "1 1" {
			t.Errorf("%v", got)
		}
		if got := o.kinds("zoe@example.org") + o.kinds("cy@example.org"); got != "invitation" {
			t.Errorf("%s", got)
		}
		for query, want := range map[string]string{"?search=bronte": "Zoë Brontë", "?search=ZOE@": "Zoë Brontë", "?search=nobody": "", "?source=registered": "", "?source=added&search=zo": "Zoë Brontë"} {
			all, out := guests(owner, at, query)
			if got := strings.TrimSuffix(names(all), " in"); got != want || int(out["total"].(float64)) != len(all) {
				t.Errorf("%s: %s, %v", query, got, out["total"])
			}
		}
		var pages []string
		for next := ""; ; {
			all, out := guests(owner, at, "?limit=2&cursor="+next)
			for _, g := range all {
				pages = append(pages, g["email"].(string)+" "+g["language"].(string))
			}
			if next, _ = out["next"].(string); next == "" {
				break
			}
		}
		slices.Sort(pages)
		if got := strings.Join(pages, ", "); got != "Zoe@Example.org en, bo@example.org fr, cy@example.org fr" {
			t.Errorf("%s", got)
		}
		owner.fails(422, "invalid", "GET", at+"/guests?cursor=x", nil)

		invite := func(body object, sent int) {
			t.Helper()
			key := fmt.Sprintf("%x%d", fmt.Sprint(body), sent)
			if got := owner.does("POST", at+"/invitations", body, keyHeader, key); got["sent"] != float64(sent) {
				t.Errorf("%v: %v", body, got)
			}
			if _, err := o.mailer.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		invite(object{"fresh": true}, 2)
		invite(object{"fresh": true}, 2) // asked once more: the same answer
		invite(object{"fresh": true}, 0)
		all, _ := guests(owner, at, "?search=bo")
		invite(object{"guests": []any{all[0]["id"], all[0]["id"]}}, 1)
		invite(object{"all": true}, 3)
		invite(object{"test": true}, 1)
		owner.does("PATCH", at, object{"title": "Launched"}, "If-Match", "*")
		owner.does("POST", at+"/guests", object{"guests": []object{{"email": "di@example.org"}}})
		if got := owner.does("GET", at+"/invitations", nil)["change"]; got != 3.0 {
			t.Errorf("%v would be told of a change, want 3", got)
		}
		invite(object{"change": true}, 3)
		for to, want := range map[string]string{
			"bo@example.org": "invitation invitation invitation change", "cy@example.org": "invitation invitation change",
			"di@example.org": "", ana: "invitation",
		} {
			if got := o.kinds(to); got != want {
				t.Errorf("%s: %s", to, got)
			}
		}
		letters := o.letters("cy@example.org")
		if first, last := letters[0].Message.V, letters[2].Message.V; !strings.Contains(first.Calendar.Text, "SEQUENCE:1\r\n") ||
			!strings.Contains(last.Calendar.Text, "SEQUENCE:2\r\n") || last.Subject != "Modification : Launched" || !strings.HasPrefix(last.Stop, "https://webcasts.example/api/v1/public/unsubscribe/") {
			t.Errorf("%v\n%v", first, last)
		}
		owner.fails(422, "invalid", "POST", at+"/invitations", object{})
		owner.fails(422, "invalid", "POST", at+"/invitations", object{"all": true, "fresh": true})

		owner.fails(409, "count", "DELETE", at+"/guests", object{"count": 3})
		pass := o.passOf("cy@example.org")
		owner.does("DELETE", at+"/guests", object{"count": 4})
		o.browser().fails(404, "pass-unknown", "GET", "/public/passes/"+pass, nil)
		if all, out := guests(owner, at, ""); len(all) != 0 || out["total"] != 0.0 {
			t.Errorf("%v", out)
		}
	})
}

// A file is put on the list as a whole, or not at all.
func TestImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, object{"startsAt": "2026-11-30T10:00:00Z", "access": "token", "languages": []string{"fr"}})
		owner.does("POST", at+"/guests", object{"guests": []object{{"email": "bo@example.org"}}})
		send := func(query, file string) *httptest.ResponseRecorder {
			return owner.raw("POST", Prefix+at+"/guests/import"+query, "text/csv; charset=utf-8", file)
		}
		if w := send("", "nom;courriel\nA;a@example.org\nB;b\n"); w.Code != 422 || !strings.Contains(w.Body.String(), `"pointer":"/line/3"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if _, out := guests(owner, at, ""); out["total"] != 1.0 {
			t.Errorf("%v guests", out["total"])
		}
		if w := send("?invite=true", "nom;courriel\nA;a@example.org\nB;BO@example.org\nC;c@example.org\nA;A@example.org"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"added":2,"double":2,"bad":[]}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		all, _ := guests(owner, at, "?source=imported")
		if got := names(all); got != "C in, A in" {
			t.Errorf("%s", got)
		}
		if got := o.kinds("a@example.org") + o.kinds("c@example.org") + o.kinds("bo@example.org"); got != "invitationinvitation" {
			t.Errorf("%s", got)
		}
	})
}

// 10,000 lines, the largest list that is promised, in a time that nobody waits for.
func TestLargeImport(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, _ := o.plan(owner, object{"startsAt": "2026-11-30T10:00:00Z", "access": "token"})
	var file strings.Builder
	file.WriteString("name,email,language\n")
	for i := range 10_000 {
		fmt.Fprintf(&file, "Guest %d,guest-%d@example.org,fr\n", i, i)
	}
	begun := time.Now()
	w := owner.raw("POST", Prefix+at+"/guests/import", "text/csv", file.String())
	took := time.Since(begun)
	if strings.TrimSpace(w.Body.String()) != `{"added":10000,"double":0,"bad":[]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	t.Logf("10,000 lines took %v", took)
	if limit := 2 * time.Second; took > limit && !raced() {
		t.Errorf("10,000 lines took %v, want %v at most", took, limit)
	}
	if w := owner.raw("POST", Prefix+at+"/guests/import", "text/csv", strings.ReplaceAll(file.String(), "@", "@mail.")); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	bad := owner.raw("POST", Prefix+at+"/guests/import", "text/csv", strings.ReplaceAll(file.String(), "7@", "7"))
	if bad.Code != 422 || strings.Count(bad.Body.String(), "/line/") != 1000 {
		t.Errorf("%d with %d lines", bad.Code, strings.Count(bad.Body.String(), "/line/"))
	}
	if _, out := guests(owner, at, ""); out["total"] != 20_000.0 {
		t.Errorf("%v guests", out["total"])
	}
}

// Who registers without end is told to wait, whatever the event and whether the address is known.
func TestRegisterRates(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	_, e := o.plan(owner, object{"startsAt": "2026-11-30T10:00:00Z", "access": "registration"})
	path := "/events/" + e["slug"].(string) + "/register"
	for range 20 {
		o.browser().does("POST", path, object{"name": "Zoë", "email": "zoe@example.org"})
	}
	o.browser().fails(429, "too-many", "POST", path, object{"name": "Zoë", "email": "ZOE@example.org"})
	office, home := o.at("198.51.100.9:1"), o.at("127.0.0.1:1")
	for i := range 500 {
		office.does("POST", path, object{"name": "Bo", "email": fmt.Sprintf("bo-%d@example.org", i)})
	}
	office.fails(429, "too-many", "POST", path, object{"name": "Bo", "email": "bo@example.org"})
	home.does("POST", path, object{"name": "Bo", "email": "bo@example.org"})
	o.pass(time.Second)
	office.does("POST", path, object{"name": "Cy", "email": "cy@example.org"})
	for range 500 {
		office.fails(404, "pass-unknown", "GET", "/public/passes/x", nil)
	}
	office.fails(429, "too-many", "GET", "/public/passes/x", nil)
}

// Whoever registers comes in by the link in the mail, is on the list as seen, and is out when an organizer removes them:
// neither the link nor the token they had lets them in again.
func TestGuestAtTheDoor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hear(o)
		h := opened(o, owner, object{"access": "registration"})
		at, anyone := h.at, o.browser()
		anyone.fails(401, "pass-missing", "POST", h.slug+"/enter", nil)
		anyone.does("POST", h.slug+"/register", object{"name": "Zoë", "email": "zoe@example.org"})
		pass := o.passOf("zoe@example.org")
		in := anyone.does("POST", h.slug+"/enter", object{"pass": pass})
		if in["way"] != "pass" || in["name"] != "Zoë" {
			t.Errorf("%v", in)
		}
		if got := h.watches(in["token"]); got != in["session"] {
			t.Errorf("an edge says %s", got)
		}
		all, _ := guests(owner, at, "")
		if len(all) != 1 || all[0]["seenAt"] == nil {
			t.Fatalf("%v", all)
		}
		o.browser().fails(409, "pass-in-use", "POST", h.slug+"/enter", object{"pass": pass})

		owner.does("DELETE", at+"/guests/"+all[0]["id"].(string), nil)
		anyone.fails(401, "pass-wrong", "POST", h.slug+"/enter", object{"pass": pass})
		o.with(in["token"]).fails(401, "token-wrong", "POST", h.slug+"/join", nil)

		anyone.does("POST", h.slug+"/register", object{"name": "Zoë", "email": "zoe@example.org"})
		refused := anyone.does("POST", h.slug+"/enter", object{"pass": o.passOf("zoe@example.org")})
		all, _ = guests(owner, at, "")
		owner.does("POST", at+"/guests/"+all[0]["id"].(string)+"/refuse", nil)
		o.with(refused["token"]).fails(401, "token-wrong", "POST", h.slug+"/join", nil)
		owner.does("POST", at+"/guests/"+all[0]["id"].(string)+"/accept", nil)
		again := anyone.does("POST", h.slug+"/enter", object{"pass": o.passOf("zoe@example.org")})
		owner.does("DELETE", at+"/guests", object{"count": 1})
		o.with(again["token"]).fails(401, "token-wrong", "POST", h.slug+"/join", nil)
		if got := h.watches(again["token"]); got == again["session"] {
			t.Error("an edge lets in a guest of a list that was emptied")
		}
	})
}

// Who is erased leaves no name at the door, however the address was typed, and has no token that is renewed.
func TestErasedAtTheDoor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner, b, _ := withBob(t, db)
		hear(o)
		h := opened(o, owner, object{"access": "registration"})
		o.browser().does("POST", h.slug+"/register", object{"name": "Robert B.", "email": "Bob@Example.org"})
		in := o.browser().does("POST", h.slug+"/enter", object{"pass": o.passOf(bob)})
		o.with(in["token"]).does("POST", h.slug+"/join", nil)
		if w := b.send("GET", "/me/export", nil); !strings.Contains(w.Body.String(), `"way":"pass"`) {
			t.Errorf("the entry is not taken away: %s", w.Body)
		}
		b.does("DELETE", "/me", object{"password": password})
		here := owner.does("GET", h.at+"/present", nil)
		if s := fmt.Sprint(here); strings.Contains(s, "Robert") || strings.Contains(strings.ToLower(s), "bob@") {
			t.Errorf("who is there: %s", s)
		}
		o.api.d.Door.First(t.Context())
		o.with(in["token"]).fails(401, "token-wrong", "POST", h.slug+"/join", nil)
	})
}
