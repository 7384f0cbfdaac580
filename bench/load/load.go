// Package load publishes to any WHIP URL (RFC 9725) and plays any WHEP URL (draft-ietf-wish-whep), on
// pion/webrtc and nothing of Freshet's own media path, so that what it shows about a server is a second
// opinion. `freshet publish`, `freshet play`, the tests and the bench stand on it.
//
// Three things send: Publish (files, standard input, the sample), and Raw (packets made up on the spot,
// each with the time it left, for tests of latency, key-frame requests and takeover). One receives: Play.
package load

import "errors"

// What ends a session besides its context.
var (
	// ErrLost says that the other side is gone: it closed DTLS, or sent nothing for some seconds.
	ErrLost = errors.New("connection lost")
	// ErrQuiet says that nothing at all came for as long as PlayConfig.Quiet has it.
	ErrQuiet = errors.New("the server has fallen silent")
	// ErrNeverConnected says that the offer was answered, but ICE or DTLS came to nothing in time.
	ErrNeverConnected = errors.New("no connection in time: is the server's media port reachable?")
)
