package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// What a follower keeps to, as RELIABILITY has it of every viewer.
const (
	quietAfter  = 400 * time.Millisecond
	moveWithin  = 300 * time.Millisecond // spreads out the viewers of an edge that died
	leaveWithin = 5 * time.Second        // and those of one that is drained: it has time
	restsFor    = 30 * time.Second       // an edge that failed
	mediaWithin = 4 * time.Second        // from the offer to the first picture of another edge
	againAfter  = 250 * time.Millisecond // where no edge plays; it doubles up to againMost
	againMost   = 4 * time.Second
)

// FollowConfig says which event to watch, wherever it can be watched.
type FollowConfig struct {
	API      []string // of control nodes: http://…/api/v1; the next is asked where one does not answer
	Slug     string
	Region   string    // that the viewer is nearest to; empty: control finds out
	Arrivals *Arrivals // when whole frames came, from whatever edge; may be nil
}

// A Followed is how a viewer fared.
type Followed struct {
	Sessions int   // that showed a picture: one more than the moves that were made
	Failed   int   // edges that were tried and showed none
	Err      error // why it ended before it was told to; nil where it did not
}

// Follow watches an event until ctx ends, as the player of the pages does: it goes to another edge when its own falls
// silent, says goodbye or is about to leave, and opens the next before it closes the last where there is time for it.
// now, where not nil, is called with the node of each edge that shows a picture.
func Follow(ctx context.Context, cfg FollowConfig, now func(node string), log *slog.Logger) Followed {
	f := &follower{
		cfg: cfg, now: now, log: log, client: newClient(2), failed: map[string]time.Time{},
		leaving: make(chan []string, 1),
	}
	defer f.client.CloseIdleConnections()
	defer f.side.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f.side.Go(func() { f.listen(ctx) })
	f.run(ctx)
	return f.done
}

// A follower is one Follow, whose goroutine owns it.
type follower struct {
	cfg     FollowConfig
	now     func(node string)
	log     *slog.Logger
	client  *http.Client
	done    Followed
	plan    plan
	failed  map[string]time.Time // by address
	leaving chan []string        // nodes; the newest alone
	last    *visit
	side    sync.WaitGroup // of its goroutines: visits that came to nothing end by themselves
}

// A visit is a session with one edge.
type visit struct {
	edge    planEdge
	stop    context.CancelFunc
	picture chan struct{} // closed at its first whole frame of video
	over    chan struct{} // closed when it has ended, for err
	err     error
}

func (f *follower) run(ctx context.Context) {
	defer f.leaveLast()
	again := againAfter
	for ctx.Err() == nil {
		if err := f.round(ctx); err != nil && ctx.Err() == nil {
			var refused *StatusError
			if errors.As(err, &refused) && slices.Contains([]int{http.StatusForbidden, http.StatusNotAcceptable}, refused.Status) {
				f.done.Err = err
				return
			}
			f.log.Warn("no edge plays, trying on", "err", err)
			select {
			case <-time.After(again):
			case <-ctx.Done():
			}
			again = min(2*again, againMost)
			continue
		}
		again = againAfter
	}
}

// round opens one session and stays with it until it is over. An error says that there was no edge to stay with.
func (f *follower) round(ctx context.Context) error {
	edge, err := f.pick(ctx)
	if err != nil {
		return err
	}
	s := f.open(ctx, edge)
	select {
	case <-s.picture:
	case <-s.over:
		err = s.err
	case <-time.After(mediaWithin):
		err = fmt.Errorf("%s: no picture", edge.Node)
	case <-ctx.Done():
	}
	if err != nil || ctx.Err() != nil {
		s.stop()
		f.failed[edge.WHEP] = time.Now()
		if ctx.Err() == nil {
			f.done.Failed++
		}
		if f.exhausted() {
			return err
		}
		return nil
	}
	f.leaveLast()
	f.last = s
	f.done.Sessions++
	if f.now != nil {
		f.now(edge.Node)
	}
	f.stayWith(ctx, s)
	return nil
}

// stayWith returns when it is time to open another session.
func (f *follower) stayWith(ctx context.Context, s *visit) {
	for {
		select {
		case <-s.over:
			f.failed[s.edge.WHEP] = time.Now()
			f.last = nil
			pause(ctx, rand.N(moveWithin))
			return
		case nodes := <-f.leaving:
			if !slices.Contains(nodes, s.edge.Node) {
				continue
			}
			f.failed[s.edge.WHEP] = time.Now()
			select {
			case <-time.After(rand.N(leaveWithin)):
			case <-s.over: // before its turn
			case <-ctx.Done():
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *follower) leaveLast() {
	if f.last != nil {
		f.last.stop()
		<-f.last.over
		f.last = nil
	}
}

// open begins a session with an edge.
func (f *follower) open(ctx context.Context, edge planEdge) *visit {
	ctx, stop := context.WithCancel(ctx)
	s := &visit{edge: edge, stop: stop, picture: make(chan struct{}), over: make(chan struct{})}
	cfg := PlayConfig{
		URL: edge.WHEP + "/" + f.plan.stream(), Token: f.plan.Token, Quiet: quietAfter,
		Arrivals: f.cfg.Arrivals, Picture: func() { close(s.picture) },
	}
	f.side.Go(func() {
		defer close(s.over)
		defer stop()
		if s.err = Play(ctx, cfg, nil, f.log); s.err == nil {
			s.err = errEnded
		}
	})
	return s
}

var errEnded = errors.New("the edge said goodbye")
