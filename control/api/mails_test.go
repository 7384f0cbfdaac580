package api

import (
	"strings"
	"testing"

	"freshet/control/mail"
	"freshet/control/store/storetest"
)

// What an event hides, its mails do without; all else stays.
func TestMailBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		tag := owner.send("GET", "/me", nil).Header().Get("ETag")
		owner.does("PATCH", "/me", object{"signature": "Ana of Nordlicht"}, "If-Match", tag)
		if w := owner.upload("/account/brand/logo", "image/png", asPNG(t, picture(600, 100, 1))); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		at, e := o.plan(owner, object{
			"title": "Launch", "startsAt": "2026-11-30T10:00:00Z", "timeZone": "America/Toronto", "access": "registration",
			"lobby": "Bring tea.", "agenda": []object{{"at": 90, "title": "Questions"}},
		})
		number := e["number"].(string)
		number = number[:3] + " " + number[3:6] + " " + number[6:]
		in := func(trace string) func(mail.Written) [2]bool {
			return func(w mail.Written) [2]bool {
				return [2]bool{strings.Contains(w.Text, trace), strings.Contains(w.HTML, trace)}
			}
		}
		blocks := map[string]func(mail.Written) [2]bool{ // whether text and HTML have it
			"number": in(number), "agenda": in("Questions"), "lobby": in("Bring tea."), "signature": in("Ana of Nordlicht"),
			"logo":     func(w mail.Written) [2]bool { has := strings.Contains(w.HTML, "<img"); return [2]bool{has, has} },
			"calendar": func(w mail.Written) [2]bool { has := w.Calendar != nil; return [2]bool{has, has} },
		}
		for _, hidden := range []string{"", "number", "agenda", "lobby", "signature", "logo", "calendar"} {
			all := []string{}
			if hidden != "" {
				all = append(all, hidden, hidden)
			}
			owner.does("PATCH", at, object{"mailHidden": all}, "If-Match", owner.send("GET", at, nil).Header().Get("ETag"))
			to := "zoe-" + hidden + "@example.org"
			owner.does("POST", at+"/guests", object{"guests": []object{{"email": to}}, "invite": true})
			if got := o.kinds(to); got != "invitation" {
				t.Fatalf("%s: mails %q", hidden, got)
			}
			for block, has := range blocks {
				want := block != hidden
				if got := has(o.letters(to)[0].Message.V); got != [2]bool{want, want} {
					t.Errorf("without %q: %s is in text and HTML: %v", hidden, block, got)
				}
			}
		}

		// Who has an entry in the calendar hears that it is over; a copy of the event hides the same.
		copied := owner.does("POST", at+"/clone", nil)
		if got := copied["mailHidden"]; len(got.([]any)) != 1 || got.([]any)[0] != "calendar" {
			t.Errorf("the copy hides %v", got)
		}
		owner.does("POST", at+"/cancel", nil)
		if got := o.kinds("zoe-@example.org"); !strings.HasSuffix(got, "cancelled") {
			t.Fatalf("mails %q", got)
		}
		all := o.letters("zoe-@example.org")
		if c := all[len(all)-1].Message.V.Calendar; c == nil || c.Method != "CANCEL" {
			t.Errorf("the last mail brings %v", c)
		}
	})
}
