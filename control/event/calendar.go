package event

import (
	"net/url"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"freshet/control/account"
)

// Calendar returns e as a calendar has it (RFC 5545), for whoever wants to come. pages is the base address of the pages.
func Calendar(e Event, pages string, now time.Time) string {
	host := "freshet"
	if u, err := url.Parse(pages); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	link := pages + "/e/" + e.Slug
	c := ics.NewCalendarFor("Freshet")
	c.SetMethod(ics.MethodPublish)
	v := c.AddEvent(e.ID.String() + "@" + host)
	v.SetDtStampTime(now)
	v.SetSequence(int(e.Version))
	v.SetStartAt(e.StartsAt)
	if e.EndsAt != nil {
		v.SetEndAt(*e.EndsAt)
	}
	v.SetSummary(account.Text(e.Title)) // the writer lets carriage returns through
	v.SetDescription(strings.TrimSpace(account.Lines(e.Description) + "\n\n" + link))
	v.SetURL(link)
	v.SetStatus(ics.ObjectStatusConfirmed)
	if e.State == Cancelled {
		v.SetStatus(ics.ObjectStatusCancelled)
	}
	return c.Serialize(ics.WithNewLineWindows) // CRLF, whatever the machine
}
