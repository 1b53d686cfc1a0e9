"""Pictures in, one after the other, each as a frame of VP8 out, at once."""

from fractions import Fraction

import av
from av.video.frame import PictureType
from av.video.reformatter import Colorspace

from lipstream.types import FRAME_RATE_HZ, Image
from lipstream.video.colour import to_video_frame

ENDLESS = 100_000
"""Pictures from one key picture to the next: only whoever joins or lost something needs one, and asks."""


class Vp8Encoder:
    """Encodes pictures of one size for a live connection; one thread at a time."""

    def __init__(self, width: int, height: int, bitrate_kbps: int) -> None:
        """Begin.

        Args:
            width: of the pictures, even, in pixels.
            height: of the pictures, even, in pixels.
            bitrate_kbps: of the stream, about constant.
        """
        codec = av.CodecContext.create("libvpx", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.framerate, codec.time_base = Fraction(FRAME_RATE_HZ), Fraction(1, FRAME_RATE_HZ)
        codec.bit_rate = bitrate_kbps * 1000
        codec.gop_size = ENDLESS
        codec.qmin, codec.qmax = 2, 56
        codec.thread_count = 1  # 3.6 ms for 720 x 720 on one core; the networks need the others
        codec.options = {
            "deadline": "realtime",
            "cpu-used": "-6",
            "lag-in-frames": "0",
            "minrate": str(codec.bit_rate),  # the same as maxrate: constant
            "maxrate": str(codec.bit_rate),
            "bufsize": str(codec.bit_rate),
            "undershoot-pct": "100",
            "overshoot-pct": "15",
            "static-thresh": "1",
        }
        self._codec, self._pictures = codec, 0

    def encode(self, image: Image, *, key: bool = False) -> tuple[bytes, bool]:
        """Encode the next picture.

        Args:
            image: `HWC` uint8 BGR, of the size of the encoder.
            key: whether it must need none before it; the first never does.

        Returns:
            Its frame, and whether it is a key frame.
        """
        frame = to_video_frame(image, Colorspace.ITU601)  # VP8 knows no other
        frame.pts, frame.time_base = self._pictures, Fraction(1, FRAME_RATE_HZ)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._pictures += 1
        packets = self._codec.encode(frame)
        return b"".join(map(bytes, packets)), any(packet.is_keyframe for packet in packets)
