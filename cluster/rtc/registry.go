package rtc

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// finishWithin is how long a session has to connect, from its 201; then it is reaped.
	finishWithin = 10 * time.Second
	// maxUnfinished bounds sessions that have not connected, those being opened included.
	maxUnfinished = 2000
	// sweepEvery is how late an end is noticed that came from below (ICE, DTLS). Looking at all
	// sessions once a second costs less than a goroutine that waits for each.
	sweepEvery = time.Second
)

// A Connecter is a Session that tells when media can flow. One that does not connect within 10 s is
// closed. A Session that is no Connecter looks after that itself.
type Connecter interface {
	Session
	// Connected is closed once ICE and DTLS are done.
	Connected() <-chan struct{}
}

// An exchange is one open session and what HTTP must know of it.
type exchange struct {
	id      string // goes to the log
	secret  string // the other half of the URL: who knows the URL owns the session, so it is never logged
	stream  string
	session Session
	opened  time.Time

	connected bool // the registry's, under its lock

	// Held by the PATCH under way, which alone touches the fields below.
	turn       chan struct{}
	generation int    // of ICE; names the ETag
	ufrag      string // the peer's, of this generation
	candidates int    // taken of the peer in this generation
}

func newExchange(stream string) *exchange {
	return &exchange{id: strings.ToLower(rand.Text()[:13]), secret: strings.ToLower(rand.Text()), stream: stream, turn: make(chan struct{}, 1)}
}

// name is the last part of the session's URL.
func (x *exchange) name() string { return x.id + "-" + x.secret }

func (x *exchange) etag(generation int) string {
	return `"` + x.id + "-" + strconv.Itoa(generation) + `"`
}

func (x *exchange) over() bool {
	select {
	case <-x.session.Done():
		return true
	default:
		return false
	}
}

// A registry holds the open sessions of a resource, within its limits.
type registry struct {
	max     int
	metrics *metrics

	mu         sync.Mutex
	open       map[string]*exchange // by id
	opening    int                  // reserved, not admitted yet
	unfinished int                  // of open: not connected yet
	closed     bool
	sweeper    *time.Timer // runs while open is not empty
}

func newRegistry(maxSessions int, m *metrics) *registry {
	return &registry{max: maxSessions, metrics: m, open: map[string]*exchange{}}
}

// reserve keeps a place for a session about to be opened; admit or giveBack must follow.
func (g *registry) reserve() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errUnavailable("the node is stopping", time.Second)
	}
	if g.max > 0 && len(g.open)+g.opening >= g.max {
		g.metrics.refused.WithLabelValues(string(refusedFull)).Inc()
		return errUnavailable("the node takes no more sessions", 5*time.Second)
	}
	if g.unfinished+g.opening >= maxUnfinished {
		g.metrics.refused.WithLabelValues(string(refusedUnfinished)).Inc()
		return errUnavailable("too many sessions are still connecting", finishWithin)
	}
	g.opening++
	return nil
}

func (g *registry) giveBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opening--
}

// admit puts x in the place reserved. It returns false where the registry was shut meanwhile.
func (g *registry) admit(x *exchange, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opening--
	if g.closed {
		return false
	}
	x.opened = now
	g.open[x.id] = x
	g.unfinished++
	g.count()
	if g.sweeper == nil {
		g.sweeper = time.AfterFunc(sweepEvery, g.sweep)
	}
	return true
}

// find returns the session of stream whose URL ends in name, nil where there is none or it has ended.
func (g *registry) find(stream, name string) *exchange {
	id, secret, _ := strings.Cut(name, "-")
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.open[id]
	if x == nil || x.stream != stream || subtle.ConstantTimeCompare([]byte(x.secret), []byte(secret)) != 1 {
		return nil
	}
	if x.over() {
		g.drop(x)
		return nil
	}
	return x
}

// remove takes x out and says whether it was still in.
func (g *registry) remove(x *exchange) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[x.id] != x {
		return false
	}
	g.drop(x)
	return true
}

// shut refuses sessions from now on, closes those open and returns them.
func (g *registry) shut(reason string) []*exchange {
	g.mu.Lock()
	g.closed = true
	if g.sweeper != nil {
		g.sweeper.Stop()
		g.sweeper = nil
	}
	var all []*exchange
	for _, x := range g.open {
		all = append(all, x)
		g.drop(x)
	}
	g.mu.Unlock()
	for _, x := range all {
		x.session.Close(reason)
	}
	return all
}

// sweep drops what has ended and closes what did not connect in time.
func (g *registry) sweep() {
	now := time.Now()
	for _, x := range g.look(now) {
		g.metrics.reaped.Inc()
		x.session.Close("not connected within " + finishWithin.String())
	}
}

func (g *registry) look(now time.Time) (late []*exchange) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, x := range g.open {
		old := now.Sub(x.opened) >= finishWithin
		switch c, tells := x.session.(Connecter); {
		case x.over():
			g.drop(x)
		case x.connected:
		case !tells:
			g.finish(x, old)
		case isOpen(c.Connected()):
			g.finish(x, true)
		case old:
			late = append(late, x)
			g.drop(x)
		}
	}
	switch {
	case g.closed:
	case len(g.open) == 0:
		g.sweeper = nil
	default:
		g.sweeper.Reset(sweepEvery)
	}
	return late
}

// finish, drop and count run with mu held.
func (g *registry) finish(x *exchange, done bool) {
	if done {
		x.connected = true
		g.unfinished--
		g.count()
	}
}

func (g *registry) drop(x *exchange) {
	delete(g.open, x.id)
	if !x.connected {
		g.unfinished--
	}
	g.count()
}

func (g *registry) count() {
	g.metrics.sessions.Set(float64(len(g.open)))
	g.metrics.unfinished.Set(float64(g.unfinished))
}

func isOpen(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// isClosed says whether err tells that a session had ended (STYLE, section 5).
func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
