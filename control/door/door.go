// Package door lets viewers into events: by nothing, a password, a pass or a direct link, as the event's rule asks. Who
// comes in has an entry, and a token that every edge takes (proto/token) and that is renewed from memory. While the
// database is away, events that are live go on letting people in.
package door

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/limit"
	"freshet/control/audit"
	"freshet/control/event"
	"freshet/control/filter"
	"freshet/control/geo"
	"freshet/control/keys"
	"freshet/control/login"
	"freshet/control/store"
	pb "freshet/proto"
	"freshet/proto/token"
)

const (
	// inUse is how long a pass is in use after its token was last renewed: pages renew every 5 minutes.
	inUse = 10 * time.Minute
	// lives is how long a token may count on any node.
	lives = token.Lifetime + token.Leeway
	// patience is how long somebody at the door of a live event waits for the database, and how long once it is known
	// to be away.
	patience     = 2 * time.Second
	patienceAway = 100 * time.Millisecond
)

// A Guest is a person on an event's list.
type Guest struct {
	ID, Account, Event    uuid.UUID
	Name, Email, Language string
}

// Guests know whose a pass is.
type Guests interface {
	// ByPass returns store.ErrNone where pass is none, was revoked, or its guest is gone. Where the database is away it
	// returns store.ErrAway and, of a pass that is one by its MAC, the guest's id.
	ByPass(ctx context.Context, pass string) (Guest, error)
	// Seen notes that a guest has come.
	Seen(ctx context.Context, q store.Querier, guest uuid.UUID, at time.Time) error
}

// Revocations are the sessions whose tokens do not count, as nodes are told of them.
type Revocations interface {
	Revoke(session string, until time.Time) bool
	Revoked(session string) bool
	Forget(now time.Time)
}

// Deps are what a door is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Store   *store.DB
	Board   *event.Board
	Revoked Revocations
	Hasher  *login.Hasher
	Keys    *keys.Keys
	Guests  Guests      // nil: no pass is one
	Places  *geo.Places // nil: nobody's country is known
	Now     func() time.Time
}

// A Door lets viewers in. Its methods may be called from any goroutine.
type Door struct {
	d         Deps
	m         *metrics
	passwords *passwords
	strangers *limit.Limiter
	ledger    *ledger
	full      atomic.Bool // more sessions are to be revoked than can be

	mu    sync.Mutex
	stays map[uuid.UUID]stay // by guest; of those seen within inUse, who all have a pass
}

// PublisherTicket returns a ticket with which a publisher of r is let in at node (proto/token). It tells the origin of its
// placement, so that the publisher need not wait until the node has heard of it.
func (d *Door) PublisherTicket(r *pb.StreamRecord, node string) (string, error) {
	var placement uint64
	if node == r.GetOrigin() {
		placement = r.GetEpoch()
	}
	return d.d.Keys.Minter().MintTicket(r.GetId(), node, placement, r.GetKeySha256(), d.d.Now())
}

// strangerRate is for those who come without a valid token or pass (RELIABILITY, section 4).
var strangerRate = limit.Rate{Name: "strangers", N: 10, Per: time.Second, Burst: 50}

// New returns a door.
func New(d Deps) *Door {
	x := &Door{
		d: d, passwords: newPasswords(d.Hasher),
		strangers: limit.New(strangerRate), stays: map[uuid.UUID]stay{},
	}
	x.m = newMetrics(d.Metrics)
	x.ledger = newLedger(d.Log, d.Store, x.m)
	return x
}

// A Comer is somebody at the door, and what they say. Texts are as they were typed.
type Comer struct {
	Name, Email, Language  string
	Password, Pass, Direct string
	Here                   bool   // where the pass is in use elsewhere, it is to be of use here
	Bearer                 string // a token of this event, where there is one already
	From                   netip.Addr
}

// A Ticket is what somebody gets who is let in.
type Ticket struct {
	Session uuid.UUID
	Token   string
	Expires time.Time
	Name    string
	Way     Way
}

// Enter lets c into the event at an address, or returns a *problem.Problem, or an error of ours.
func (d *Door) Enter(ctx context.Context, slug string, c Comer) (Ticket, error) {
	at, live, err := d.at(ctx, slug)
	if err == nil && !d.Admits(at, c.From, "") {
		err = event.NotHere()
	}
	if err == nil {
		var ok bool
		var t Ticket
		if t, ok, err = d.stayOn(ctx, at, live, c.Bearer); ok {
			return t, err // it was counted when it came
		}
	}
	var e Entry
	if err == nil {
		e, err = d.admit(ctx, at, live, c)
	}
	if err == nil {
		err = d.write(ctx, e, live, c.Here)
	}
	d.m.count(e.Way, err)
	if err != nil {
		return Ticket{}, err
	}
	return d.ticket(at, e)
}

