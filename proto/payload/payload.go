// Package payload reads from RTP payloads what a node must know and nothing more: whether a packet
// begins a key frame, and which picture it is part of. It never looks further than that needs and never trusts a length.
//
// Each function judges one packet without memory, so that packets may come in any order, late or twice.
// For VP8, VP9 and AV1 exactly one packet of a key frame answers true, its first. In H.264 a frame's
// parameter sets and its slices often travel apart, and no packet tells what went before it: both the
// packet with the sequence parameter set and the one with the first IDR slice answer true. They have
// one timestamp; whoever keeps groups (cluster/ring) lets a frame begin at the lowest sequence number
// that answered true for its timestamp. So a group begins at its parameter sets where it has them, and
// at the IDR slice where they went before only once.
package payload

// Keyframe returns the function for a video codec by its name in SDP, nil for any other.
func Keyframe(codec string) func([]byte) bool {
	switch codec {
	case "H264":
		return H264Keyframe
	case "VP8":
		return VP8Keyframe
	case "VP9":
		return VP9Keyframe
	case "AV1":
		return AV1Keyframe
	}
	return nil
}
