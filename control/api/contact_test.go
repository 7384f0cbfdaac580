package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"freshet/control/store/storetest"
)

// people of the address book as b lists them: names, or addresses of those without.
func people(b *browser, query string) string {
	b.o.t.Helper()
	var all []string
	for _, c := range b.does("GET", "/contacts"+query, nil)["contacts"].([]any) {
		p := c.(object)
		if p["name"] == "" {
			p["name"] = p["email"]
		}
		all = append(all, p["name"].(string))
	}
	return strings.Join(all, ", ")
}

// contactID returns the id of the contact that query finds first.
func contactID(b *browser, query string) string {
	b.o.t.Helper()
	return b.does("GET", "/contacts"+query, nil)["contacts"].([]any)[0].(object)["id"].(string)
}

func TestContacts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		_, owner := founded(t, db)
		w := owner.send("POST", "/contacts", object{"contacts": []object{
			{"name": "Zoë Brontë", "email": "Zoe@Example.org", "language": "fr-CA"}, {"email": "bo@example.org"}, {"email": "zoe@example.org"}, {"name": "C", "email": "c"},
		}})
		if got, want := strings.TrimSpace(w.Body.String()), `{"added":2,"double":1,"bad":[{"line":4,"reason":"This is not an email address."}]}`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := people(owner, ""); got != "bo@example.org, Zoë Brontë" {
			t.Errorf("%s", got)
		}
		if got := people(owner, "?search=BRONTE"); got != "Zoë Brontë" {
			t.Errorf("found %s", got)
		}
		// By page, each once, whatever is between.
		first := owner.does("GET", "/contacts?limit=1", nil)
		if got := people(owner, "?limit=1&cursor="+first["next"].(string)); got != "Zoë Brontë" || first["total"] != 2.0 {
			t.Errorf("second page %s of %v", got, first["total"])
		}
		owner.fails(422, "invalid", "GET", "/contacts?cursor=x", nil)

		zoe := contactID(owner, "?search=zoe")
		c := owner.does("PATCH", "/contacts/"+zoe, object{"name": "Zoé", "language": ""}, "If-Match", `"1"`)
		if c["name"] != "Zoé" || c["email"] != "Zoe@Example.org" || c["language"] != "" || c["etag"] != `"2"` {
			t.Errorf("%v", c)
		}
		owner.fails(412, "changed", "PATCH", "/contacts/"+zoe, object{"name": "Z"}, "If-Match", `"1"`)
		owner.fails(428, "if-match", "PATCH", "/contacts/"+zoe, object{"name": "Z"})
		owner.fails(409, "taken", "PATCH", "/contacts/"+zoe, object{"email": "BO@example.org"}, "If-Match", "*")
		if p := owner.fails(422, "invalid", "PATCH", "/contacts/"+zoe, object{"email": "z"}, "If-Match", "*"); p.Errors[0].Pointer != "/email" {
			t.Errorf("%v", p.Errors)
		}

		owner.does("POST", "/contacts", object{"contacts": []object{{"email": "d@example.org"}, {"email": "e@example.org"}}})
		out := owner.does("POST", "/contacts/delete", object{"contacts": []string{contactID(owner, "?search=d@"), zoe, uuid.NewString()}})
		if out["changed"] != 2.0 || people(owner, "") != "bo@example.org, e@example.org" {
			t.Errorf("%v, left %s", out, people(owner, ""))
		}
		if w := owner.send("DELETE", "/contacts/"+contactID(owner, "?search=e@"), nil); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		owner.fails(404, "not-found", "DELETE", "/contacts/"+zoe, nil)
	})
}

func TestContactGroups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		_, owner := founded(t, db)
		press := owner.does("POST", "/contact-groups", object{"name": " Presse "})["id"].(string)
		owner.fails(409, "taken", "POST", "/contact-groups", object{"name": "PRESSÉ"})
		owner.fails(422, "invalid", "POST", "/contact-groups", object{"name": " \u202e"})
		owner.does("POST", "/contacts", object{"contacts": []object{{"email": "a@example.org"}, {"email": "b@example.org"}}})
		// Who was in the book before is in the group, too.
		owner.does("POST", "/contacts", object{"contacts": []object{{"email": "b@example.org"}, {"email": "c@example.org"}}, "group": press})
		in := "?group=" + press
		if got := people(owner, in); got != "b@example.org, c@example.org" {
			t.Errorf("in the group: %s", got)
		}
		a, b := contactID(owner, "?search=a@"), contactID(owner, "?search=b@")
		if out := owner.does("POST", "/contact-groups/"+press+"/contacts", object{"contacts": []string{a, b}}); out["changed"] != 1.0 {
			t.Errorf("%v", out)
		}
		if out := owner.does("POST", "/contact-groups/"+press+"/contacts/remove", object{"contacts": []string{b}}); out["changed"] != 1.0 || people(owner, in) != "a@example.org, c@example.org" {
			t.Errorf("%v, in the group: %s", out, people(owner, in))
		}
		if p := owner.fails(422, "invalid", "POST", "/contact-groups/"+press+"/contacts", object{"contacts": []string{a, uuid.NewString()}}); p.Errors[0].Pointer != "/contacts/1" {
			t.Errorf("%v", p.Errors)
		}
		owner.fails(422, "invalid", "POST", "/contacts", object{"contacts": []object{{"email": "d@example.org"}}, "group": uuid.NewString()})
		staff := owner.does("POST", "/contact-groups", object{"name": "Équipe"})["id"].(string)
		owner.fails(409, "taken", "PATCH", "/contact-groups/"+staff, object{"name": "presse"})
		if g := owner.does("PATCH", "/contact-groups/"+press, object{"name": "PRESSE"}); g["name"] != "PRESSE" || g["contacts"] != 2.0 {
			t.Errorf("%v", g)
		}
		w := owner.raw("POST", Prefix+"/contacts/import?group="+staff, "text/csv", "Nom;Courriel\nZoé;zoe@example.org\nA;a@example.org\n")
		if got := strings.TrimSpace(w.Body.String()); got != `{"added":1,"double":1,"bad":[]}` || people(owner, "?group="+staff) != "a@example.org, Zoé" {
			t.Errorf("%s, in the group: %s", got, people(owner, "?group="+staff))
		}
		if w := owner.raw("POST", Prefix+"/contacts/import", "text/csv", "x@example.org\nx\n"); w.Code != 422 || strings.Contains(people(owner, ""), "x@") {
			t.Errorf("a file with a bad line: %d %s", w.Code, w.Body)
		}
		if w := owner.send("DELETE", "/contact-groups/"+press, nil); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if got := people(owner, ""); got != "a@example.org, b@example.org, c@example.org, Zoé" {
			t.Errorf("after the group is gone: %s", got)
		}
		for i := range 99 {
			owner.does("POST", "/contact-groups", object{"name": fmt.Sprint("G", i)})
		}
		owner.fails(409, "full", "POST", "/contact-groups", object{"name": "One more"})
	})
}

