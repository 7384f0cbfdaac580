// Package rtpq is how RTP crosses a hop: RTP over QUIC as draft-ietf-avtcore-rtp-over-quic draws it, and
// the few frames of our own beside it. RELAY.md is the specification. The package reads and writes bytes
// and keeps no state; functions for datagrams allocate nothing.
package rtpq

import (
	"errors"
	"fmt"
)

// ALPN names the protocol in the TLS handshake of a link: the draft it follows, and our experiment.
const ALPN = "roq-14-freshet1"

// Versions of the control messages (Hello.version). A link speaks the lower of the highest of both ends.
const (
	Version    = 3 // the highest spoken here; 2 has no subscribe.wait
	VersionOne = 1 // one connection a link, no repair layer below it, no watch, renew and route
)

// Limits of RELIABILITY, section 4.
const (
	MaxMessage = 64 << 10 // bytes of a control message
	MaxPacket  = 64 << 10 // bytes of an RTP packet on a stream
	MaxGroup   = 16 << 20 // bytes of a group stream, all told
	MaxHops    = 4        // from the origin to the edge that serves viewers
	MaxStreams = 256      // subscriptions on a link
	MaxConns   = 8        // connections of a link
)

// What is wrong with bytes from a peer. Errors of this package wrap one of them, or are what the
// underlying reader or writer returned.
var (
	ErrMalformed = errors.New("malformed")
	ErrTooLarge  = errors.New("larger than allowed")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
