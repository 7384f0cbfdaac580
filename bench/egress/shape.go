// Package egress measures what an edge's fan-out costs: fake viewers with made-up keys and sockets that nobody reads,
// real sealing, sending and feedback; beside it, in the same run, the floor: the same bytes sealed and sent by a bare loop.
//
// Each part is a process of its own, so that its processor time can be told from the others'.
package egress

import (
	"encoding/binary"

	"freshet/edge/egress"
)

// The load: a picture of 30 frames a second of 3 and 4 packets by turns, and sound. Sizes are those of UDP payloads,
// protection included.
const (
	framesASecond  = 30
	soundASecond   = 50
	videoSize      = 1150
	soundSize      = 120
	rtpHeader      = 12
	gcmTag         = 16
	packetsASecond = 105 + soundASecond

	// keyEvery is how many frames there are from one key frame to the next: 2 s.
	keyEvery = 2 * framesASecond

	// keyPackets is what a large key frame has: 59.8 kB.
	keyPackets = 52

	// transportID is the header extension of transport-wide numbers; with its header it takes extensionSize bytes.
	transportID   = 5
	extensionSize = 8

	typeVideo, typeSound, typeAgain = 96, 111, 97 // payload types of a fake viewer
)

// packetsOf returns how many packets frame n has.
func packetsOf(n int) int { return 3 + n%2 }

// keysOf returns the made-up keys of fake viewer n: of AES-128-GCM, or of AES-CM.
func keysOf(n int, cm bool) egress.Keys {
	salt := 12
	if cm {
		salt = 14
	}
	k := egress.Keys{Out: make([]byte, 16), OutSalt: make([]byte, salt), In: make([]byte, 16), InSalt: make([]byte, salt)}
	for i, b := range [][]byte{k.Out, k.OutSalt, k.In, k.InSalt} {
		binary.BigEndian.PutUint32(b, uint32(4*n+i))
	}
	return k
}

// ssrcsOf returns the SSRCs under which viewer n gets picture and sound, and those of what is sent again.
func ssrcsOf(n int) (video, sound uint32) { return uint32(10*n + 1000), uint32(10*n + 1001) }

// watched says whether viewer n notes when things come: one in every of each shard's.
func watched(n, shards, every int) bool { return every > 0 && n/shards%every == 0 }
