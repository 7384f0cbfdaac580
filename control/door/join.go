package door

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/store"
	"freshet/proto/problem"
	"freshet/proto/token"
)

// Join renews the token of whoever is in the event at already, asking no database. An open event takes anybody: who comes
// without a token that counts has an entry without a name then. It returns a *problem.Problem, or an error of ours.
func (d *Door) Join(at event.Door, bearer string, from netip.Addr) (Ticket, error) {
	if !d.Admits(at, from, "") {
		return Ticket{}, event.NotHere()
	}
	now := store.Moment(d.d.Now())
	c, refused := d.check(at, bearer, now)
	switch {
	case refused == nil:
		return d.renew(at, c, now)
	case at.Access != event.Open:
		if p := d.knock(from); p != nil {
			return Ticket{}, p
		}
		return Ticket{}, refused
	}
	e := Entry{
		ID: store.NewID(), Account: at.Account, Event: at.Event, Way: ByNothing, Network: audit.Network(from), BeganAt: now, SeenAt: now,
	}
	if at.Event != uuid.Nil { // a stream of the configuration is of no event that is kept
		d.ledger.add(e)
		d.m.count(e.Way, nil)
	}
	return d.ticket(at, e)
}

// check returns what bearer, a token for the event at, says, or the problem that it is to get.
func (d *Door) check(at event.Door, bearer string, now time.Time) (token.Claims, *problem.Problem) {
	if bearer == "" {
		return token.Claims{}, token.Missing()
	}
	c, err := token.Check(d.d.Keys.Tokens(), bearer, now)
	switch {
	case err != nil:
		return c, token.Refusal(err)
	case c.Event != at.Slug:
		return c, event.Unknown()
	case c.Epoch < uint64(at.ViewerEpoch) || d.d.Revoked.Revoked(c.Session):
		return c, token.Wrong()
	}
	return c, nil
}

// renew returns another token that says what c does.
func (d *Door) renew(at event.Door, c token.Claims, now time.Time) (Ticket, error) {
	session, err := uuid.Parse(c.Session)
	if err != nil { // it was signed here
		return Ticket{}, err
	}
	d.seen(session, at.Event, c.Guest, now)
	text, expires, err := d.d.Keys.Minter().Mint(token.Claims{Session: c.Session, Event: at.Slug, Guest: c.Guest, Epoch: uint64(at.ViewerEpoch)}, now)
	return Ticket{Session: session, Token: text, Expires: expires}, err
}

// stayOn renews the token of whoever waits for an event, or comes back to it. ok is false where bearer does not count.
func (d *Door) stayOn(ctx context.Context, at event.Door, live bool, bearer string) (t Ticket, ok bool, err error) {
	now := store.Moment(d.d.Now())
	c, refused := d.check(at, bearer, now)
	if refused != nil {
		return Ticket{}, false, nil
	}
	if t, err = d.renew(at, c, now); err != nil {
		return Ticket{}, true, err
	}
	ctx, cancel := d.patient(ctx, live)
	defer cancel()
	e, err := store.One[Entry](ctx, d.d.Store, entryByID, store.Args{"id": t.Session})
	switch {
	case err == nil:
		t.Name, t.Way = e.Name, e.Way
	case errors.Is(err, store.ErrNone), live && errors.Is(err, store.ErrAway): // it waits to be written
		t.Way, err = wayOf(at.Access, c), nil
	}
	return t, true, err
}

// wayOf is the way by which whoever has a token that says c has most likely come.
func wayOf(rule event.Rule, c token.Claims) Way {
	switch {
	case c.Guest != "":
		return ByPass
	case rule == event.Open:
		return ByNothing
	case rule == event.Password:
		return ByPassword
	}
	return ByDirect
}
