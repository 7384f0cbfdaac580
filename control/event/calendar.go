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
	c, _ := entry(e, pages, pages+"/e/"+e.Slug, now)
	c.SetMethod(ics.MethodPublish)
	return c.Serialize(ics.WithNewLineWindows) // CRLF, whatever the machine
}

// entry returns a calendar with e in it, that leads to link.
func entry(e Event, pages, link string, now time.Time) (*ics.Calendar, *ics.VEvent) {
	host := "freshet"
	if u, err := url.Parse(pages); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	c := ics.NewCalendarFor("Freshet")
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
	return c, v
}

// A Letter is whose entry of a calendar comes with a mail.
type Letter struct {
	To   string // address of the guest
	Link string // of the guest's own
	From string // address of the mails; answers to the entry go there
}

// Entry returns e as the calendar of one guest takes it from a mail (RFC 6047), and its method: REQUEST, or CANCEL where
// e is cancelled. Its UID stays, and its SEQUENCE rises with each change.
func Entry(e Event, pages string, l Letter, now time.Time) (method, text string) {
	c, v := entry(e, pages, l.Link, now)
	m := ics.MethodRequest
	if e.State == Cancelled {
		m = ics.MethodCancel
	}
	c.SetMethod(m)
	v.SetOrganizer(l.From)
	v.AddAttendee(l.To, ics.CalendarUserTypeIndividual, ics.ParticipationStatusNeedsAction, ics.ParticipationRoleReqParticipant, ics.WithRSVP(true))
	return string(m), c.Serialize(ics.WithNewLineWindows)
}
