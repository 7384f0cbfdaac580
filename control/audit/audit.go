// Package audit keeps what members and API keys did: who, what, when and from where, in one chain of hashes an account,
// so that a row that was changed or taken away shows. Persons stand in it by their ids; erasing one changes nothing.
package audit

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements = store.Load(files)
	last       = statements.Get("last_entry")
	add        = statements.Get("add_entry")
	page       = statements.Get("entries_before")
	from       = statements.Get("entries_from")
	entriesOf  = statements.Get("entries_of_person")
)

// A Kind of actor.
type Kind string

// Who may act.
const (
	Person Kind = "person"
	Key    Kind = "key"
	System Kind = "system" // Freshet itself, or whoever has the machine
)

// An Act is what is to be noted.
type Act struct {
	Actor   Kind
	ActorID uuid.UUID // of the person or key
	From    netip.Addr
	Action  string // of the API: the operation's id
	Subject string // what it was done to: a noun, a slash and an id
	Detail  string // for people; no name, address or secret
}

// An Entry is a row of the log.
type Entry struct {
	Account uuid.UUID  `db:"account_id"`
	Number  int64      `db:"number"` // 1, 2, 3 … in each account
	At      time.Time  `db:"at"`
	Actor   Kind       `db:"actor"`
	ActorID *uuid.UUID `db:"actor_id"`
	Network string     `db:"network"` // from where: the first 24 bits of an IPv4 address, 48 of an IPv6 one
	Action  string     `db:"action"`
	Subject string     `db:"subject"`
	Detail  string     `db:"detail"`
	Hash    []byte     `db:"hash"`
}

// Add notes what is done to account, in the transaction q that does it: both are kept or none.
func Add(ctx context.Context, q store.Querier, account uuid.UUID, now time.Time, act Act) error {
	before, err := store.One[Entry](ctx, q, last, store.Args{"account": account})
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	e := Entry{
		Account: account, Number: before.Number + 1, At: store.Moment(now), Actor: act.Actor,
		Network: Network(act.From), Action: act.Action, Subject: act.Subject, Detail: act.Detail,
	}
	if act.ActorID != uuid.Nil {
		e.ActorID = &act.ActorID
	}
	e.Hash = e.sum(before.Hash)
	_, err = store.Exec(ctx, q, add, store.Args{
		"account": e.Account, "number": e.Number, "at": e.At, "actor": string(e.Actor), "actor_id": e.ActorID,
		"network": e.Network, "action": e.Action, "subject": e.Subject, "detail": e.Detail, "hash": e.Hash,
	})
	return err
}

// Network returns the part of a that is kept: addresses of persons are kept whole for a day only, and a log is for years.
func Network(a netip.Addr) string {
	a = a.Unmap()
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil || !p.IsValid() { // of no address
		return ""
	}
	return p.String()
}

// sum returns the hash of e behind an entry with the hash before: SHA-256 over before and each field with its length.
func (e *Entry) sum(before []byte) []byte {
	h := sha256.New()
	field := func(b []byte) {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
		_, _ = h.Write(b)
	}
	field(before)
	field(e.Account[:])
	field(binary.BigEndian.AppendUint64(nil, uint64(e.Number)))
	field(binary.BigEndian.AppendUint64(nil, uint64(e.At.UnixMicro())))
	field([]byte(e.Actor))
	if e.ActorID != nil {
		field(e.ActorID[:])
	} else {
		field(nil)
	}
	for _, s := range []string{e.Network, e.Action, e.Subject, e.Detail} {
		field([]byte(s))
	}
	return h.Sum(nil)
}

// Page returns up to n entries of account, the newest first: those before number before, all where that is 0.
func Page(ctx context.Context, q store.Querier, account uuid.UUID, before int64, n int) ([]Entry, error) {
	if before == 0 {
		before = 1 << 62
	}
	return store.All[Entry](ctx, q, page, store.Args{"account": account, "before": before, "n": n})
}

// ByPerson returns all that a person did, in whatever account.
func ByPerson(ctx context.Context, q store.Querier, person uuid.UUID) ([]Entry, error) {
	return store.All[Entry](ctx, q, entriesOf, store.Args{"person": person})
}
