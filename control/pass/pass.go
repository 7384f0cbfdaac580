// Package pass makes what lets a guest in, and reads it. No database has a pass: it is the guest's id with a code that
// only this mesh's key makes.
package pass

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/google/uuid"
)

// Bytes of a pass: the id, the epoch, the code. 36 of them are 48 characters, none of them padding.
const (
	idSize    = 16
	epochSize = 4
	codeSize  = 16 // of 32: what is guessed is tried at a door that counts
	size      = idSize + epochSize + codeSize
)

// What a pass is for: one that was made for one does nothing for the other.
const (
	entry = "pass"
	stop  = "stop"
)

// A Maker makes passes with a key, and reads them. It may be used from any goroutine.
type Maker struct {
	key   []byte
	label string
}

// New returns the maker of guests' passes. The key has 32 bytes.
func New(key []byte) *Maker { return &Maker{key, entry} }

// NewStop returns the maker of what stops mails, with the id of one of them, epoch 0.
func NewStop(key []byte) *Maker { return &Maker{key, stop} }

// Of returns the pass of an id. A pass of another epoch is another: raising the epoch that is kept revokes the one before.
func (m *Maker) Of(id uuid.UUID, epoch int64) string {
	b := binary.BigEndian.AppendUint32(append(make([]byte, 0, size), id[:]...), uint32(epoch))
	return base64.RawURLEncoding.EncodeToString(append(b, m.code(b)...))
}

// Read returns what a pass was made of, and whether it was made by m; how long that takes does not tell how much of it
// was right.
func (m *Maker) Read(pass string) (id uuid.UUID, epoch int64, ok bool) {
	if len(pass) != base64.RawURLEncoding.EncodedLen(size) {
		return uuid.Nil, 0, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(pass)
	if err != nil || len(b) != size || !hmac.Equal(b[idSize+epochSize:], m.code(b[:idSize+epochSize])) {
		return uuid.Nil, 0, false
	}
	return uuid.UUID(b[:idSize]), int64(binary.BigEndian.Uint32(b[idSize:])), true
}

func (m *Maker) code(b []byte) []byte {
	h := hmac.New(sha256.New, m.key)
	_, _ = h.Write([]byte(m.label))
	_, _ = h.Write(b)
	return h.Sum(nil)[:codeSize]
}
