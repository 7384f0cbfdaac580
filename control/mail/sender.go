package mail

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/trace"
	"freshet/control/store"
)

const (
	batch = 50 // mails over one connection to a server

	// claimFor is how long a batch may take: a node that died with it leaves it to others then.
	claimFor = 5 * time.Minute
	// lookEvery finds what other nodes have queued, or left.
	lookEvery = 30 * time.Second
)

// waits are how long a mail waits after each attempt that failed for now: a day in all, then it is given up.
var waits = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 11 * time.Hour,
}

// A Letter is a mail that is due.
type Letter struct {
	ID       uuid.UUID           `db:"id"` // and of its Message-ID: the same at each attempt
	To       string              `db:"recipient"`
	Message  store.JSON[Written] `db:"message"`
	Attempts int64               `db:"attempts"` // before this one
	NextAt   time.Time           `db:"next_at"`
}

// A Server takes mails.
type Server interface {
	// Send hands letters over one after the other, and calls done with each as soon as the server has answered: nil
	// where it has taken it, a *Refused where it never will. It returns an error where it did not get to all of them.
	Send(ctx context.Context, letters []Letter, done func(Letter, error)) error
}

// A Refused error says that a server will not take a mail, whenever it is tried again.
type Refused struct{ Answer string }

func (r *Refused) Error() string { return "refused: " + r.Answer }

// A Sender hands queued mails to a server.
type Sender struct {
	Log    *slog.Logger
	Store  *store.DB
	Queue  *Queue
	Server Server
	Now    func() time.Time

	sent *prometheus.CounterVec
}

// NewSender returns s with its metrics registered.
func NewSender(s Sender, reg prometheus.Registerer) *Sender {
	s.sent = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_mail_attempts_total", Help: "Mails that were handed to a server, by what became of it.",
	}, []string{"result"})
	reg.MustRegister(s.sent)
	return &s
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	for {
		n, err := s.sendDue(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.Log.Warn("mails wait", "err", err)
		}
		if n == batch && err == nil {
			continue
		}
		select {
		case <-s.Queue.wake:
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// sendDue claims up to a batch of what is due, sends it, and returns how many that were.
func (s *Sender) sendDue(ctx context.Context) (n int, err error) {
	letters, err := s.claim(ctx)
	if err != nil || len(letters) == 0 {
		return 0, err
	}
	ctx, span := trace.Root(ctx, "mails")
	span.Count("freshet.mails", len(letters))
	defer func() { span.End(err) }()
	left := map[uuid.UUID]Letter{}
	for _, l := range letters {
		left[l.ID] = l
	}
	// What the server has answered is noted even while the program stops.
	keep := context.WithoutCancel(ctx)
	var failed error
	err = s.Server.Send(ctx, letters, func(l Letter, answer error) {
		delete(left, l.ID)
		if err := s.settle(keep, l, answer); err != nil {
			failed = errors.Join(failed, err) // it is sent again, under the same Message-ID
		}
	})
	for _, l := range left {
		if e := s.settle(keep, l, err); e != nil {
			failed = errors.Join(failed, e)
		}
	}
	return len(letters), errors.Join(err, failed)
}

// claim takes what is due, for claimFor, so that no other node sends it too.
func (s *Sender) claim(ctx context.Context) (letters []Letter, err error) {
	now := s.Now()
	err = s.Store.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		if letters, err = store.All[Letter](ctx, q, dueMails, store.Args{"now": store.Moment(now), "n": batch}); err != nil {
			return err
		}
		for _, l := range letters {
			if _, err := store.Exec(ctx, q, claimMail, store.Args{"id": l.ID, "until": store.Moment(now.Add(claimFor))}); err != nil {
				return err
			}
		}
		return nil
	})
	return letters, err
}

// settle notes what became of l: err is nil where a server has taken it.
func (s *Sender) settle(ctx context.Context, l Letter, err error) error {
	now := s.Now()
	state, answer := sent, ""
	var next, at *time.Time
	refused := (*Refused)(nil)
	switch {
	case err == nil:
		t := store.Moment(now)
		at = &t
	case errors.As(err, &refused):
		state, answer = failed, refused.Answer
	case int(l.Attempts) >= len(waits):
		state, answer = failed, err.Error()
	default:
		t := store.Moment(now.Add(waits[l.Attempts]))
		state, answer, next = waiting, err.Error(), &t
	}
	s.sent.WithLabelValues(state).Inc()
	if state == failed {
		s.Log.WarnContext(ctx, "a mail is given up", "mail", l.ID, "reason", answer)
	}
	_, err = store.Exec(ctx, s.Store, settleMail, store.Args{
		"id": l.ID, "state": state, "answer": cut(answer), "next_at": next, "sent_at": at,
	})
	return err
}

// cut bounds what a server has said, and makes it text that every database takes.
func cut(s string) string {
	const most = 500
	return strings.ToValidUTF8(strings.ReplaceAll(s[:min(len(s), most)], "\x00", ""), "")
}
