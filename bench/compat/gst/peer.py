"""WHIP and WHEP with GStreamer's webrtcbin, the HTTP done here: Debian's GStreamer has webrtcbin but not
the elements of gst-plugins-rs.

Importing this module ends the program with what to install where a part of GStreamer is missing.
"""

import ctypes
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

INSTALL = (
    "apt-get install --no-install-recommends python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-tools "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice "
    "gstreamer1.0-plugins-ugly gstreamer1.0-libav"
)

try:
    import gi

    for name, version in (("Gst", "1.0"), ("GstWebRTC", "1.0"), ("GstSdp", "1.0")):
        gi.require_version(name, version)
    from gi.repository import Gst, GstSdp, GstWebRTC
except (ImportError, ValueError) as missing:
    sys.exit(f"GStreamer for Python is missing ({missing}). On Debian 12:\n  {INSTALL}")

Gst.init(None)

ELEMENTS = (
    "webrtcbin nicesrc dtlsenc srtpenc videotestsrc audiotestsrc vp8enc vp8dec x264enc avdec_h264 opusenc "
    "opusdec rtpvp8pay rtpvp8depay rtph264pay rtph264depay h264parse rtpopuspay rtpopusdepay"
).split()

_absent = [e for e in ELEMENTS if Gst.ElementFactory.find(e) is None]
if _absent:
    sys.exit(f"GStreamer elements are missing: {', '.join(_absent)}. On Debian 12:\n  {INSTALL}")

STEP_TIMEOUT = 10  # seconds: gathering, one HTTP request, the connection
MAX_ANSWER = 64 << 10
LOOPBACK = ("127.0.0.1", "localhost")


class Failed(Exception):
    """What a person is told when a step did not work."""


class Peer:
    """A pipeline with one webrtcbin named rtc, and the HTTP session that it opens."""

    def __init__(self, description):
        self.pipeline = Gst.parse_launch(description)
        if not isinstance(self.pipeline, Gst.Pipeline):  # a description of one element makes that element
            element, self.pipeline = self.pipeline, Gst.Pipeline.new(None)
            self.pipeline.add(element)
        self.rtc = self.pipeline.get_by_name("rtc")
        self.session = None
        self._bearer = None
        self._wake = threading.Condition()
        self._negotiable = False
        self.rtc.connect("on-negotiation-needed", self._needs_negotiation)
        self.rtc.connect("notify::ice-gathering-state", self._notify)
        self.rtc.connect("notify::connection-state", self._notify)

    def _notify(self, *_):
        with self._wake:
            self._wake.notify_all()

    def _needs_negotiation(self, _):
        self._negotiable = True
        self._notify()

    def wait(self, what, holds):
        """Returns when holds() does; each change of the peer's state and, for counters, time, asks again."""
        deadline = time.monotonic() + STEP_TIMEOUT
        with self._wake:
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failed(f"{what}: not within {STEP_TIMEOUT} s")
                self._wake.wait(min(left, 0.1))
                self._check_bus()

    def _check_bus(self):
        message = self.pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message:
            error, debug = message.parse_error()
            raise Failed(f"pipeline: {error.message} ({debug})")

    def open(self, endpoint, bearer=None):
        """Posts the offer with all candidates (RFC 9725, section 4.2) and returns when the connection stands."""
        self._bearer = bearer
        if urllib.parse.urlsplit(endpoint).hostname in LOOPBACK:
            self._use_loopback()
        self.pipeline.set_state(Gst.State.PLAYING)
        self.wait("media to offer", lambda: self._negotiable)
        reply = self._promise("create-offer", None)
        # The offer is a part of the reply, which must outlive the call.
        self._promise("set-local-description", reply.get_value("offer"))
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        self.wait("gather candidates", lambda: self.rtc.get_property("ice-gathering-state") == complete)
        sdp = self.rtc.get_property("local-description").sdp.as_text()

        status, headers, answer = self._http("POST", endpoint, sdp, "application/sdp")
        if status != 201:
            raise Failed(f"POST {endpoint}: {status}: {answer}")
        if not headers.get("Location"):
            raise Failed("201 without a Location (RFC 9725, section 4.2)")
        self.session = urllib.parse.urljoin(endpoint, headers["Location"])
        result, message = GstSdp.SDPMessage.new_from_text(answer)
        if result != GstSdp.SDPResult.OK:
            raise Failed(f"the answer does not parse:\n{answer}")
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        self._promise("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, message))
        connected = GstWebRTC.WebRTCPeerConnectionState.CONNECTED
        self.wait("connect", lambda: self.rtc.get_property("connection-state") == connected)

    def _use_loopback(self):
        """libnice leaves loopback out, and binds its sockets to the other interfaces, which then reach no
        server that advertises 127.0.0.1 alone, as `freshet up` does."""
        agent = self.rtc.get_property("ice-agent")
        # webrtcbin's one reference to its agent is floating: Python took it over just now. Give it back.
        ctypes.CDLL("libgobject-2.0.so.0").g_object_ref(ctypes.c_void_p(hash(agent)))
        agent.emit("add-local-ip-address", "127.0.0.1")

    def close(self):
        """Ends the session at the server, then the pipeline."""
        try:
            if self.session:
                status, _, body = self._http("DELETE", self.session)
                if status not in (200, 204):
                    raise Failed(f"DELETE {self.session}: {status}: {body}")
        finally:
            self.session = None
            self.pipeline.set_state(Gst.State.NULL)

    def _promise(self, signal, argument):
        promise = Gst.Promise.new()
        self.rtc.emit(signal, argument, promise)
        if promise.wait() != Gst.PromiseResult.REPLIED:
            raise Failed(f"{signal}: no reply")
        reply = promise.get_reply()
        if reply and reply.has_field("error"):
            raise Failed(f"{signal}: {reply.get_value('error')}")
        return reply

    def _http(self, method, url, body=None, content_type=None):
        request = urllib.request.Request(url, body.encode() if body else None, method=method)
        if content_type:
            request.add_header("Content-Type", content_type)
        if self._bearer:
            request.add_header("Authorization", "Bearer " + self._bearer)
        try:
            with urllib.request.urlopen(request, timeout=STEP_TIMEOUT) as response:
                return response.status, response.headers, response.read(MAX_ANSWER).decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read(MAX_ANSWER).decode(errors="replace")
        except OSError as error:
            raise Failed(f"{method} {url}: {error}") from error
