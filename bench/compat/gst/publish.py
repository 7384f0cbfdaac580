"""A WHIP publisher: a moving test picture and a tone."""

from peer import Peer

# An encoder makes no B-frames, and a key frame each 2 s.
VIDEO = {
    "VP8": "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=60 target-bitrate=1000000 ! rtpvp8pay picture-id-mode=15-bit",
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 bitrate=1000 "
    "! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency",
}


AUDIO = (
    "audiotestsrc is-live=true wave=sine volume=0.3 ! audioconvert ! audioresample "
    "! audio/x-raw,rate=48000,channels=2 ! queue ! opusenc frame-size=20 ! rtpopuspay "
    "! application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2 ! rtc. "
)


def publisher(codec, sound=True):
    """Returns a Peer that is not open yet; codec is VP8 or H264."""
    return Peer(
        "webrtcbin name=rtc bundle-policy=max-bundle "
        "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 "
        f"! videoconvert ! queue ! {VIDEO[codec]} "
        f"! application/x-rtp,media=video,encoding-name={codec},payload=96,clock-rate=90000 ! rtc. " + (AUDIO if sound else "")
    )
