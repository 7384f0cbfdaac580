// Package sdpfrag reads and writes SDP fragments for trickle ICE (RFC 8840), the body of PATCH in
// WHIP (RFC 9725, section 4.3) and WHEP.
package sdpfrag

import "fmt"

// ContentType of a fragment.
const ContentType = "application/trickle-ice-sdpfrag"

// Bounds of a fragment (RELIABILITY, section 4).
const (
	MaxBytes      = 8 << 10
	MaxMedia      = 4
	MaxCandidates = 32 // in all; more are ignored and counted
)

// A Fragment carries candidates, or credentials for an ICE restart, or both.
type Fragment struct {
	// Ufrag and Pwd are empty where the fragment has none. They may stand at session level or below
	// any m-line; since media is bundled there is only one pair.
	Ufrag, Pwd string
	Media      []Media
	End        bool // a=end-of-candidates stood at session level
	Ignored    int  // candidates past MaxCandidates or above the first m-line; Append does not write them
}

// Media is one m-line of a fragment.
type Media struct {
	Kind       string // audio, video
	Mid        string
	Candidates []string // the value of each a=candidate, without "candidate:"
	End        bool     // a=end-of-candidates
}

// An Error says which line of a fragment is wrong, from 1; line 0 means the whole.
type Error struct {
	Line   int
	Detail string // safe to show to whoever sent the fragment
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "SDP fragment: " + e.Detail
	}
	return fmt.Sprintf("SDP fragment, line %d: %s", e.Line, e.Detail)
}

// Append adds f to dst as text with CRLF at the end of each line.
func (f Fragment) Append(dst []byte) []byte {
	if f.Ufrag != "" {
		dst = appendLine(dst, "a=ice-ufrag:", f.Ufrag)
	}
	if f.Pwd != "" {
		dst = appendLine(dst, "a=ice-pwd:", f.Pwd)
	}
	if f.End {
		dst = appendLine(dst, "a=end-of-candidates", "")
	}
	for _, m := range f.Media {
		// Port, transport and format say nothing in a fragment; these are what RFC 9725 shows.
		dst = appendLine(dst, "m=", m.Kind+" 9 UDP/TLS/RTP/SAVPF 0")
		if m.Mid != "" {
			dst = appendLine(dst, "a=mid:", m.Mid)
		}
		for _, c := range m.Candidates {
			dst = appendLine(dst, "a=candidate:", c)
		}
		if m.End {
			dst = appendLine(dst, "a=end-of-candidates", "")
		}
	}
	return dst
}

func appendLine(dst []byte, name, value string) []byte {
	return append(append(append(dst, name...), value...), "\r\n"...)
}
