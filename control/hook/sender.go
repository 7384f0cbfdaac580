package hook

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/trace"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/mail"
	"freshet/control/permit"
	"freshet/control/store"
)

var (
	dueHooks       = statements.Get("due_hooks")
	claimHook      = statements.Get("claim_hook")
	freeHook       = statements.Get("free_hook")
	nextLetter     = statements.Get("next_delivery")
	settleDelivery = statements.Get("settle_delivery")
	hookWorks      = statements.Get("hook_works")
	hookFails      = statements.Get("hook_fails")
	switchOff      = statements.Get("switch_off")
)

const (
	atOnce = 16 // hooks that a node sends to

	// claimFor is how long a node may be at a hook: one that died leaves it to others then. No letter is begun in the last
	// sendTime of it, and some.
	claimFor = time.Minute
	lastFor  = claimFor - 2*sendTime

	// lookEvery finds what other nodes have told or left, and what is to be tried again.
	lookEvery = 2 * time.Second

	// offAfter is how long a hook may fail without a break.
	offAfter = 24 * time.Hour
)

// waits are how long a letter waits after each attempt that failed, give or take a tenth: a day in all, then it has
// failed. Those behind it wait with it.
var waits = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 7 * time.Hour, 13 * time.Hour,
}

// A Sender sends what was told.
type Sender struct {
	Log    *slog.Logger
	Store  *store.DB
	Queue  *Queue
	Reach  *Reach
	Signer *Signer
	Mail   *mail.Queue
	Now    func() time.Time
	Pages  string // base address of the pages, for links in mails

	client   *http.Client
	attempts *prometheus.CounterVec
}

// NewSender returns s with its metrics registered.
func NewSender(s Sender, reg prometheus.Registerer) *Sender {
	s.client = s.Reach.client()
	s.attempts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_hook_attempts_total", Help: "Messages that were sent to webhooks, by what became of them.",
	}, []string{"result"})
	for _, state := range []string{waiting, done, failed} {
		s.attempts.WithLabelValues(state) // shown from the start
	}
	reg.MustRegister(s.attempts)
	return &s
}

