"""GStreamer publishes to Freshet and plays from it: python3 -m unittest -v, with FRESHET_UP in the environment."""

import json
import os
import time
import unittest
import urllib.request

from peer import Failed, Gst
from play import Player
from publish import publisher

FRAMES = 90  # 3 s of picture
SOUNDS = 100  # 2 s of sound, in packets of 20 ms
LIVE_TIMEOUT = 15  # seconds until control says that a stream is live


def mesh():
    """The mesh of FRESHET_UP. CI must have it; a laptop may not."""
    line = os.environ.get("FRESHET_UP")
    if line:
        return json.loads(line)
    if os.environ.get("CI"):
        raise RuntimeError("FRESHET_UP is not set: it holds the line that `freshet up --output json` prints")
    raise unittest.SkipTest("FRESHET_UP is not set; `make -C bench/compat gst` starts a mesh and sets it")


class Compat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = mesh()
        cls.ingest = f"{cls.mesh['origins'][0]['whip']}/{cls.mesh['stream']}"
        cls.farthest = f"{cls.mesh['edges'][-1]['whep']}/{cls.mesh['stream']}"
        print(Gst.version_string())

    def on_air(self):
        url = f"{self.mesh['api']}/streams/{self.mesh['stream']}"
        deadline = time.monotonic() + LIVE_TIMEOUT
        while time.monotonic() < deadline:
            with urllib.request.urlopen(url, timeout=5) as response:
                if json.load(response)["live"]:
                    return
            time.sleep(0.1)  # control's figures change each second
        self.fail(f"{url} is not live")

    def publish_and_play(self, codec, sound=True):
        source = publisher(codec, sound)
        self.addCleanup(source.close)
        source.open(self.ingest, self.mesh["key"])
        self.on_air()
        player = Player()
        self.addCleanup(player.close)
        began = time.monotonic()
        player.open(self.farthest)
        player.wait(
            "picture and sound",
            lambda: player.errors
            or player.decoded["video"] >= FRAMES
            and player.decoded["audio"] >= (SOUNDS if sound else 0),
        )
        took = time.monotonic() - began
        print(f"{codec}: {player.decoded} decoded {took:.1f} s after the offer, {player.size}, {player.codecs}")
        self.assertEqual(player.errors, [])
        self.assertEqual(player.codecs, {"video": codec} | ({"audio": "OPUS"} if sound else {}))
        self.assertEqual(player.size, (640, 360))

    def test_vp8(self):
        self.publish_and_play("VP8")

    def test_h264(self):
        self.publish_and_play("H264")

    def test_picture_alone(self):
        """The player's m-line for sound is answered as not served."""
        self.publish_and_play("VP8", sound=False)

    def test_wrong_key(self):
        source = publisher("VP8")
        self.addCleanup(source.close)
        with self.assertRaisesRegex(Failed, ": 401: "):
            source.open(self.ingest, "not the key")


if __name__ == "__main__":
    unittest.main()
