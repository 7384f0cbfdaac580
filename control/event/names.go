package event

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	slugMost   = 48 // characters of a slug that come of the title
	slugRandom = 6  // that follow: of a thousand events with one title, one in 2 million meets another
	idRandom   = 10 // of a stream's id: 50 bits that nobody guesses

	letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32, none of which looks like another
	digits  = "0123456789"
)

// pick returns n characters of a set, each by a byte of random. A set of ten has the first six of it a little oftener.
func pick(random io.Reader, set string, n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", err
	}
	for i := range b {
		b[i] = set[int(b[i])%len(set)]
	}
	return string(b), nil
}

// plain returns s in lower case, without accents.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}

// Words returns s as it is searched: letters and digits of any script, with one space between words.
func Words(s string) string {
	return strings.Join(strings.FieldsFunc(plain(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

// slugOf returns title as it stands in an address, at most n characters of it, or otherwise where none can.
func slugOf(title string, n int, otherwise string) string {
	parts := strings.FieldsFunc(plain(title), func(r rune) bool { return r < '0' || r > '9' && r < 'a' || r > 'z' })
	s := strings.Join(parts, "-")
	if s = strings.Trim(s[:min(n, len(s))], "-"); s == "" {
		return otherwise
	}
	return s
}

// newSlug returns a slug for an event with title.
func newSlug(random io.Reader, title string) (string, error) {
	end, err := pick(random, letters, slugRandom)
	return slugOf(title, slugMost, "event") + "-" + end, err
}

// newNumber returns nine digits, the first of which is not 0.
func newNumber(random io.Reader) (string, error) {
	first, err := pick(random, digits[1:], 1)
	if err != nil {
		return "", err
	}
	rest, err := pick(random, digits, 8)
	return first + rest, err
}

// newStreamID returns an id for a stream with name.
func newStreamID(random io.Reader, name string) (string, error) {
	end, err := pick(random, letters, idRandom)
	return slugOf(name, slugMost, "stream") + "-" + end, err
}