// Run sends until ctx ends: each hook has a goroutine while something waits for it, atOnce at most.
func (s *Sender) Run(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	var hooks sync.WaitGroup
	defer hooks.Wait()
	free := make(chan struct{}, atOnce)
	for range atOnce {
		free <- struct{}{}
	}
	for {
		claimed, err := s.claim(ctx, len(free))
		for _, c := range claimed {
			<-free
			hooks.Go(func() {
				more := s.serve(ctx, c)
				free <- struct{}{}
				if more {
					s.Queue.signal()
				}
			})
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.Log.Warn("webhooks wait", "err", err)
		}
		select {
		case <-s.Queue.wake:
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// A claimed hook is this node's until then.
type claimed struct {
	Hook
	until time.Time
}

// claim takes up to n hooks for which something waits.
func (s *Sender) claim(ctx context.Context, n int) (mine []claimed, err error) {
	now := s.Now()
	due, err := store.All[Hook](ctx, s.Store, dueHooks, store.Args{"now": store.Moment(now), "n": n})
	until := store.Moment(now.Add(claimFor))
	for _, h := range due {
		n, err := store.Exec(ctx, s.Store, claimHook, store.Args{"id": h.ID, "now": store.Moment(now), "until": until})
		if err != nil {
			return mine, err
		}
		if n > 0 { // else another node was first
			mine = append(mine, claimed{h, until})
		}
	}
	return mine, err
}

// serve sends what waits for h, in order, until nothing does, an attempt fails, its time is over, or the hook is another by
// now: what its owner has changed counts from the next letter on. It says whether there may be more to send now.
func (s *Sender) serve(ctx context.Context, h claimed) (more bool) {
	// What a receiver has answered is noted even while the program stops.
	keep := context.WithoutCancel(ctx)
	for {
		now := s.Now()
		if ctx.Err() != nil || h.until.Sub(now) < claimFor-lastFor {
			s.release(keep, h, nil)
			return true
		}
		l, err := store.One[letter](ctx, s.Store, nextLetter, store.Args{"hook": h.ID, "version": h.Version})
		if errors.Is(err, store.ErrNone) {
			s.release(keep, h, nil)
			return false
		}
		if err != nil {
			s.release(keep, h, err)
			return false
		}
		r := s.post(ctx, h, l, now)
		if ctx.Err() != nil && !r.ok { // it was cut, and has not failed
			s.release(keep, h, nil)
			return false
		}
		goOn, err := s.settle(keep, &h.Hook, l, r)
		if err != nil || !goOn {
			s.release(keep, h, err) // where it could not be settled it is sent again, under the same id
			return false
		}
	}
}

// post sends l to h.
func (s *Sender) post(ctx context.Context, h claimed, l letter, now time.Time) reply {
	ctx, span := trace.Root(ctx, "webhook")
	span.Set("freshet.hook", h.ID.String())
	r := post(ctx, s.client, h.URL, s.Signer.secret(h.Hook), l, now)
	span.Count("http.response.status_code", r.status)
	if r.ok {
		span.End(nil)
	} else {
		span.End(errNotTaken)
	}
	return r
}

var errNotTaken = errors.New("not taken")

// release lets others send to h.
func (s *Sender) release(ctx context.Context, h claimed, err error) {
	_, e := store.Exec(ctx, s.Store, freeHook, store.Args{"id": h.ID, "now": store.Moment(s.Now()), "until": h.until})
	if err = errors.Join(err, e); err != nil && ctx.Err() == nil {
		s.Log.Warn("a webhook waits", "hook", h.ID, "err", err)
	}
}

// settle notes what came of l, and whether the next may be sent.
func (s *Sender) settle(ctx context.Context, h *Hook, l letter, r reply) (goOn bool, err error) {
	now := store.Moment(s.Now())
	state, body := done, "" // what was taken is not kept
	var status *int
	if r.status != 0 {
		status = &r.status
	}
	settled := &now
	switch {
	case r.ok:
	case int(l.Attempts) >= len(waits):
		state = failed
	default:
		state, body, settled = waiting, l.Body, nil
	}
	since := h.Failing
	if !r.ok && since == nil {
		since = &now
	}
	off := !r.ok && now.Sub(*since) >= offAfter
	err = s.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		n, err := store.Exec(ctx, q, settleDelivery, store.Args{
			"id": l.ID, "state": state, "body": body, "attempts": l.Attempts + 1, "status": status, "answer": r.text, "settled_at": settled,
		})
		goOn = n > 0 && r.ok
		if err != nil || n == 0 { // the hook was deleted, or switched off
			return err
		}
		switch {
		case off:
			return s.switchOff(ctx, q, *h, r, now)
		case !r.ok:
			next := now
			if state == waiting {
				next = store.Moment(now.Add(jittered(waits[l.Attempts])))
			}
			_, err = store.Exec(ctx, q, hookFails, store.Args{"id": h.ID, "version": h.Version, "next_at": next, "since": since})
		case h.Failing != nil:
			_, err = store.Exec(ctx, q, hookWorks, store.Args{"id": h.ID, "version": h.Version})
		}
		return err
	})
	if err != nil {
		return false, err
	}
	if h.Failing = since; r.ok {
		h.Failing = nil
	}
	s.attempts.WithLabelValues(state).Inc()
	return goOn, nil
}

func jittered(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5) }

// switchOff tells h no more, and its owners that it is so.
func (s *Sender) switchOff(ctx context.Context, q store.Querier, h Hook, r reply, now time.Time) error {
	if n, err := store.Exec(ctx, q, switchOff, store.Args{"id": h.ID, "version": h.Version, "now": now}); err != nil || n == 0 {
		return err
	}
	if err := dropWaiting(ctx, q, h.ID, now); err != nil {
		return err
	}
	of, err := account.Get(ctx, q, h.Account)
	if err != nil {
		return err
	}
	members, err := account.Members(ctx, q, h.Account)
	if err != nil {
		return err
	}
	host := ""
	if u, err := url.Parse(h.URL); err == nil {
		host = u.Host
	}
	for _, m := range members {
		if m.Role != permit.Owner || m.JoinedAt == nil || m.Email == nil {
			continue
		}
		p, err := account.PersonByID(ctx, q, m.Person)
		if err != nil {
			return err
		}
		if err := s.Mail.Add(ctx, q, mail.Message{
			Account: h.Account, Kind: mail.HookOff, To: *m.Email, Name: p.Name, Language: p.Language,
			Values: map[string]string{"link": s.Pages + "/settings/webhooks", "account": of.Name, "host": host, "answer": r.text},
		}, now); err != nil {
			return err
		}
	}
	store.After(ctx, func() { s.Log.Warn("a webhook is switched off", "hook", h.ID, "reason", r.text) })
	return audit.Add(ctx, q, h.Account, now, audit.Act{Actor: audit.System, Action: "switch-off-webhook", Subject: subject(h.ID)})
}
