package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"freshet/control/person"
	"freshet/control/store/storetest"
)

// Reminders come a day and an hour before, once each for each date, to those who were on the list by then and in.
func TestReminders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		start := o.now().Add(72 * time.Hour)
		at, e := o.plan(owner, object{"startsAt": start, "access": "registration", "approval": true})
		register := func(name string) {
			t.Helper()
			o.browser().does("POST", "/events/"+e["slug"].(string)+"/register", object{"name": name, "email": name + "@example.org"})
		}
		register("waits")
		owner.does("PATCH", at, object{"approval": false}, "If-Match", "*")
		owner.does("PATCH", at, object{"approval": true}, "If-Match", "*")
		register("refused")
		owner.does("POST", at+"/guests", object{"guests": []object{{"email": "invited@example.org"}}, "invite": true})
		owner.does("POST", at+"/guests", object{"guests": []object{{"email": "told-nothing@example.org"}}})
		expect := func(when string, want map[string]string) {
			t.Helper()
			for to, kinds := range want {
				if got := o.kinds(to + "@example.org"); got != kinds {
					t.Errorf("%s: %s: %q, want %q", when, to, got, kinds)
				}
			}
		}
		o.pass(47 * time.Hour)
		expect("25 h before", map[string]string{"waits": "waiting accepted", "refused": "waiting", "invited": "invitation", "told-nothing": ""})
		o.pass(time.Hour + time.Second)
		owner.does("POST", at+"/guests", object{"guests": []object{{"email": "late@example.org"}}, "invite": true})
		// Another node looks at the same time, and this one was started again.
		other := newMailer(db.DB, o.mailer.Letters.Mail, o.now)
		done := make(chan error, 2)
		go func() { _, err := other.Work(t.Context()); done <- err }()
		go func() { _, err := o.mailer.Work(t.Context()); done <- err }()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		expect("a day before", map[string]string{"waits": "waiting accepted reminder-day", "refused": "waiting", "invited": "invitation reminder-day", "told-nothing": "", "late": "invitation"})

		// The date moves, and so do the reminders.
		start = start.Add(48 * time.Hour)
		owner.does("PATCH", at, object{"startsAt": start}, "If-Match", "*")
		o.pass(24*time.Hour - 2*time.Second)
		expect("a day before the first date", map[string]string{"invited": "invitation reminder-day"})
		o.pass(24*time.Hour + 2*time.Second)
		expect("a day before the second", map[string]string{"invited": "invitation reminder-day reminder-day", "late": "invitation reminder-day"})
		o.pass(23 * time.Hour)
		expect("an hour before", map[string]string{"invited": "invitation reminder-day reminder-day reminder-hour", "refused": "waiting", "told-nothing": ""})
		letters := o.letters("invited@example.org")
		if m := letters[3].Message.V; m.Calendar == nil || m.Calendar.Method != "REQUEST" || m.Stop == "" {
			t.Errorf("%v", m)
		}

		// None of an event that has begun or is cancelled, whose reminder nobody could send in time.
		for _, step := range []string{"start", "cancel"} {
			at, _ := o.plan(owner, object{"startsAt": o.now().Add(48 * time.Hour), "access": "token"})
			owner.does("POST", at+"/guests", object{"guests": []object{{"email": step + "@example.org"}}, "invite": true})
			expect(step, map[string]string{step: "invitation"})
			o.pass(24*time.Hour + time.Second)
			owner.does("POST", at+"/"+step, nil)
			want := "invitation"
			if step == "cancel" {
				want += " cancelled"
			}
			expect(step, map[string]string{step: want})
		}
	})
}

