package api

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/mail"
	"freshet/control/order"
	"freshet/control/person"
	"freshet/control/store/storetest"
)

const eve = "eve@example.org"

// wish is a request for a quote of eve's, with changes.
func wish(changes object) object {
	body := object{
		"organization": "Eve & Sons", "name": "Eve", "email": eve, "phone": "+1 514 555 0199", "title": "Launch", "language": "fr",
		"startsAt": "2027-01-10T14:00:00Z", "timeZone": "America/Toronto", "minutes": 90, "viewers": 10000,
		"languages": []string{"fr"}, "options": object{"registration": true, "poll": false, "languages": false, "sms": false},
		"remarks": "Two rooms.",
	}
	for k, v := range changes {
		body[k] = v
	}
	return body
}

func (o *office) accept(id any) order.Quote {
	o.t.Helper()
	desk := &order.Desk{Store: o.db.DB, Mail: mail.NewQueue(), Random: rand.Reader, Now: o.now}
	k, err := desk.Accept(o.t.Context(), uuid.MustParse(id.(string)), uuid.Nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return k
}

// From a stranger's wish to an event that has what was ordered and nothing else, and an order form for those who may.
func TestQuote(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, _ := founded(t, db)
		id := o.browser().does("POST", "/public/quotes", wish(nil))["id"]
		o.link(eve, 1)
		o.link("staff@example.org", 1)
		k := o.accept(id)

		b := o.browser()
		b.does("POST", "/invitations/use", object{"token": token(o.link(eve, 2)), "password": password})
		at := "/events/" + k.Event.String()
		e := b.does("GET", at, nil)
		if e["title"] != "Launch" || e["role"] != "owner" || fmt.Sprint(e["options"]) != "map[languages:false poll:false registration:true sms:false]" {
			t.Errorf("%v", e)
		}
		form := b.does("GET", at+"/order", nil)
		got, _ := form["order"].(object)
		if got["id"] != id || got["viewers"] != 10000.0 || got["email"] != eve || got["remarks"] != "Two rooms." || got["acceptedAt"] == nil {
			t.Errorf("%v", form)
		}
		b.fails(422, "invalid", "PATCH", at, object{"languages": []string{"en", "fr"}}, "If-Match", "*")
		b.does("PATCH", at, object{"access": "registration"}, "If-Match", "*")

		b.does("POST", at+"/users", object{"email": "leo@example.org", "role": "collaborator"})
		leo := o.browser()
		leo.does("POST", "/invitations/use", object{"token": token(o.link("leo@example.org", 1)), "password": password})
		leo.does("GET", at, nil)
		leo.fails(403, "forbidden", "GET", at+"/order", nil)
		made := b.does("POST", "/events", object{"title": "E", "startsAt": "2027-01-01T00:00:00Z"})["id"].(string)
		own := b.does("GET", "/events/"+made, nil)
		for _, field := range []string{"kind", "state", "agenda", "lobby", "embed", "filters", "form", "cap", "approval", "password"} {
			if fmt.Sprint(own[field]) != fmt.Sprint(e[field]) {
				t.Errorf("%s is %v in an event that was ordered, and %v in another", field, e[field], own[field])
			}
		}
		if form := b.does("GET", "/events/"+made+"/order", nil); form["order"] != nil || form["options"] == nil {
			t.Errorf("of an event that nobody has ordered: %v", form)
		}
	})
}

// A member's quote is the account's: it is asked for once, noted, and makes its event there.
func TestQuoteOfMember(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		body := wish(object{"email": ana})
		first := owner.does("POST", "/quotes", body, keyHeader, "one")
		if again := owner.does("POST", "/quotes", body, keyHeader, "one"); again["id"] != first["id"] {
			t.Errorf("%v, then %v", first, again)
		}
		o.link(ana, 1)
		hook := owner.does("POST", "/webhooks", object{"url": "https://1.1.1.1/hook", "kinds": []string{"event.created"}})["id"].(string)
		k := o.accept(first["id"])
		if got := kindsOf(owner, hook); got != "event.created" {
			t.Errorf("webhooks hear %q", got)
		}
		owner.does("GET", "/events/"+k.Event.String()+"/order", nil)
		log := owner.send("GET", "/audit", nil).Body.String()
		for _, want := range []string{`"action":"ask-quote","subject":"quote/` + k.ID.String(), `"action":"accept-quote","subject":"event/` + k.Event.String()} {
			if strings.Count(log, want) != 1 {
				t.Errorf("%s is not once in %s", want, log)
			}
		}
	})
}

