package filter

import (
	"strings"

	"golang.org/x/net/idna"
)

// below stands before a name for all names below it, and not for the name itself.
const below = "*."

// Name reads a name of the DNS, or "*." and one, in any case and writing: it returns it as it is compared, in lower case
// and ASCII. It returns false where s is none.
func Name(s string) (string, bool) {
	s, all := strings.CutPrefix(strings.TrimSpace(s), below)
	name, err := idna.Lookup.ToASCII(s)
	if again, wrong := idna.Lookup.ToASCII(name); wrong != nil || again != name { // what is not Unicode may pass once
		return "", false
	}
	if err != nil || name == "" || len(name) > 253 || strings.Trim(name, ".") != name {
		return "", false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "", false
		}
	}
	if all {
		name = below + name
	}
	return name, true
}

// Matches says whether a name as Name returns it stands for host, which is in lower case.
func Matches(name, host string) bool {
	if parent, all := strings.CutPrefix(name, "*"); all {
		return len(host) > len(parent) && strings.HasSuffix(host, parent)
	}
	return name == host
}
