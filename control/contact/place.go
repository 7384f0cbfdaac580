package contact

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
)

// A place in a list: behind the contact with these words and id. The zero value is before everybody.
type place struct {
	words string
	id    uuid.UUID
}

// String returns p as a cursor.
func (p place) String() string {
	return p.id.String() + "." + base64.RawURLEncoding.EncodeToString([]byte(p.words))
}

// parsePlace reads a cursor; the empty one is before everybody.
func parsePlace(s string) (p place, ok bool) {
	if s == "" {
		return place{}, true
	}
	id, words, _ := strings.Cut(s, ".")
	b, err := base64.RawURLEncoding.DecodeString(words)
	if err != nil || strings.ContainsAny(words, "\r\n") || strings.ContainsRune(string(b), 0) {
		return place{}, false
	}
	p.words = strings.ToValidUTF8(string(b), "")
	p.id, err = uuid.Parse(id)
	return p, err == nil && p.words == string(b)
}
