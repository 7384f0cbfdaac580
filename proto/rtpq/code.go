package rtpq

import "errors"

// A Code tells the peer why a connection was closed or a stream reset (QUIC application error code).
type Code uint64

// Codes of RTP over QUIC.
const (
	CodeNone      Code = 0x00 // orderly end
	CodeGeneral   Code = 0x01
	CodeInternal  Code = 0x02 // our own fault
	CodePacket    Code = 0x03 // bytes that are no packet, frame or message
	CodeStream    Code = 0x04 // a stream of a kind or in a place that is not allowed
	CodeCancelled Code = 0x05 // stream only: what it carries is not wanted any more, or too old
	CodeFlow      Code = 0x06 // a flow id used twice
)

// Codes of our own.
const (
	CodeVersion  Code = 0x100 // no version of the control messages in common
	CodeIdentity Code = 0x101 // hello names another node or role than the certificate, or the node was removed
	CodeSilent   Code = 0x102 // no sign of life for as long as a dead link takes
	CodeTooLarge Code = 0x103 // a message, packet or group past its limit
	CodeFull     Code = 0x104 // more links than the node takes
	CodeReplaced Code = 0x105 // another connection took the place of this one
	CodeDrain    Code = 0x106 // the node is leaving; go to the next upstream
)

// CodeOf returns the code that answers an error of this package.
func CodeOf(err error) Code {
	switch {
	case err == nil:
		return CodeNone
	case errors.Is(err, ErrTooLarge):
		return CodeTooLarge
	case errors.Is(err, ErrMalformed):
		return CodePacket
	}
	return CodeGeneral
}
