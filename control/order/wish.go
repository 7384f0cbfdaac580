package order

import (
	"slices"
	"time"

	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/store"
	"freshet/proto/problem"
)

// Wish is what is asked for, and by whom.
type Wish struct {
	Organization string             `json:"organization" minLength:"1" maxLength:"80" doc:"Of an account that is made for it, the name"`
	Name         string             `json:"name" maxLength:"80" doc:"Of who asks; empty once that person was erased"`
	Email        string             `json:"email" maxLength:"254"`
	Phone        string             `json:"phone,omitempty" maxLength:"40"`
	Title        string             `json:"title" minLength:"1" maxLength:"200"`
	StartsAt     time.Time          `json:"startsAt"`
	TimeZone     string             `json:"timeZone" maxLength:"64" doc:"Of the IANA database"`
	Minutes      int64              `json:"minutes" minimum:"5" maximum:"1440"`
	Viewers      int64              `json:"viewers" minimum:"1" maximum:"10000" doc:"At most, at once"`
	Languages    []string           `json:"languages" minItems:"1" maxItems:"16" nullable:"false" doc:"BCP 47"`
	Options      event.EventOptions `json:"options"`
	Remarks      string             `json:"remarks,omitempty" maxLength:"4000"`
}

// form is the page on which a quote is asked for.
const form = "/orders/new"

// farthest is how far ahead a start may be.
const farthest = 5 * 365 * 24 * time.Hour

// quote is w as it is kept, asked for at now on pages. It returns a problem that names all that is not valid.
func (w *Wish) quote(language, pages string, now time.Time) (Quote, error) {
	var wrong problem.Faults
	fault := func(is bool, pointer, detail string) {
		if is {
			wrong.Add(pointer, detail)
		}
	}
	k := Quote{
		Organization: account.Text(w.Organization), Name: account.Text(w.Name), Phone: account.Text(w.Phone),
		Language: account.Language(language), Pages: pages, Title: account.Text(w.Title), StartsAt: store.Moment(w.StartsAt),
		TimeZone: w.TimeZone, Minutes: w.Minutes, Viewers: w.Viewers, Remarks: account.Lines(w.Remarks),
	}
	k.Options.V, k.Languages.V = w.Options, []string{}
	email, err := account.Address(w.Email)
	k.Email = email
	fault(k.Organization == "", "/organization", account.Unseen)
	fault(k.Name == "", "/name", account.Unseen)
	fault(err != nil, "/email", "This is not an email address.")
	fault(k.Title == "", "/title", "A title has characters that are seen.")
	fault(!k.StartsAt.After(now), "/startsAt", "The start is still to come.")
	fault(k.StartsAt.After(now.Add(farthest)), "/startsAt", "The start is in the next five years.")
	fault(account.TimeZone(k.TimeZone) != k.TimeZone, "/timeZone", "This is no time zone of the IANA database.")
	for _, s := range w.Languages {
		tag, ok := event.Tag(s)
		fault(!ok, "/languages", "A language is a tag of BCP 47, such as en or fr-CA.")
		if ok && !slices.Contains(k.Languages.V, tag) {
			k.Languages.V = append(k.Languages.V, tag)
		}
	}
	fault(len(k.Languages.V) > 1 && !w.Options.Languages, "/options/languages", "More than one language is an option: ask for it, too.")
	return k, wrong.Err()
}

// Wish is what k asks for.
func (k *Quote) Wish() Wish {
	return Wish{
		Organization: k.Organization, Name: k.Name, Email: k.Email, Phone: k.Phone, Title: k.Title, StartsAt: k.StartsAt,
		TimeZone: k.TimeZone, Minutes: k.Minutes, Viewers: k.Viewers, Languages: k.Languages.V, Options: k.Options.V, Remarks: k.Remarks,
	}
}