func TestWrongQuotes(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	for _, row := range []struct {
		name, pointer string
		changes       object
	}{
		{"more viewers than there may be", "/viewers", object{"viewers": 10001}},
		{"no viewers", "/viewers", object{"viewers": 0}},
		{"too short", "/minutes", object{"minutes": 4}},
		{"longer than a day", "/minutes", object{"minutes": 1441}},
		{"no title", "/title", object{"title": "\u202e "}},
		{"no name", "/name", object{"name": "\u0007"}},
		{"no organization", "/organization", object{"organization": "  "}},
		{"no address", "/email", object{"email": "eve"}},
		{"in the past", "/startsAt", object{"startsAt": "2026-11-27T08:59:00Z"}},
		{"too far ahead", "/startsAt", object{"startsAt": "2036-01-01T00:00:00Z"}},
		{"no time", "/startsAt", object{"startsAt": "tomorrow"}},
		{"no zone", "/timeZone", object{"timeZone": "Mars/Phobos"}},
		{"no language", "/languages", object{"languages": []string{}}},
		{"what is no language", "/languages", object{"languages": []string{"english please"}}},
		{"languages without the option", "/options/languages", object{"languages": []string{"en", "fr"}}},
		{"long remarks", "/remarks", object{"remarks": strings.Repeat("x", 4001)}},
	} {
		for path, b := range map[string]*browser{"/public/quotes": o.browser(), "/quotes": owner} {
			if p := b.fails(422, "invalid", "POST", path, wish(row.changes)); len(p.Errors) != 1 || p.Errors[0].Pointer != row.pointer {
				t.Errorf("%s: %+v", row.name, p)
			}
		}
	}
	o.link(eve, 0)
	o.browser().fails(401, "unauthorized", "POST", "/quotes", wish(nil))
}

// Few quotes are taken of a network and for an address, whatever the other; the answer is the same for who is known.
func TestQuoteRates(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	for n := range 10 {
		o.browser().does("POST", "/public/quotes", wish(object{"email": fmt.Sprintf("eve%d@example.org", n)}))
	}
	o.browser().fails(429, "too-many", "POST", "/public/quotes", wish(object{"email": ana}))
	o.link(ana, 0)
	for n := range 5 {
		o.at(fmt.Sprintf("198.51.100.%d:1", n)).does("POST", "/public/quotes", wish(object{"email": ana}))
	}
	o.at("198.51.100.9:1").fails(429, "too-many", "POST", "/public/quotes", wish(object{"email": " Ana@example.org"}))
	o.link(ana, 5)
	o.pass(15 * time.Minute)
	o.at("198.51.100.9:1").does("POST", "/public/quotes", wish(object{"email": ana}))
}

// What a person has asked for is taken away by it, and goes with it.
func TestQuotesOfPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner, b, _ := withBob(t, db)
		owner.does("POST", "/quotes", wish(object{"email": bob}))
		accepted := o.accept(b.does("POST", "/quotes", wish(object{"email": bob}))["id"])
		var x person.Export
		if err := json.Unmarshal(b.send("GET", "/me/export", nil).Body.Bytes(), &x); err != nil || len(x.Quotes) != 2 ||
			x.Quotes[0].Title != "Launch" || x.Quotes[0].State != "asked" || x.Quotes[1].Event == nil || *x.Quotes[1].Event != *accepted.Event {
			t.Errorf("%v %+v", err, x.Quotes)
		}
		b.does("DELETE", "/me", object{"password": password})
		if all, err := order.Of(t.Context(), db, bob); err != nil || len(all) != 0 {
			t.Errorf("%+v %v", all, err)
		}
		got := owner.does("GET", "/events/"+accepted.Event.String()+"/order", nil)["order"].(object)
		if got["email"] != "" || got["name"] != "" || got["title"] != "Launch" {
			t.Errorf("%v", got)
		}
	})
}
