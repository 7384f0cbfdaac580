// Package rtc holds what WHIP at the origin and WHEP at the edge share: the HTTP resource of a session,
// the checks an SDP offer must pass, and the certificate of a node's DTLS.
package rtc

import (
	"context"
	"net/netip"

	"freshet/proto/sdpfrag"
)

// An Offer is what a peer posted to open a session.
type Offer struct {
	Session string // id of the session, chosen by the resource
	Stream  string
	Bearer  string // empty where the peer sent none
	Ticket  string // of the URL, for which control has taken the bearer; empty without
	Backup  bool   // of a publisher: it is the second of two
	Standby string // of the URL, how a viewer stands by; empty for one who plays
	SDP     string // passed CheckOffer
	Remote  netip.AddrPort
}

// A Negotiator answers offers: the origin's with publishers, the edge's with viewers. An error that is
// a *problem.Problem is the peer's own fault and goes to it as it is; any other becomes a 500.
type Negotiator interface {
	Open(ctx context.Context, o Offer) (s Session, answer string, err error)
}

// A Session is one exchange opened by an offer. Its methods may be called from any goroutine.
type Session interface {
	// Trickle adds candidates of the peer.
	Trickle(ctx context.Context, f sdpfrag.Fragment) error
	// Restart takes the peer's new ICE credentials and returns the node's, with its candidates.
	Restart(ctx context.Context, f sdpfrag.Fragment) (sdpfrag.Fragment, error)
	// Close ends the session. reason goes to the log.
	Close(reason string)
	// Done is closed when the session has ended, whoever ended it.
	Done() <-chan struct{}
}
