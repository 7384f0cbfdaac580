"""A WHEP player: depayloads and decodes what arrives, and counts it at a fakesink."""

from peer import Gst, GstWebRTC, Peer

DECODE = {
    "VP8": "rtpvp8depay ! vp8dec",
    "H264": "rtph264depay ! h264parse ! avdec_h264",
    "OPUS": "rtpopusdepay ! opusdec",
}
OFFERED = {
    "VP8": "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000,rtcp-fb-nack=true,rtcp-fb-nack-pli=true",
    "H264": "application/x-rtp,media=video,encoding-name=H264,payload=98,clock-rate=90000,packetization-mode=(string)1,"
    "profile-level-id=(string)42e01f,rtcp-fb-nack=true,rtcp-fb-nack-pli=true",
    "OPUS": "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2",
}


class Player(Peer):
    """Offers VP8 and H.264 video and Opus audio, receive only."""

    def __init__(self):
        super().__init__("webrtcbin name=rtc bundle-policy=max-bundle latency=50")
        self.decoded = {"video": 0, "audio": 0}
        self.codecs = {}
        self.size = None
        self.errors = []
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        for codecs in (("VP8", "H264"), ("OPUS",)):
            caps = Gst.Caps.from_string("; ".join(OFFERED[c] for c in codecs))
            self.rtc.emit("add-transceiver", direction, caps)
        self.rtc.connect("pad-added", self._pad_added)

    def _pad_added(self, _, pad):
        """Runs on a thread of GStreamer's, so that what goes wrong is kept for the one that waits."""
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps().get_structure(0)
        media, codec = caps.get_string("media"), caps.get_string("encoding-name")
        if codec not in DECODE:
            self.errors.append(f"{media} comes as {codec}")
            return
        self.codecs[media] = codec
        # A sink in preroll would hold the pipeline still until it has a buffer: async=false.
        branch = Gst.parse_bin_from_description(
            f"queue ! {DECODE[codec]} ! fakesink name=sink sync=false async=false signal-handoffs=true", True
        )
        branch.get_by_name("sink").connect("handoff", self._decoded, media)
        self.pipeline.add(branch)
        branch.sync_state_with_parent()
        if pad.link(branch.get_static_pad("sink")) != Gst.PadLinkReturn.OK:
            self.errors.append(f"{media}: the decoder does not take {codec}")

    def _decoded(self, _sink, _buffer, pad, media):
        self.decoded[media] += 1  # one thread counts each medium
        if media == "video" and self.size is None:
            caps = pad.get_current_caps().get_structure(0)
            self.size = (caps.get_value("width"), caps.get_value("height"))
        self._notify()