// Admits says whether the lists of an event let somebody in.
func (d *Door) Admits(at event.Door, from netip.Addr, email string) bool {
	return at.Filter.V.Admits(filter.From{Address: from, Country: d.d.Places.Country(from)}, email)
}

// write keeps e, at once or, where the event is live and the database away, later.
func (d *Door) write(ctx context.Context, e Entry, live, here bool) error {
	ctx, cancel := d.patient(ctx, live)
	defer cancel()
	var err error
	if e.Guest != nil {
		err = d.takeIn(ctx, e, live, here)
	} else {
		err = d.d.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error { return keep(ctx, q, e) })
	}
	switch {
	case errors.Is(err, errGone):
		return event.Unknown()
	case live && errors.Is(err, store.ErrAway):
		d.ledger.add(e)
		return nil
	}
	return err
}

// patient returns a context for what is asked of the database: at the door of a live event nobody waits for long.
func (d *Door) patient(ctx context.Context, live bool) (context.Context, context.CancelFunc) {
	switch {
	case !live:
		return context.WithCancel(ctx)
	case d.ledger.isAway():
		return context.WithTimeout(ctx, patienceAway)
	}
	return context.WithTimeout(ctx, patience)
}

// at returns what is known of the event at an address, and whether it is live. Of one that is on, the board knows.
func (d *Door) at(ctx context.Context, slug string) (at event.Door, live bool, err error) {
	if on, ok := d.d.Board.On(slug); ok {
		return on.Door, on.State == event.Live, nil
	}
	e, err := event.BySlug(ctx, d.d.Store, slug)
	if errors.Is(err, store.ErrNone) {
		err = event.Unknown()
	}
	if err != nil {
		return event.Door{}, false, err
	}
	switch e.State {
	case event.Scheduled, event.Preparation, event.Live:
		return e.Door(), false, nil
	}
	return event.Door{}, false, event.Unknown()
}

// admit returns the entry of c, who may come in.
func (d *Door) admit(ctx context.Context, at event.Door, live bool, c Comer) (Entry, error) {
	now := store.Moment(d.d.Now())
	e := Entry{
		ID: store.NewID(), Account: at.Account, Event: at.Event, Network: audit.Network(c.From), BeganAt: now, SeenAt: now,
	}
	switch {
	case at.Direct != nil && subtle.ConstantTimeCompare([]byte(c.Direct), []byte(*at.Direct)) == 1:
		e.Way = ByDirect
		return e, e.introduced(c, false)
	case c.Pass != "":
		e.Way = ByPass
		return e, d.byPass(ctx, &e, live, c)
	case at.Access == event.Token || at.Access == event.Registration:
		return e, errPassMissing()
	}
	e.Way = ByNothing
	if at.Access == event.Password {
		if e.Way = ByPassword; c.Password == "" {
			return e, errPasswordMissing()
		}
	}
	if err := e.introduced(c, true); err != nil {
		return e, err
	}
	if !d.Admits(at, c.From, e.Email) {
		return e, event.NotHere()
	}
	if e.Way == ByPassword {
		return e, d.passwords.check(ctx, at, c, now)
	}
	return e, nil
}

// byPass has e be the guest's whose pass c has.
func (d *Door) byPass(ctx context.Context, e *Entry, live bool, c Comer) error {
	g, err := Guest{}, store.ErrNone
	if d.d.Guests != nil {
		asking, cancel := d.patient(ctx, live)
		defer cancel()
		g, err = d.d.Guests.ByPass(asking, c.Pass)
	}
	switch {
	case live && errors.Is(err, store.ErrAway) && g.ID != uuid.Nil:
		// By its MAC it is a pass of ours. That its event is this one, and that nobody has revoked it, the database
		// alone could tell: better that a guest of another event looks in than that this one's stand outside.
		g.Name, g.Email = "", ""
	case err != nil && !errors.Is(err, store.ErrNone):
		return err
	case err != nil, g.Event != e.Event:
		if v := d.knock(c.From); v != nil {
			return v
		}
		return errPassWrong()
	}
	e.Guest, e.Name, e.Email, e.Language = &g.ID, g.Name, g.Email, g.Language
	return nil
}

// knock counts somebody who comes without anything that counts. It returns a *problem.Problem where there were too many.
func (d *Door) knock(from netip.Addr) error {
	if from.IsLoopback() {
		return nil
	}
	if v := d.strangers.Take(limit.Network(from), d.d.Now()); !v.OK {
		return v.Refused()
	}
	return nil
}

func (d *Door) ticket(at event.Door, e Entry) (Ticket, error) {
	c := token.Claims{Session: e.ID.String(), Event: at.Slug, Epoch: uint64(at.ViewerEpoch)}
	if e.Guest != nil {
		c.Guest = e.Guest.String()
	}
	text, expires, err := d.d.Keys.Minter().Mint(c, d.d.Now())
	return Ticket{e.ID, text, expires, e.Name, e.Way}, err
}
