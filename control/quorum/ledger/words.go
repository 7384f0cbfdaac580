package ledger

import "freshet/cluster/identity"

const (
	maxName   = 64 // bytes of a stream, a key or a setting
	maxRegion = 32
	keySize   = 32 // Ed25519, and the most a public part may have
	maxSealed = 4 << 10
	maxValue  = 4 << 10
)

// word says whether s is 1 to max of [a-z0-9.-], as nodes, regions, streams, keys and settings are called.
func word(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func wordOrNone(s string, most int) bool { return s == "" || word(s, most) }

func role(s string) bool {
	return s == identity.RoleOrigin || s == identity.RoleEdge || s == identity.RoleControl
}
