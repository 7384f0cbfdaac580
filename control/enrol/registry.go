package enrol

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"time"

	"freshet/cluster/identity"
)

// A Token is what is kept of a join token.
type Token struct {
	Hash    [sha256.Size]byte // of its secret
	Role    string
	Region  string // empty: the node says where it stands
	Expires time.Time
}

// A Use is a node's wish to come in by a token.
type Use struct {
	Hash               [sha256.Size]byte
	Node, Role, Region string
	Key                ed25519.PublicKey
}

// A Grant is as whom it comes in.
type Grant struct {
	Node, Region string
}

// A Registry knows tokens and nodes; all control nodes share it. Errors that are not named here mean that it cannot decide
// now.
type Registry interface {
	// AddToken keeps a token.
	AddToken(ctx context.Context, t Token) error

	// Token returns a token that may be known here, by what is in memory: older than what UseToken decides by, or newer.
	Token(hash [sha256.Size]byte) (Token, bool)

	// UseToken registers the node and its key, and spends the token, or does neither. The key that has spent a token may
	// use it again until it expires and gets the same grant: its answer was lost. A name is free where nobody has it, the
	// same key does, or who had it was removed. One key is one node: who comes with another name has it instead of the
	// last. The errors are ErrTokenUnknown, ErrTokenExpired, ErrTokenUsed,
	// ErrWrongRole, ErrNameTaken, and ErrRemoved where the key is that of a removed node.
	UseToken(ctx context.Context, u Use) (Grant, error)

	// Renew says whether s, by that name, role and key, is of the cluster. It needs no leader. The errors are ErrRemoved
	// and ErrUnregistered.
	Renew(ctx context.Context, s identity.Subject) error

	// Remove takes a node out of the cluster, for good for its key. The error is ErrUnregistered where nobody has the name.
	Remove(ctx context.Context, node string) error
}

// Why a registry refuses.
var (
	ErrTokenUnknown = errors.New("no such join token")
	ErrTokenExpired = errors.New("the join token has expired")
	ErrTokenUsed    = errors.New("the join token was used")
	ErrWrongRole    = errors.New("the join token is for another role")
	ErrNameTaken    = errors.New("the name is taken")
	ErrRemoved      = errors.New("the key is that of a removed node")
	ErrUnregistered = errors.New("no such node")
)
