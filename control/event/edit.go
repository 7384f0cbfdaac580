package event

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/language"

	"freshet/control/account"
	"freshet/control/store"
	"freshet/proto/problem"
)

// EventFields are what may be said of an event. What is absent stays as it is.
type EventFields struct {
	Kind        *Kind         `json:"kind,omitempty" enum:"webcast,webinar,meeting,permanent"`
	Title       *string       `json:"title,omitempty" minLength:"1" maxLength:"200"`
	Description *string       `json:"description,omitempty" maxLength:"20000"`
	Languages   *[]string     `json:"languages,omitempty" maxItems:"16" nullable:"false" doc:"BCP 47"`
	StartsAt    *time.Time    `json:"startsAt,omitempty"`
	EndsAt      MaybeTime     `json:"endsAt,omitempty" doc:"Null for none"`
	TimeZone    *string       `json:"timeZone,omitempty" maxLength:"64" doc:"Of the IANA database: in which the event is announced"`
	Access      *Rule         `json:"access,omitempty" enum:"open,password,token,registration"`
	Password    *string       `json:"password,omitempty" maxLength:"64" doc:"4 to 64 characters, for those who come; empty takes it away. It is shown to nobody"`
	Agenda      *[]AgendaItem `json:"agenda,omitempty" maxItems:"100" nullable:"false"`
	Lobby       *string       `json:"lobby,omitempty" maxLength:"2000" doc:"Message to those who wait for the start"`
	MailHidden  *[]MailBlock  `json:"mailHidden,omitempty" maxItems:"6" nullable:"false" enum:"logo,number,calendar,agenda,lobby,signature" doc:"What mails about the event do not show"`
	Form        *[]FormField  `json:"form,omitempty" maxItems:"30" nullable:"false" doc:"What is asked beside name and email"`
	Cap         MaybeNumber   `json:"cap,omitempty" doc:"Guests that have a place; null for any number"`
	Approval    *bool         `json:"approval,omitempty" doc:"Whoever registers waits until an organizer agrees"`
	Embed       *Embed        `json:"embed,omitempty" doc:"On which sites the player may stand"`
	Filters     *Filters      `json:"filters,omitempty" doc:"Who may come, by where they come from"`
}

// A MaybeTime is a time, null or not given at all.
type MaybeTime struct {
	Given bool
	At    *time.Time
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *MaybeTime) UnmarshalJSON(b []byte) error {
	m.Given = true
	return json.Unmarshal(b, &m.At)
}

// Schema implements huma.SchemaProvider.
func (MaybeTime) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}

const passwordLeast = 4 // characters: it is read out to a room; guesses are counted

// apply puts what f says into e, with password the hash of the one that f has. It returns a problem that names all that
// is not valid.
func (f *EventFields) apply(e *Event, password string) error {
	var wrong problem.Faults
	if f.Kind != nil && *f.Kind != e.Kind {
		if e.State != Scheduled && e.State != Preparation {
			wrong.Add("/kind", "The kind of an event stays once it has begun.")
		}
		e.Kind = *f.Kind
	}
	if f.Title != nil {
		e.Title = account.Text(*f.Title)
	}
	if e.Title == "" {
		wrong.Add("/title", "An event has a title.")
	}
	if f.Description != nil {
		e.Description = account.Lines(*f.Description)
	}
	if f.Lobby != nil {
		e.Lobby = account.Lines(*f.Lobby)
	}
	if f.Languages != nil {
		e.Languages.V = tags(*f.Languages, &wrong)
	}
	if len(e.Languages.V) > 1 && !e.Options.V.Languages {
		wrong.Add("/languages", "More than one language was not ordered.")
	}
	f.applyTimes(e, &wrong)
	f.applyAccess(e, password, &wrong)
	f.applyRegistration(e, &wrong)
	f.applyEmbed(e, &wrong)
	f.applyFilters(e, &wrong)
	if f.MailHidden != nil {
		e.MailHidden.V = slices.Compact(slices.Sorted(slices.Values(*f.MailHidden)))
	}
	if f.Agenda != nil {
		e.Agenda.V = []AgendaItem{}
		for n, i := range *f.Agenda {
			i.Title, i.Text = account.Text(i.Title), account.Lines(i.Text)
			if i.Title == "" {
				wrong.Add(fmt.Sprintf("/agenda/%d/title", n), "An item of an agenda has a title.")
			}
			e.Agenda.V = append(e.Agenda.V, i)
		}
		slices.SortStableFunc(e.Agenda.V, func(a, b AgendaItem) int { return a.At - b.At })
	}
	return wrong.Err()
}

