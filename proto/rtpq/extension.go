package rtpq

// Ids of the RTP header extensions (RFC 8285) that cross the mesh. The origin gives each its id here,
// whatever the publisher called it; the edge gives each the id its viewer asked for. What belongs to
// one hop (abs-send-time, transport-wide-cc, mid, rid) ends at the origin.
const (
	ExtCaptureTime          = 1 // http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time
	ExtAudioLevel           = 2 // RFC 6464
	ExtPlayoutDelay         = 3 // http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
	ExtVideoOrientation     = 4 // urn:3gpp:video-orientation
	ExtDependencyDescriptor = 5 // AV1 RTP payload format, appendix A
)

// URIs of the header extensions that cross the mesh, by id.
var ExtensionURI = map[uint8]string{
	ExtCaptureTime:          "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
	ExtAudioLevel:           "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	ExtPlayoutDelay:         "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
	ExtVideoOrientation:     "urn:3gpp:video-orientation",
	ExtDependencyDescriptor: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
}

// Payload types inside the mesh. Each flow has one codec, so one number serves all video.
const (
	TypeVideo = 96
	TypeOpus  = 111
	TypeRED   = 63 // RFC 2198 redundancy over Opus
)
