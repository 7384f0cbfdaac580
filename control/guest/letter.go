package guest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/goodsign/monday"
	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/event"
	"freshet/control/mail"
	"freshet/control/pass"
	"freshet/control/store"
)

// Letters are written to guests.
type Letters struct {
	Mail   *mail.Queue
	Passes *pass.Maker
	Stops  *pass.Maker
	Pages  string // base address of the pages
	From   string // address of the mails
}

// A sheet is what all mails about an event have in common.
type sheet struct {
	event     event.Event
	account   string
	signature string
}

// sheetOf reads it.
func sheetOf(ctx context.Context, q store.Querier, e event.Event) (sheet, error) {
	a, err := account.Get(ctx, q, e.Account)
	s := sheet{event: e, account: a.Name}
	if err != nil || e.MadeBy == nil {
		return s, err
	}
	p, err := account.PersonByID(ctx, q, *e.MadeBy)
	if isNone(err) {
		return s, nil
	}
	s.signature = strings.TrimSpace(p.Signature) // empty of somebody who was erased
	return s, err
}

// to returns a mail of kind to g.
func (l *Letters) to(s sheet, g Guest, kind mail.Kind, now time.Time) mail.Message {
	e, in := s.event, account.Language(g.Language)
	m := mail.Message{
		ID: store.NewID(), Account: e.Account, Event: e.ID, Kind: kind, To: *g.Address, Name: g.Name, Language: in,
		Values: map[string]string{"link": l.link(e, g, kind), "account": s.account, "event": e.Title},
		About:  about(s, in),
	}
	if kind.Topic() != "" {
		token := l.Stops.Of(m.ID, 0)
		m.Stop = mail.Stop{Page: l.Pages + "/unsubscribe/" + token, Call: l.Pages + "/api/v1/public/unsubscribe/" + token}
	}
	if e.Kind != event.Permanent && kind != mail.Waiting {
		m.Calendar.Method, m.Calendar.Text = event.Entry(e, l.Pages, event.Letter{To: *g.Address, Link: m.Values["link"], From: l.From}, now)
	}
	return m
}

// link is where a mail leads: to the guest's own door, where that is open to it.
func (l *Letters) link(e event.Event, g Guest, kind mail.Kind) string {
	if kind == mail.Waiting || kind == mail.Cancelled || g.ID == uuid.Nil {
		return l.Pages + "/e/" + e.Slug
	}
	return l.Pages + "/t/" + l.Passes.Of(g.ID, g.Epoch)
}

func about(s sheet, language string) mail.About {
	e := s.event
	a := mail.About{Number: e.Number[:3] + " " + e.Number[3:6] + " " + e.Number[6:], Lobby: strings.TrimSpace(e.Lobby), Signature: s.signature}
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		zone = time.UTC
	}
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
