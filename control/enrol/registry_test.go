package enrol

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"maps"
	"sync"
	"time"

	"freshet/cluster/identity"
)

// A registry is honest, and all in memory: what tests have of a quorum.
type registry struct {
	now func() time.Time

	mu     sync.Mutex
	away   bool // decides nothing
	tokens map[[sha256.Size]byte]*spendable
	nodes  map[string]registered
	gone   map[string]bool // keys
	uses   int
}

type spendable struct {
	Token
	by    ed25519.PublicKey // nil: not spent
	grant Grant
}

type registered struct {
	identity.Subject
	region string
}

func newRegistry(now func() time.Time) *registry {
	return &registry{now: now, tokens: map[[sha256.Size]byte]*spendable{}, nodes: map[string]registered{}, gone: map[string]bool{}}
}

var errAway = errors.New("no leader")

func (r *registry) AddToken(_ context.Context, t Token) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return errAway
	}
	r.tokens[t.Hash] = &spendable{Token: t}
	return nil
}

func (r *registry) Token(hash [sha256.Size]byte) (Token, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.tokens[hash]
	if !ok {
		return Token{}, false
	}
	return t.Token, true
}

func (r *registry) UseToken(_ context.Context, u Use) (Grant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uses++
	t, ok := r.tokens[u.Hash]
	has := r.nodes[u.Node]
	switch {
	case r.away:
		return Grant{}, errAway
	case !ok:
		return Grant{}, ErrTokenUnknown
	case !r.now().Before(t.Expires):
		return Grant{}, ErrTokenExpired
	case t.by != nil && t.by.Equal(u.Key):
		return t.grant, nil
	case t.by != nil:
		return Grant{}, ErrTokenUsed
	case t.Role != u.Role:
		return Grant{}, ErrWrongRole
	case r.gone[string(u.Key)]:
		return Grant{}, ErrRemoved
	case has.Key != nil && !has.Key.Equal(u.Key):
		return Grant{}, ErrNameTaken
	}
	t.by, t.grant = u.Key, Grant{Node: u.Node, Region: u.Region}
	if t.Region != "" {
		t.grant.Region = t.Region
	}
	maps.DeleteFunc(r.nodes, func(_ string, n registered) bool { return n.Key.Equal(u.Key) })
	r.nodes[u.Node] = registered{identity.Subject{Node: u.Node, Role: u.Role, Key: u.Key}, t.grant.Region}
	return t.grant, nil
}

func (r *registry) Renew(_ context.Context, s identity.Subject) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch has, ok := r.nodes[s.Node]; {
	case r.gone[string(s.Key)]:
		return ErrRemoved
	case !ok || has.Role != s.Role || !has.Key.Equal(s.Key):
		return ErrUnregistered
	}
	return nil
}

func (r *registry) Remove(_ context.Context, node string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	has, ok := r.nodes[node]
	if !ok {
		return ErrUnregistered
	}
	r.gone[string(has.Key)] = true
	delete(r.nodes, node)
	return nil
}

func (r *registry) setAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

func (r *registry) used() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.uses
}