// One press stops mails of an account about a topic, and no others. Opening the link stops nothing.
func TestUnsubscribe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, object{"startsAt": "2026-12-24T10:00:00Z", "access": "token"})
		owner.does("POST", at+"/guests", object{"guests": []object{{"email": "Bo@example.org"}, {"email": "cy@example.org"}}, "invite": true})
		o.kinds("bo@example.org")
		m := o.letters("bo@example.org")[0].Message.V
		call := strings.TrimPrefix(m.Stop, "https://webcasts.example"+Prefix)
		page := "https://webcasts.example/unsubscribe/" + token(m.Stop)
		if !strings.Contains(m.Text, page) || !strings.Contains(m.HTML, page) {
			t.Errorf("no %s in %s", page, m.Text)
		}
		o.passOf("bo@example.org") // there is one, which is another
		anyone := o.at("198.51.100.9:1")
		for range 2 {
			if got := anyone.does("GET", call, nil); got["stopped"] != false || got["topic"] != "invitations" || got["account"] != "Nordlicht" {
				t.Errorf("%v", got)
			}
		}
		anyone.fails(404, "unsubscribe-unknown", "POST", "/public/unsubscribe/"+o.passOf("bo@example.org"), nil)
		for range 2 { // as mail programs send it
			if w := anyone.raw("POST", Prefix+call, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"); w.Code != 200 || !strings.Contains(w.Body.String(), `"stopped":true`) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		if got := owner.does("POST", at+"/invitations", object{"all": true}); got["sent"] != 1.0 {
			t.Errorf("%v", got)
		}
		owner.does("POST", at+"/invitations", object{"change": true})
		if bo, cy := o.kinds("bo@example.org"), o.kinds("cy@example.org"); bo != "invitation change" || cy != "invitation invitation change" {
			t.Errorf("%s; %s", bo, cy)
		}
		id := owner.does("GET", at+"/guests?search=bo", nil)["guests"].([]any)[0].(object)["id"].(string)
		owner.does("DELETE", at+"/guests/"+id, nil)
		if got := anyone.does("GET", call, nil); got["stopped"] != true {
			t.Errorf("who was removed: %v", got)
		}
		log := owner.send("GET", "/audit", nil).Body.String()
		if n := strings.Count(log, `"action":"unsubscribe"`); n != 1 || strings.Contains(log, "bo@example.org") {
			t.Errorf("%d entries in %s", n, log)
		}
		// What somebody has asked for cannot be stopped.
		_, e := o.plan(owner, object{"startsAt": "2026-12-24T10:00:00Z", "access": "registration"})
		anyone.does("POST", "/events/"+e["slug"].(string)+"/register", object{"name": "Bo", "email": "bo@example.org"})
		letters := o.letters("bo@example.org")
		if m := letters[len(letters)-1]; m.Kind != "confirmation" || m.Message.V.Stop != "" {
			t.Errorf("%v", m)
		}
		anyone.fails(404, "unsubscribe-unknown", "POST", "/public/unsubscribe/"+o.mailer.Letters.Stops.Of(letters[len(letters)-1].ID, 0), nil)
	})
}

// The workbook has a column a field, dates that are dates, and nothing that a spreadsheet would compute.
func TestWorkbook(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, object{"startsAt": "2026-12-24T10:00:00Z", "timeZone": "America/Toronto", "access": "registration", "form": append(slices.Clone(form), object{"id": "sum", "label": "=1+1", "kind": "text"})})
		for i, name := range []string{"=HYPERLINK(\"http://x\")", "  @SUM(A1)", "Zoë"} {
			o.browser().does("POST", "/events/"+e["slug"].(string)+"/register", object{
				"name": name, "email": fmt.Sprintf("%d@example.org", i), "answers": object{"company": "-2+3", "terms": true, "sum": "42"},
			})
			o.pass(time.Second)
		}
		w := owner.send("GET", at+"/guests.xlsx?language=fr", nil)
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		f, err := excelize.OpenReader(bytes.NewReader(w.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := f.GetRows("Sheet1")
		if err != nil || len(rows) != 4 {
			t.Fatalf("%v: %v", err, rows)
		}
		if got := strings.Join(rows[0], "|"); got != "Nom|E-mail|Langue|Source|État|Ajouté le|Invité le|Dernière connexion|Company|Meal|Newsletter|I agree|'=1+1" {
			t.Errorf("%s", got)
		}
		if got := strings.Join(rows[1], "|"); got != "Zoë|2@example.org|en|inscrit|a une place|2026-11-27 04:00:02|||'-2+3|||TRUE|42" {
			t.Errorf("%s", got)
		}
		if rows[2][0] != "'@SUM(A1)" && rows[2][0] != "'  @SUM(A1)" || rows[3][0] != `'=HYPERLINK("http://x")` {
			t.Errorf("%q %q", rows[2][0], rows[3][0])
		}
		if kind, err := f.GetCellType("Sheet1", "M2"); err != nil || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
			t.Errorf("a text is of type %v, %v", kind, err)
		}
		if serial, err := f.GetCellValue("Sheet1", "F2", excelize.Options{RawCellValue: true}); err != nil || !strings.HasPrefix(serial, "46353.16") {
			t.Errorf("a date is %s, %v", serial, err)
		}
		if formula, _ := f.GetCellFormula("Sheet1", "A4"); formula != "" {
			t.Errorf("a formula: %s", formula)
		}
	})
}

