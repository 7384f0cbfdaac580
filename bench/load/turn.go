package load

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A try is how a session is asked for.
type try struct {
	again bool   // right after one was lost
	lost  string // host that does not answer any more; whoever sends publishers there is told
}

// next returns the try that follows at once on one that has ended with err; ok is false where it is time for a pause.
func (t try) next(err error) (_ try, ok bool) {
	var s *silentError
	switch {
	case errors.Is(err, ErrLost):
		return try{again: true}, true
	case errors.As(err, &s) && s.moved && s.host != t.lost:
		return try{lost: s.host}, true
	}
	return try{}, false
}

// How long a server may take for its answer, after it has answered once: one that was lost a moment ago has answerLeast, and
// a few times what it took before, and then the one who sent the publisher there is told; any other has answerBack, in which
// control may wait before it moves a stream.
const (
	answerLeast = 150 * time.Millisecond
	answerMost  = 500 * time.Millisecond
	answerBack  = 4 * time.Second
)

// A patience is what a publisher knows of how fast its servers answer. Any goroutine may use it.
type patience struct{ took atomic.Int64 } // ns, of the last answer; 0 before the first

func (p *patience) answered(took time.Duration) { p.took.Store(int64(took)) }

func (p *patience) with(t try) time.Duration {
	switch took := time.Duration(p.took.Load()); {
	case took == 0:
		return exchangeTimeout
	case t.again:
		return min(answerLeast+4*took, answerMost)
	}
	return answerBack
}

// address is where a session is asked for: RFC 9725 leaves the query of an endpoint to its server, and ours knows these words.
func (t try) address(endpoint string, backup bool) string {
	var words []string
	if backup {
		words = append(words, "backup=1")
	}
	if t.lost != "" {
		words = append(words, "lost="+url.QueryEscape(t.lost))
	}
	for _, w := range words {
		sep := "?"
		if strings.Contains(endpoint, "?") {
			sep = "&"
		}
		endpoint += sep + w
	}
	return endpoint
}

// worthRetrying says whether the same request may fare better later.
func worthRetrying(err error) bool {
	var refused *StatusError
	if errors.As(err, &refused) {
		return refused.Status >= 500 || slices.Contains([]int{http.StatusConflict, http.StatusMisdirectedRequest, http.StatusTooManyRequests}, refused.Status)
	}
	var broken *inputError
	return !errors.As(err, &broken)
}

// A turn is one session of a publisher.
type turn struct {
	stands chan struct{} // closed when it is on the air
	moved  chan struct{} // closed when the server asks it to go elsewhere
	ended  chan error
	stop   context.CancelFunc
}

func begin(ctx context.Context, cfg PublishConfig, t try, log *slog.Logger) *turn {
	ctx, stop := context.WithCancel(ctx)
	u := &turn{stands: make(chan struct{}), moved: make(chan struct{}), ended: make(chan error, 1), stop: stop}
	go func() { u.ended <- publishOnce(ctx, cfg, t, u, log) }()
	return u
}

// overlap is how long a session goes on beside the one that takes its place.
const overlap = time.Second

// publishOn publishes until a session ends. Where the server asks it to go elsewhere it opens another before it ends the
// last, as often as that happens.
func publishOn(ctx context.Context, cfg PublishConfig, t try, log *slog.Logger) error {
	if report := cfg.Report; report != nil {
		var one sync.Mutex // two sessions may report
		cfg.Report = func(r PublishReport) {
			one.Lock()
			defer one.Unlock()
			report(r)
		}
	}
	now := begin(ctx, cfg, t, log)
	for {
		select {
		case err := <-now.ended:
			now.stop()
			return err
		case <-now.moved:
			now.moved = nil
		}
		log.Info("asked to publish elsewhere")
		next := begin(ctx, cfg, try{}, log)
		select {
		case <-next.stands:
			select {
			case <-time.After(overlap):
			case <-ctx.Done():
			}
			now.stop()
			if err := <-now.ended; err != nil {
				log.Warn("the session before", "err", err)
			}
			now = next
		case err := <-next.ended: // the server ends the one that stands, if it must
			next.stop()
			log.Warn("publishing elsewhere came to nothing", "err", err)
		}
	}
}

// moveLink is the relation under which a Freshet origin says that a publisher is to go elsewhere.
const moveLink = "urn:ietf:params:whip:ext:freshet:move"

const (
	moveWait  = 40 * time.Second // for one answer: the server takes half of it
	moveAgain = time.Second      // after one that was none
)

// moves waits until the server asks the publisher to go elsewhere. It returns false when ctx ends, or where the server has
// no such word.
func (x *exchange) moves(ctx context.Context) bool {
	if x.move == nil {
		return false
	}
	client := *x.client
	client.Timeout = moveWait
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.move.String(), nil)
		if err != nil {
			return false
		}
		x.authorize(req)
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close() // there is nothing in it
			switch res.StatusCode {
			case http.StatusOK:
				return true
			case http.StatusNoContent:
				continue
			case http.StatusNotFound:
				return false
			}
		}
		select {
		case <-time.After(moveAgain):
		case <-ctx.Done():
		}
	}
	return false
}
