package door

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

const (
	waitingMost = 20_000  // entries that wait to be written, at 400 bytes each
	seenMost    = 100_000 // of those who were seen since
	atOnce      = 500     // written in one transaction
	writeTakes  = 5 * time.Second
)

// A ledger keeps in memory what is to be written later: that somebody was seen, which costs no request a write, and what
// came while the database was away. What is in it when the program is killed is lost.
type ledger struct {
	log *slog.Logger
	db  *store.DB
	m   *metrics

	mu      sync.Mutex
	entries []Entry
	revoked []revokedRow
	seen    map[uuid.UUID]time.Time // by session
	away    bool                    // the database was, when last something was to be written
}

func newLedger(log *slog.Logger, db *store.DB, m *metrics) *ledger {
	return &ledger{log: log, db: db, m: m, seen: map[uuid.UUID]time.Time{}}
}

// add keeps e until it is written.
func (l *ledger) add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= waitingMost {
		l.m.dropped.WithLabelValues(string(droppedEntry)).Inc()
		return
	}
	l.entries = append(l.entries, e)
}

// revoke keeps that a session is revoked until that is written. There are no more of them than entries that were made.
func (l *ledger) revoke(session uuid.UUID, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.revoked) >= waitingMost {
		l.m.dropped.WithLabelValues(string(droppedRevocation)).Inc()
		return
	}
	l.revoked = append(l.revoked, revokedRow{session, until})
}

// see keeps that a session was seen until that is written.
func (l *ledger) see(session uuid.UUID, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.seen[session]; !ok && len(l.seen) >= seenMost {
		l.m.dropped.WithLabelValues(string(droppedSeen)).Inc()
		return
	}
	l.seen[session] = at
}

func (l *ledger) isAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away
}

// A page is what one transaction writes.
type page struct {
	entries []Entry
	revoked []revokedRow
	seen    map[uuid.UUID]time.Time
}

func (p *page) empty() bool { return len(p.entries)+len(p.revoked)+len(p.seen) == 0 }

// tear takes the next page out of l.
func (l *ledger) tear() (p page) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m.waiting.Set(float64(len(l.entries)))
	n := min(atOnce, len(l.entries))
	p.entries, l.entries = l.entries[:n:n], l.entries[n:]
	n = min(atOnce, len(l.revoked))
	p.revoked, l.revoked = l.revoked[:n:n], l.revoked[n:]
	p.seen = map[uuid.UUID]time.Time{}
	for id, at := range l.seen {
		if len(p.seen) == atOnce {
			break
		}
		p.seen[id] = at
		delete(l.seen, id)
	}
	return p
}

// back puts p where it was.
func (l *ledger) back(p page) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.revoked = append(p.entries, l.entries...), append(p.revoked, l.revoked...)
	l.m.waiting.Set(float64(len(l.entries)))
	for id, at := range p.seen {
		if _, newer := l.seen[id]; !newer {
			l.seen[id] = at
		}
	}
}

// write writes all there is. What cannot be written now stays, and what never can is dropped.
func (l *ledger) write(ctx context.Context) {
	for {
		p := l.tear()
		if p.empty() {
			return
		}
		err := l.writePage(ctx, p)
		gone := ctx.Err() != nil || errors.Is(err, store.ErrAway)
		l.tell(gone, err)
		if gone {
			l.back(p)
			return
		}
		if err != nil {
			l.log.Error("entries are lost", "entries", len(p.entries), "revoked", len(p.revoked), "seen", len(p.seen), "err", err)
			l.m.dropped.WithLabelValues(string(droppedEntry)).Add(float64(len(p.entries)))
			l.m.dropped.WithLabelValues(string(droppedRevocation)).Add(float64(len(p.revoked)))
			l.m.dropped.WithLabelValues(string(droppedSeen)).Add(float64(len(p.seen)))
		}
	}
}

// tell logs that the database is away, and that it is back, once.
func (l *ledger) tell(away bool, err error) {
	l.mu.Lock()
	was := l.away
	l.away = away
	l.mu.Unlock()
	switch {
	case away && !was:
		l.log.Warn("who comes in is written later", "err", err)
	case was && !away:
		l.log.Info("who came in is written again")
	}
}

func (l *ledger) writePage(ctx context.Context, p page) error {
	ctx, cancel := context.WithTimeout(ctx, writeTakes)
	defer cancel()
	return l.db.InTx(ctx, func(ctx context.Context, q store.Querier) error {
		for _, e := range p.entries {
			if err := keep(ctx, q, e); err != nil && !errors.Is(err, errGone) {
				return err
			}
		}
		for _, r := range p.revoked {
			if err := revoke(ctx, q, r.ID, r.Until); err != nil {
				return err
			}
		}
		for id, at := range p.seen {
			if _, err := store.Exec(ctx, q, seenEntry, store.Args{"id": id, "at": store.Moment(at)}); err != nil {
				return err
			}
		}
		return nil
	})
}