// The log names who has added whom and when.
func TestGuestLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, object{"startsAt": "2026-12-24T10:00:00Z", "access": "token"})
		other, _ := o.plan(owner, nil)
		owner.does("POST", other+"/guests", object{"guests": []object{{"email": "x@example.org"}}})
		owner.does("POST", at+"/guests", object{"guests": []object{{"name": "Bo", "email": "bo@example.org"}, {"name": "Cy", "email": "cy@example.org"}}})
		o.pass(time.Second)
		program := o.program(owner, "write")
		if w := program.send("POST", at+"/guests", object{"guests": []object{{"name": "Di", "email": "di@example.org"}, {"email": "bo@example.org"}}}); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		o.pass(time.Second)
		id := owner.does("GET", at+"/guests?search=cy", nil)["guests"].([]any)[0].(object)["id"].(string)
		owner.does("DELETE", at+"/guests/"+id, nil)
		var got []string
		for cursor := ""; ; {
			page := owner.does("GET", at+"/guests/log?limit=2&cursor="+cursor, nil)
			for _, one := range page["entries"].([]any) {
				e := one.(object)
				var whom []string
				for _, g := range e["guests"].([]any) {
					whom = append(whom, g.(object)["name"].(string))
				}
				by := e["by"].(object)
				got = append(got, fmt.Sprint(e["at"].(string)[11:19], " ", by["kind"], " ", by["name"], " ", e["action"], " ", whom))
			}
			var more bool
			if cursor, more = page["next"].(string); !more {
				break
			}
		}
		if s := strings.Join(got, ", "); !strings.HasPrefix(s, "09:00:02 person Ana remove-guest [], 09:00:01 key ") || !strings.HasSuffix(s, " add-guests [Di], 09:00:00 person Ana add-guests [Bo]") {
			t.Errorf("%s", s)
		}
	})
}

// A person takes away what lists of guests have of it. Erased, it is counted, and nothing else is left.
func TestGuestWhoIsErased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner, b, _ := withBob(t, db)
		at, e := o.plan(owner, object{"startsAt": "2026-12-24T10:00:00Z", "access": "registration", "cap": 1, "form": form})
		register := func(email string) {
			t.Helper()
			o.browser().does("POST", "/events/"+e["slug"].(string)+"/register", object{"name": "Robert B.", "email": email, "answers": object{"company": "Bob & sons", "terms": true}})
		}
		register("Bob@example.org")
		register("next@example.org")
		pass := o.passOf(bob)
		o.pass(time.Minute)
		owner.does("POST", at+"/invitations", object{"all": true})
		o.kinds(bob)
		letters := o.letters(bob)
		o.browser().does("POST", strings.TrimPrefix(letters[len(letters)-1].Message.V.Stop, "https://webcasts.example"+Prefix), nil)
		w := b.send("GET", "/me/export", nil)
		var x person.Export
		if err := json.Unmarshal(w.Body.Bytes(), &x); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%v: %d %s", err, w.Code, w.Body)
		}
		if len(x.Visits) != 1 || x.Visits[0].Name != "Robert B." || x.Visits[0].Email != "Bob@example.org" || x.Visits[0].Answers["company"].V != "Bob & sons" ||
			x.Visits[0].Title != "Launch" || len(x.Stopped) != 1 || x.Stopped[0].Topic != "invitations" {
			t.Errorf("%+v %+v", x.Visits, x.Stopped)
		}
		if strings.Contains(w.Body.String(), pass) || strings.Contains(w.Body.String(), token(letters[len(letters)-1].Message.V.Stop)) {
			t.Error("a link that works is taken away")
		}
		b.does("DELETE", "/me", object{"password": password})
		all, out := guests(owner, at, "")
		if got := names(all); got != "Robert B. in,  erased" || out["total"] != 2.0 {
			t.Errorf("%s, %v", got, out["total"])
		}
		if g := all[1]; g["email"] != "" || fmt.Sprint(g["answers"]) != "map[]" || g["mail"] != nil {
			t.Errorf("%v", g)
		}
		if got := o.kinds("next@example.org"); got != "waiting accepted" {
			t.Errorf("%s", got)
		}
		o.browser().fails(404, "pass-unknown", "GET", "/public/passes/"+pass, nil)
		owner.fails(404, "not-found", "POST", at+"/guests/"+all[1]["id"].(string)+"/accept", nil)
		owner.does("POST", at+"/invitations", object{"all": true})
		if got := o.kinds(bob); got != "" {
			t.Errorf("%s", got)
		}
	})
}