// Three ways, one list, no double mails (ENT-20).
func TestGuestsFromContacts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, object{"title": "Launch", "startsAt": "2027-01-01T00:00:00Z", "languages": []string{"fr"}})
		press := owner.does("POST", "/contact-groups", object{"name": "Press"})["id"].(string)
		staff := owner.does("POST", "/contact-groups", object{"name": "Staff"})["id"].(string)
		owner.does("POST", "/contacts", object{"contacts": []object{{"name": "A", "email": "a@example.org", "language": "en"}, {"name": "B", "email": "b@example.org"}}, "group": press})
		owner.does("POST", "/contacts", object{"contacts": []object{{"name": "B", "email": "b@example.org"}, {"name": "C", "email": "c@example.org"}}, "group": staff})
		owner.does("POST", "/contacts", object{"contacts": []object{{"name": "D", "email": "d@example.org"}}})
		d := contactID(owner, "?search=d@")

		owner.does("POST", at+"/guests", object{"guests": []object{{"name": "A", "email": "A@example.org"}}, "invite": true})
		if w := owner.raw("POST", Prefix+at+"/guests/import?invite=true", "text/csv", "b@example.org\n"); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		out := owner.does("POST", at+"/guests/contacts", object{"groups": []string{press, staff}, "contacts": []string{d, contactID(owner, "?search=c@")}, "invite": true})
		if out["added"] != 2.0 || out["double"] != 2.0 {
			t.Errorf("%v", out)
		}
		all, _ := guests(owner, at, "")
		if len(all) != 4 {
			t.Errorf("%s", names(all))
		}
		for _, who := range "abcd" {
			if got := o.kinds(string(who) + "@example.org"); got != "invitation" {
				t.Errorf("%c got %q, want one invitation", who, got)
			}
		}
		for _, g := range all {
			if g["name"] == "C" && g["language"] != "fr" {
				t.Errorf("who has not said a language gets the event's: %v", g)
			}
		}

		owner.send("DELETE", "/contact-groups/"+staff, nil)
		if p := owner.fails(422, "invalid", "POST", at+"/guests/contacts", object{"groups": []string{press, staff}}); p.Errors[0].Pointer != "/groups/1" {
			t.Errorf("%v", p.Errors)
		}
		owner.send("DELETE", "/contacts/"+d, nil)
		if p := owner.fails(422, "invalid", "POST", at+"/guests/contacts", object{"contacts": []string{d}}); p.Errors[0].Pointer != "/contacts/0" {
			t.Errorf("%v", p.Errors)
		}
		owner.fails(422, "invalid", "POST", at+"/guests/contacts", object{})
		bob := o.colleague(owner, at, "bob@example.org", "organizer")
		bob.fails(403, "forbidden", "POST", at+"/guests/contacts", object{"groups": []string{press}})
		bob.fails(403, "forbidden", "GET", "/contacts", nil)
	})
}

// More than 20,000 are not added at once: none of them is.
func TestTooManyContacts(t *testing.T) {
	if testing.Short() {
		t.Skip("20,002 contacts: make unit-long")
	}
	o, owner := founded(t, storetest.New(t))
	at, _ := o.plan(owner, object{"title": "Launch", "startsAt": "2027-01-01T00:00:00Z"})
	group := owner.does("POST", "/contact-groups", object{"name": "All"})["id"].(string)
	for n := range 2 {
		var file strings.Builder
		for i := range 10_001 {
			fmt.Fprintf(&file, "p%d-%d@example.org\n", n, i)
		}
		if w := owner.raw("POST", Prefix+"/contacts/import?group="+group, "text/csv", file.String()); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	owner.fails(422, "invalid", "POST", at+"/guests/contacts", object{"groups": []string{group}})
	if _, out := guests(owner, at, ""); out["total"] != 0.0 {
		t.Errorf("%v were added", out["total"])
	}
}
