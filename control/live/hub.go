// Package live tells pages what becomes of an event, by server-sent events (WHATWG HTML, section 9.2): those that wait
// for it, those that show it, and those that were left open.
package live

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/limit"
	"freshet/control/event"
	"freshet/control/store"
)

// How many streams there may be (RELIABILITY, section 2, rule 8). One takes 33 KiB.
const (
	most = 20_000
	// mostOfNetwork is for the audience of an office or a carrier, which comes from one address. None from loopback, where a
	// proxy that tells no addresses stands for everybody.
	mostOfNetwork = 10_000
)

// readTime is how long the database may take to tell an event that nobody has followed yet.
const readTime = 5 * time.Second

// Errors of streams that are not begun.
var (
	errFull     = errors.New("the node has as many streams as it takes")
	errMany     = errors.New("the network has as many streams as it may")
	errStopping = errors.New("the node stops")
)

// Config says what a hub tells.
type Config struct {
	Pages   string          // base address of the pages
	Leaving func() []string // nodes of edges whose viewers are to move on; nil: there never are any
}

// A Hub has, in memory, the events that somebody follows. Its methods may be called from any goroutine. It follows an
// event.Board: the board reads, each second and after a change of this node, and has the hub read with it. While the
// database is away events stay as they are.
type Hub struct {
	cfg Config
	log *slog.Logger
	db  *store.DB
	m   *metrics

	stopped chan struct{} // closed when Run ends

	mu       sync.Mutex
	topics   map[string]*topic // by slug
	networks map[string]int    // streams of each
	streams  int
}

// A topic is an event that somebody follows, or is about to. Its hub's lock guards it.
type topic struct {
	slug    string
	streams int
	version int64 // of the event; 0: it was not read yet
	state   event.State
	frame   []byte // the event as a stream tells it
	id      string // of frame
	gone    bool   // there is none, or none any more
	err     error  // the first reading came to nothing
	changed chan struct{}
}

// New returns a hub that follows nothing.
func New(cfg Config, log *slog.Logger, db *store.DB, reg prometheus.Registerer) *Hub {
	h := &Hub{
		cfg: cfg, log: log, db: db, stopped: make(chan struct{}),
		topics: map[string]*topic{}, networks: map[string]int{},
	}
	h.m = newMetrics(reg, h.count)
	return h
}

// Run ends all streams when ctx ends: their pages come back to another node.
func (h *Hub) Run(ctx context.Context) error {
	<-ctx.Done()
	close(h.stopped)
	return nil
}

// beat is what each stream is told now and then: that it goes on, and which edges are about to stop.
func (h *Hub) beat() []byte {
	if h.cfg.Leaving == nil {
		return beatFrame
	}
	nodes := h.cfg.Leaving()
	if len(nodes) == 0 {
		return beatFrame
	}
	text, err := json.Marshal(map[string][]string{"leaving": nodes})
	if err != nil {
		return beatFrame // strings can be told
	}
	return fmt.Appendf(nil, "event: beat\ndata: %s\n\n", text)
}

func (h *Hub) count() float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return float64(h.streams)
}

// Waiting returns how many pages of this node wait for an event to begin: 0 while it is live.
func (h *Hub) Waiting(slug string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[slug]
	if t == nil || t.state == event.Live {
		return 0
	}
	return t.streams
}

// Read implements event.Follower.
func (h *Hub) Read(ctx context.Context) (show func(), err error) {
	h.mu.Lock()
	asked := make([]*topic, 0, len(h.topics))
	slugs := make([]string, 0, len(h.topics))
	for slug, t := range h.topics {
		asked, slugs = append(asked, t), append(slugs, slug)
	}
	h.mu.Unlock()
	if len(asked) == 0 {
		return func() {}, nil
	}
	all, err := event.BySlugs(ctx, h.db, slugs)
	if err != nil {
		return nil, fmt.Errorf("events that are followed: %w", err)
	}
	return func() {
		found := make(map[string]*event.Event, len(all))
		for i := range all {
			found[all[i].Slug] = &all[i]
		}
		for _, t := range asked {
			h.set(t, found[t.slug])
		}
	}, nil
}

// set has t's streams tell e, nil where it is gone. What was read before something newer is dropped.
func (h *Hub) set(t *topic, e *event.Event) {
	var text []byte
	if e != nil {
		var err error
		if text, err = json.Marshal(event.Shown(*e, h.cfg.Pages)); err != nil {
			h.log.Error("event cannot be told", "event", e.ID, "err", err)
			return
		}
	}
	id := idOf(text)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case t.gone:
		return
	case e == nil:
		t.gone = true
	case e.Version < t.version || id == t.id:
		return
	default:
		t.version, t.state, t.id, t.err = e.Version, e.State, id, nil
		t.frame = fmt.Appendf(nil, "event: event\nid: %s\ndata: %s\n\n", id, text)
	}
	t.tell()
}

// tell wakes t's streams. The hub's lock is held.
func (t *topic) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// idOf follows from what is told alone, so that it is the same on every node, and after a restart.
func idOf(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// follow returns the topic of a stream of network from. The caller leaves it.
func (h *Hub) follow(slug string, from netip.Addr) (t *topic, first bool, err error) {
	network := networkOf(from)
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.stopped:
		return nil, false, errStopping
	default:
	}
	switch {
	case h.streams >= most:
		return nil, false, errFull
	case network != "" && h.networks[network] >= mostOfNetwork:
		return nil, false, errMany
	}
	if t = h.topics[slug]; t == nil {
		t, first = &topic{slug: slug, changed: make(chan struct{})}, true
		h.topics[slug] = t
	}
	t.streams++
	h.streams++
	if network != "" {
		h.networks[network]++
	}
	return t, first, nil
}

func (h *Hub) leave(t *topic, from netip.Addr) {
	network := networkOf(from)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams--
	if t.streams--; t.streams == 0 {
		h.drop(t)
	}
	if network == "" {
		return
	}
	if h.networks[network]--; h.networks[network] == 0 {
		delete(h.networks, network)
	}
}

// drop has the next stream of t's event begin anew. The lock is held.
func (h *Hub) drop(t *topic) {
	if h.topics[t.slug] == t {
		delete(h.topics, t.slug)
	}
}

// networkOf is empty for who is not counted.
func networkOf(from netip.Addr) string {
	if from.IsLoopback() {
		return ""
	}
	return limit.Network(from)
}

// look returns what t is now, and what is closed when that changes.
func (h *Hub) look(t *topic) (now topic, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return *t, t.changed
}

// first reads t's event, for all who come meanwhile, too, whatever becomes of who was first.
func (h *Hub) first(ctx context.Context, t *topic, board *event.Board) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	e, err := event.BySlug(ctx, h.db, t.slug)
	if err == nil && e.State == event.Live {
		if on, ok := board.On(e.Slug); !ok || on.State != event.Live {
			board.Refresh(ctx) // else who comes now is told before joins know
		}
	}
	switch {
	case err == nil:
		h.set(t, &e)
	case errors.Is(err, store.ErrNone):
		h.set(t, nil)
	default:
		h.mu.Lock()
		defer h.mu.Unlock()
		if t.version == 0 { // else a board's reading did better
			t.err = err
			h.drop(t)
			t.tell()
		}
	}
}
