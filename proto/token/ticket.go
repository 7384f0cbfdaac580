package token

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

const (
	// TicketLife is how long a publisher that is sent on has to arrive.
	TicketLife = 30 * time.Second

	publishers = "publisher"
	ticketKey  = 16 // bytes of the hash of a stream key that a ticket names
)

// A Ticket lets a publisher in at one origin, once, without the stream's key: browsers do not send it along where an
// answer of control leads them on (RFC 9725, section 4.6; Fetch, section 4.4).
type Ticket struct {
	ID        string // no two have the same
	Stream    string
	Node      string // the origin
	Placement uint64 // number of the stream's placement there, 0 where nobody places streams
	Key       []byte // the first bytes of the SHA-256 of the stream key that its holder had
	Expires   time.Time
}

// ticket is a Ticket as JSON has it.
type ticket struct {
	jwt.RegisteredClaims
	Node      string `json:"node"`
	Placement uint64 `json:"placement"`
	Key       []byte `json:"key"`
}

// MintTicket returns a ticket for the origin node of stream, whose key has the hash key, until TicketLife after now.
func (m *Minter) MintTicket(stream, node string, placement uint64, key []byte, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, &ticket{
		RegisteredClaims: jwt.RegisteredClaims{
			ID: uuid.NewString(), Issuer: issuer, Audience: jwt.ClaimStrings{publishers}, Subject: stream,
			ExpiresAt: jwt.NewNumericDate(now.Add(TicketLife)),
		},
		Node: node, Placement: placement, Key: key[:min(ticketKey, len(key))],
	})
	t.Header["kid"] = m.id
	text, err := t.SignedString(m.key)
	if err != nil {
		return "", fmt.Errorf("sign a publisher's ticket: %w", err)
	}
	return text, nil
}

// CheckTicket returns what text, signed by one of keys, says at now. The error is ErrWrong, ErrExpired or ErrRole. Whether
// it was used, is for this node, and its key is still the stream's, is the caller's to see.
func CheckTicket(keys Keys, text string, now time.Time) (Ticket, error) {
	var c ticket
	if err := check(keys, text, publishers, now, &c); err != nil {
		return Ticket{}, err
	}
	if c.ID == "" || c.Subject == "" || c.Node == "" || len(c.Key) != ticketKey {
		return Ticket{}, ErrWrong
	}
	return Ticket{ID: c.ID, Stream: c.Subject, Node: c.Node, Placement: c.Placement, Key: c.Key, Expires: c.ExpiresAt.Time}, nil
}
