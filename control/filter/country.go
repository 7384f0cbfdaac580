package filter

import (
	"strings"

	"golang.org/x/text/language"
)

// Country reads a code of ISO 3166-1, two letters in any case, and returns it in capitals, UK as GB. It returns
// false where s is none.
func Country(s string) (string, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 2 {
		return "", false
	}
	r, err := language.ParseRegion(s)
	r = r.Canonicalize()
	return r.String(), err == nil && r.IsCountry()
}
