// Package sample holds the clip that `freshet up` publishes: a loop of 60 s with a clock, a frame counter
// for people and one for programs, a lamp that flashes as each second begins, and a tone that beeps with it.
// deploy/clips/draw.sh draws it; bench/README.md explains the layout.
package sample

import _ "embed"

// Video is H.264, constrained baseline, Annex B, 640x360 at Rate frames a second, a key frame each 2 s.
//
//go:embed sample.h264
var Video []byte

// Audio is stereo Opus in Ogg, 20 ms a packet, one packet a page.
//
//go:embed sample.ogg
var Audio []byte

// Layout describes both files, and where the counter's blocks stand, as JSON.
//
//go:embed sample.json
var Layout []byte

// Rate of the picture, in frames a second, and how many frames one loop has.
const (
	Rate   = 30
	Frames = 60 * Rate
)
