// Package payload reads from RTP payloads what a node must know and nothing more: whether a packet
// begins a key frame. It never looks further than that needs and never trusts a length.
package payload

// H264Keyframe says whether p, an RTP payload (RFC 6184), begins an IDR frame or its parameter sets.
func H264Keyframe(p []byte) bool { return false }

// VP8Keyframe says whether p, an RTP payload (RFC 7741), begins a key frame.
func VP8Keyframe(p []byte) bool { return false }

// VP9Keyframe says whether p, an RTP payload (RFC 9628), begins a key frame.
func VP9Keyframe(p []byte) bool { return false }

// AV1Keyframe says whether p, an RTP payload (AV1 RTP specification), begins a coded video sequence.
func AV1Keyframe(p []byte) bool { return false }
