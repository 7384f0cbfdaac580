// Package roll reads lists of people as somebody brings them: typed, pasted, or as a file of comma-separated values.
package roll

import (
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/store"
)

// NameMost is how long a name is, in characters.
const NameMost = 80

// NewPerson is one of a list, as it was typed.
type NewPerson struct {
	Name     string `json:"name,omitempty" maxLength:"80"`
	Email    string `json:"email" maxLength:"254"`
	Language string `json:"language,omitempty" maxLength:"35" doc:"BCP 47; absent: of the event, where there is one"`
}

// An Entry is a person who may be kept, under a new id.
type Entry struct {
	ID       uuid.UUID `json:"id"`
	Name     string    `json:"name"`
	Email    string    `json:"email"`
	Address  string    `json:"address"`  // as account.Address returns it
	Words    string    `json:"words"`    // by which it is found
	Language string    `json:"language"` // BCP 47; empty: was not said
}

// AddReport is what became of people who were added at once.
type AddReport struct {
	Added  int       `json:"added"`
	Double int       `json:"double" doc:"Were on the list, or stand twice among those to add"`
	Bad    []BadLine `json:"bad" nullable:"false" doc:"Were not added"`
}

// BadLine is somebody who cannot be added.
type BadLine struct {
	Line   int    `json:"line" doc:"From 1 on"`
	Reason string `json:"reason"`
}

// Check returns p as it may be kept, or what of it is wrong (a field as JSON has it), and why.
func Check(p NewPerson) (e Entry, field, reason string) {
	name, email := account.Text(p.Name), strings.TrimSpace(p.Email)
	address, err := account.Address(email)
	switch {
	case email == "":
		return Entry{}, "email", "There is no address."
	case err != nil:
		return Entry{}, "email", "This is not an email address."
	case len([]rune(name)) > NameMost:
		return Entry{}, "name", "The name is longer than 80 characters."
	}
	spoken := ""
	if said := strings.TrimSpace(p.Language); said != "" {
		if spoken = Tag(said, ""); spoken == "" {
			return Entry{}, "language", "The language is no tag of BCP 47, such as en or fr-CA."
		}
	}
	return Entry{ID: store.NewID(), Name: name, Email: email, Address: address, Words: Words(name, email), Language: spoken}, "", ""
}

// CheckAll returns those of people who may be kept, and who may not.
func CheckAll(people []NewPerson) (all []Entry, bad []BadLine) {
	all, bad = []Entry{}, []BadLine{}
	for i, p := range people {
		if e, _, reason := Check(p); reason != "" {
			bad = append(bad, BadLine{i + 1, reason})
		} else {
			all = append(all, e)
		}
	}
	return all, bad
}

// Once returns each of all once, by its address.
func Once(all []Entry) []Entry {
	seen, once := map[string]bool{}, []Entry{}
	for _, e := range all {
		if !seen[e.Address] {
			seen[e.Address] = true
			once = append(once, e)
		}
	}
	return once
}

// Words are what somebody is found by.
func Words(name, email string) string { return event.Words(name + " " + email) }

// Tag returns a language as it is kept, and otherwise where it is none.
func Tag(s, otherwise string) string {
	t, err := language.Parse(s)
	if err != nil || t == language.Und || len(s) > 35 {
		return otherwise
	}
	return t.String()
}
