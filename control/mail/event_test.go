package mail

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"freshet/control/store"
	"freshet/control/store/storetest"
)

// What an event has is in both forms of its mails, as text; what it has not is left out.
func TestAbout(t *testing.T) {
	m := Message{Kind: Invitation, Name: "Ana", Language: "en", Values: everyValue}
	bare, err := write(m)
	if err != nil {
		t.Fatal(err)
	}
	m.About = About{
		When: "Friday", Number: "123 456 789", Lobby: "Bring <b>tea</b>.", Signature: "Ana\nNordlicht",
		Agenda: []Item{{At: "09:00", Title: "<i>Welcome</i>", Text: "By Ana"}, {Title: "Questions"}},
	}
	m.Stop.Page = "https://webcasts.example/unsubscribe/T"
	whole, err := write(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"Friday", "123 456 789", "tea", "Ana\nNordlicht", "09:00", "Welcome", "By Ana", "Questions", "/unsubscribe/T"} {
		if !strings.Contains(whole.Text, s) || !strings.Contains(whole.HTML, s) {
			t.Errorf("no %q in\n%s\n%s", s, whole.Text, whole.HTML)
		}
		if strings.Contains(bare.Text, s) || strings.Contains(bare.HTML, s) {
			t.Errorf("%q in\n%s\n%s", s, bare.Text, bare.HTML)
		}
	}
	if strings.Contains(whole.HTML, "<b>") || strings.Contains(whole.HTML, "<i>") {
		t.Errorf("%s", whole.HTML)
	}
	for _, label := range []string{"When", "number", "Agenda", "organizer", "No more"} {
		if strings.Contains(bare.Text, label) || !strings.Contains(whole.Text, label) {
			t.Errorf("%q in\n%s\nor not in\n%s", label, bare.Text, whole.Text)
		}
	}
	const ignore = "did not ask for this"
	if !strings.Contains(bare.Text, ignore) || strings.Contains(whole.Text, ignore) {
		t.Error("who has asked for a mail, and who has not, are told the same")
	}
}

// A calendar entry reaches a real server inside the mail and as a file, and a mail that can be stopped says how.
func TestCalendarAndStop(t *testing.T) {
	office := &postOffice{}
	s := newSending(t, storetest.New(t), smtpTo(t, office.open(t)))
	m := Message{Kind: Invitation, To: "ana@example.org", Language: "en", Values: everyValue}
	m.Calendar = Calendar{Method: "REQUEST", Text: "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:É\r\nEND:VCALENDAR\r\n"}
	m.Stop = Stop{Page: "https://webcasts.example/unsubscribe/T", Call: "https://webcasts.example/api/v1/public/unsubscribe/T"}
	err := s.Store.InTx(t.Context(), func(ctx context.Context, q store.Querier) error { return s.Queue.Add(ctx, q, m, s.now) })
	if err != nil {
		t.Fatal(err)
	}
	s.add("bob@example.org")
	if n := s.due(); n != 2 || office.count() != 2 {
		t.Fatalf("%d due, %d taken", n, office.count())
	}
	h := office.taken[0].Header
	if h.Get("List-Unsubscribe") != "<https://webcasts.example/api/v1/public/unsubscribe/T>" || h.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("%q, %q", h.Get("List-Unsubscribe"), h.Get("List-Unsubscribe-Post"))
	}
	if h := office.taken[1].Header; h.Get("List-Unsubscribe") != "" {
		t.Error("a mail that was asked for says how to stop it")
	}
	var kinds []string
	for {
		part, err := office.taken[0].NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kind := part.Header.Get("Content-Type")
		kinds = append(kinds, strings.SplitN(kind, ";", 2)[0])
		b, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(kind, "text/calendar") && (string(b) != m.Calendar.Text || !strings.Contains(kind, "method=REQUEST")) {
			t.Errorf("%s: %q", kind, b)
		}
	}
	if got := strings.Join(kinds, " "); got != "text/plain text/html text/calendar text/calendar" {
		t.Errorf("%s", got)
	}
}
