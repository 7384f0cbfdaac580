package mail

import (
	"strings"
	"testing"
)

var everyValue = map[string]string{"link": "https://webcasts.example/x/TOKEN", "account": "Nordlicht", "event": "Launch", "role": "organizer", "number": "0198a000", "start": "2026-12-01 14:00 (Europe/Paris)", "reason": "The hall is full.", "host": "crm.example.org", "answer": "No answer within 5 s."}

// Each kind has all its texts in both languages, in two forms that say the same, with nothing left to fill in.
func TestEveryKind(t *testing.T) {
	for _, language := range []string{"en", "fr"} {
		for _, kind := range kinds {
			w, err := write(Message{Kind: kind, To: "ana@example.org", Name: "Ana", Language: language, Values: everyValue})
			if err != nil {
				t.Errorf("%s, %s: %v", language, kind, err)
				continue
			}
			for what, s := range map[string]string{"subject": w.Subject, "text": w.Text, "HTML": w.HTML} {
				if s == "" || strings.Contains(s, "{{") || strings.Contains(s, "<no value>") {
					t.Errorf("%s, %s: %s: %s", language, kind, what, s)
				}
			}
			if !strings.Contains(w.Text, everyValue["link"]) || strings.Count(w.HTML, everyValue["link"]) < 2 || !strings.Contains(w.Text, "Ana,") {
				t.Errorf("%s, %s: no link or greeting:\n%s\n%s", language, kind, w.Text, w.HTML)
			}
			if language == "fr" && (strings.Contains(w.Text, "Hello") || !strings.Contains(w.HTML, `lang="fr"`)) {
				t.Errorf("%s: English in French:\n%s", kind, w.Text)
			}
		}
	}
}

// What a person calls itself or its account stays text, and on one line where a header wants that.
func TestHostileValues(t *testing.T) {
	w, err := write(Message{Kind: Invite, Name: `<script>alert(1)</script>{{.link}}`, Language: "de", Values: map[string]string{
		"link": "https://webcasts.example/invite/T", "account": "A\r\nBcc: all@example.org", "role": "owner",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(w.Subject, "\r\n") || strings.Contains(w.HTML, "<script") || !strings.Contains(w.HTML, "&lt;script&gt;") {
		t.Errorf("%q\n%s", w.Subject, w.HTML)
	}
	if !strings.HasPrefix(w.Text, "Hello <script>alert(1)</script>{{.link}},") {
		t.Errorf("%s", w.Text)
	}
	if _, err := write(Message{Kind: "other"}); err == nil {
		t.Error("a kind that is not there was written")
	}
	if _, err := write(Message{Kind: Invite, Values: map[string]string{"link": "x"}}); err == nil {
		t.Error("a value is missing, and nobody says so")
	}
}

// A mail of a customer has its colour and logo, and its name in place of a logo that is not shown.
func TestBrand(t *testing.T) {
	m := Message{Kind: EventUser, Name: "Ana", Language: "en", Values: everyValue, Brand: &Brand{
		Name: `Nord"licht`, Colour: "#7a1f5c", OnColour: "#ffffff", Logo: "https://webcasts.example/i?a=1&b", Width: 64, Height: 1000,
	}}
	w, err := write(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`background:#7a1f5c;color:#ffffff`, `<a href="https://webcasts.example/x/TOKEN" style="color:#7a1f5c">`,
		`<img src="https://webcasts.example/i?a=1&amp;b" alt="Nord&#34;licht" width="4" height="64"`,
	} {
		if !strings.Contains(w.HTML, want) {
			t.Errorf("without %s:\n%s", want, w.HTML)
		}
	}
	m.Brand = nil
	if w, err = write(m); err != nil || strings.Contains(w.HTML, "<img") || !strings.Contains(w.HTML, "background:#0A6570;color:#FFFFFF") {
		t.Errorf("%v\n%s", err, w.HTML)
	}
}
