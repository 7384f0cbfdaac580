package api

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"freshet/control/access"
)

const (
	witnessLong = 10 * time.Minute // after the database has said so last
	witnessMost = 256              // browsers; of more, the later ones are not remembered
	// witnessWaits is how long the database may take to say again what is remembered: the console is read each second.
	witnessWaits = 2 * time.Second
)

// A witness remembers browsers of persons of whom the database has said that they operate the installation. Where it does
// not answer, they are shown the mesh all the same: that is when it matters. The witness vouches for nothing else.
type witness struct {
	now func() time.Time

	mu   sync.Mutex
	seen map[[sha256.Size]byte]sighting // by the hash of the cookie's secret
}

type sighting struct {
	actor access.Actor
	until time.Time
}

func newWitness(now func() time.Time) *witness {
	return &witness{now: now, seen: map[[sha256.Size]byte]sighting{}}
}

// saw keeps what the database says of a, whose browser holds secret.
func (w *witness) saw(secret string, a access.Actor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, now := sha256.Sum256([]byte(secret)), w.now()
	if !a.Ops {
		delete(w.seen, key)
		return
	}
	if _, ok := w.seen[key]; !ok && len(w.seen) >= witnessMost {
		for k, s := range w.seen {
			if !now.Before(s.until) {
				delete(w.seen, k)
			}
		}
		if len(w.seen) >= witnessMost {
			return
		}
	}
	w.seen[key] = sighting{a, now.Add(witnessLong)}
}

// recalls returns who r is from, where that is remembered and r asks for the mesh.
func (w *witness) recalls(r *http.Request, secret string) (access.Actor, bool) {
	if r.Method != http.MethodGet || r.URL.Path != Prefix+"/ops/mesh" {
		return access.Actor{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.seen[sha256.Sum256([]byte(secret))]
	if !ok || !w.now().Before(s.until) {
		return access.Actor{}, false
	}
	s.actor.Recalled = true
	return s.actor, true
}

// patience returns the context in which the database is asked who r is from.
func (w *witness) patience(r *http.Request, secret string) (context.Context, context.CancelFunc) {
	if _, ok := w.recalls(r, secret); ok {
		return context.WithTimeout(r.Context(), witnessWaits)
	}
	return r.Context(), func() {}
}
