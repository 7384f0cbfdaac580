//go:build linux

package egress

import "freshet/bench/stand"

// Rows are all that there is to run, in the order in which they run.
func Rows() []stand.Row {
	fake := []stand.Row{
		mixRow(of(2000)), mixRow(of(10000)), mixRow(share("full", 1, "as many fake viewers as this machine's edge admits")), cmRow(),
		keyRow("keyframe", of(keyViewers)), keyRow("keyframe-half", share("half", .5, "half as many fake viewers as this machine's edge admits")),
	}
	for i := range fake {
		fake[i].Real = "sealing, sending, pacing and the kernel's part of it; receiver reports, transport-wide feedback and NACK, from a process of their own"
		fake[i].Fakes = "viewers: keys made up, no handshakes, sockets that nobody or hardly anybody reads, over loopback; the publisher writes to the edge's rings in its process"
	}
	sessions := []stand.Row{slopeRow(), janusRow(), sessionsRow(), decodedRow(), rushRow(), throngRow(), hostileRow(), overloadRow()}
	for i := range sessions {
		sessions[i].Real = "sessions with WHIP, WHEP, ICE, DTLS, SRTP and RTCP, keys of their own each, between processes"
		sessions[i].Fakes = "pictures are made up, and checked by numbers, markers and headers; of a filtered viewer the kernel drops what follows the first ones at its socket; all share one machine, over loopback"
	}
	return append(fake, sessions...)
}