func (f *EventFields) applyTimes(e *Event, wrong *problem.Faults) {
	if f.StartsAt != nil {
		e.StartsAt = store.Moment(*f.StartsAt)
	}
	if f.EndsAt.Given {
		e.EndsAt = nil
		if f.EndsAt.At != nil {
			at := store.Moment(*f.EndsAt.At)
			e.EndsAt = &at
		}
	}
	switch {
	case e.StartsAt.IsZero():
		wrong.Add("/startsAt", "An event has a start.")
	case e.StartsAt.Before(earliest) || !e.StartsAt.Before(latest):
		wrong.Add("/startsAt", "An event starts between 1970 and 2200.")
	case e.EndsAt != nil && !e.EndsAt.Before(latest):
		wrong.Add("/endsAt", "An event ends before 2200.")
	case e.EndsAt != nil && !e.EndsAt.After(e.StartsAt):
		wrong.Add("/endsAt", "An event ends after its start.")
	}
	if f.TimeZone != nil {
		if e.TimeZone = *f.TimeZone; account.TimeZone(e.TimeZone) != e.TimeZone {
			wrong.Add("/timeZone", "This is no time zone of the IANA database.")
		}
	}
}

func (f *EventFields) applyAccess(e *Event, password string, wrong *problem.Faults) {
	if f.Access != nil && *f.Access != e.Access {
		e.Access = *f.Access
		e.ViewerEpoch++ // who was let in by another rule comes to the door again; who watches goes on
	}
	if f.Password != nil {
		e.Password = nil
		if password != "" {
			e.Password = &password
		}
	}
	if e.Access == Password && e.Password == nil {
		wrong.Add("/password", "Choose the password of the event: 4 to 64 characters.")
	}
	if e.Access == Registration && !e.Options.V.Registration {
		wrong.Add("/access", "Registration was not ordered.")
	}
}

// Tag returns a language as it is kept, and false where it is none.
func Tag(s string) (string, bool) {
	t, err := language.Parse(s)
	return t.String(), err == nil && t != language.Und && len(s) <= 35
}

func tags(all []string, wrong *problem.Faults) []string {
	kept := []string{}
	for _, s := range all {
		t, ok := Tag(s)
		switch {
		case !ok:
			wrong.Add("/languages", "A language is a tag of BCP 47, such as en or fr-CA.")
		case !slices.Contains(kept, t):
			kept = append(kept, t)
		}
	}
	return kept
}

// names are the fields that f says something of, for the audit log.
func (f *EventFields) names() string {
	var all []string
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"kind", f.Kind != nil}, {"title", f.Title != nil}, {"description", f.Description != nil},
		{"languages", f.Languages != nil}, {"startsAt", f.StartsAt != nil}, {"endsAt", f.EndsAt.Given},
		{"timeZone", f.TimeZone != nil}, {"access", f.Access != nil}, {"password", f.Password != nil},
		{"agenda", f.Agenda != nil}, {"lobby", f.Lobby != nil}, {"form", f.Form != nil}, {"cap", f.Cap.Given},
		{"approval", f.Approval != nil}, {"embed", f.Embed != nil}, {"filters", f.Filters != nil},
		{"mailHidden", f.MailHidden != nil},
	} {
		if field.given {
			all = append(all, field.name)
		}
	}
	return strings.Join(all, " ")
}
