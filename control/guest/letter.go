package guest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/goodsign/monday"
	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/pass"
	"freshet/control/store"
)

var signatureOf = statements.Get("signature_of")

// Letters are written to guests.
type Letters struct {
	Mail   *mail.Queue
	Passes *pass.Maker
	Stops  *pass.Maker
	Pages  string // base address of the pages
	From   string // address of the mails

	zones sync.Map // name to *time.Location: reading one takes longer than writing a mail
}

// zone returns a time zone by its name, UTC where there is none.
func (l *Letters) zone(name string) *time.Location {
	if z, ok := l.zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	l.zones.Store(name, z)
	return z
}

// A sheet is what all mails about an event have in common.
type sheet struct {
	event     event.Event
	signature string // of whoever has made the event; empty of a program, and of somebody who was erased
}

// sheetOf reads it.
func sheetOf(ctx context.Context, q store.Querier, e event.Event) (sheet, error) {
	s := sheet{event: e}
	if e.MadeBy == nil {
		return s, nil
	}
	signature, err := store.One[string](ctx, q, signatureOf, store.Args{"person": e.MadeBy})
	if isNone(err) {
		return s, nil
	}
	s.signature = strings.TrimSpace(signature)
	return s, err
}

// to returns a mail of kind to g.
func (l *Letters) to(s sheet, g Guest, kind mail.Kind, now time.Time) mail.Message {
	e, in := s.event, account.Language(g.Language)
	m := mail.Message{
		ID: store.NewID(), Account: e.Account, Event: e.ID, Kind: kind, To: *g.Address, Name: g.Name, Language: in,
		Values: map[string]string{"link": l.link(e, g, kind), "account": e.AccountName, "event": e.Title},
		About:  l.about(s, in), Brand: e.Mail(l.Pages),
	}
	if kind.Topic() != "" {
		token := l.Stops.Of(m.ID, 0)
		m.Stop = mail.Stop{Page: l.Pages + "/unsubscribe/" + token, Call: l.Pages + "/api/v1/public/unsubscribe/" + token}
	}
	if e.Kind != event.Permanent && kind != mail.Waiting {
		m.Calendar.Method, m.Calendar.Text = event.Entry(e, l.Pages, event.Letter{To: *g.Address, Link: m.Values["link"], From: l.From}, now)
	}
	e.Trim(&m)
	return m
}

// link is where a mail leads: to the guest's own door, where that is open to it.
func (l *Letters) link(e event.Event, g Guest, kind mail.Kind) string {
	if kind == mail.Waiting || kind == mail.Cancelled || g.ID == uuid.Nil {
		return l.Pages + "/e/" + e.Slug
	}
	return l.Pages + "/t/" + l.Passes.Of(g.ID, g.Epoch)
}

func (l *Letters) about(s sheet, language string) mail.About {
	e := s.event
	a := mail.About{Number: e.Number[:3] + " " + e.Number[3:6] + " " + e.Number[6:], Lobby: strings.TrimSpace(e.Lobby), Signature: s.signature}
	zone := l.zone(e.TimeZone)
	dated := e.Kind != event.Permanent
	if dated {
		a.When = when(e.StartsAt.In(zone), language) + " (" + e.TimeZone + ")"
	}
	for _, i := range e.Agenda.V {
		item := mail.Item{Title: i.Title, Text: i.Text}
		if dated {
			item.At = e.StartsAt.Add(time.Duration(i.At) * time.Minute).In(zone).Format("15:04")
		}
		a.Agenda = append(a.Agenda, item)
	}
	return a
}

// when returns a time as mails have it.
func when(t time.Time, language string) string {
	if language == "fr" {
		return fmt.Sprintf("%s à %d h %02d", monday.Format(t, "Monday 2 January 2006", monday.LocaleFrFR), t.Hour(), t.Minute())
	}
	return monday.Format(t, "Monday, 2 January 2006, 15:04", monday.LocaleEnUS)
}
