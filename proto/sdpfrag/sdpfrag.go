// Package sdpfrag reads and writes SDP fragments for trickle ICE (RFC 8840), the body of PATCH in
// WHIP (RFC 9725, section 4.3) and WHEP.
package sdpfrag

// ContentType of a fragment.
const ContentType = "application/trickle-ice-sdpfrag"

// A Fragment carries candidates, or credentials for an ICE restart, or both.
type Fragment struct {
	Ufrag, Pwd string
	Media      []Media
	End        bool // a=end-of-candidates stood at session level
}

// Media is one m-line of a fragment.
type Media struct {
	Kind       string // audio, video
	Mid        string
	Candidates []string // the value of each a=candidate, without "candidate:"
	End        bool     // a=end-of-candidates
}
