"""Pictures of a live session in, H.264 that any browser shows at once out."""

from fractions import Fraction

import av
from av.codec.context import Flags
from av.video.frame import PictureType

from lipstream.errors import InputError
from lipstream.types import FRAME_RATE_HZ, Image
from lipstream.video.colour import tag_bt709, to_video_frame
from lipstream.video.mp4 import PRESET

KEY_EVERY_FRAMES = 50
"""Two seconds: a key frame is some ten times as large as another, and whoever joins asks for one."""
BUFFER_S = Fraction(1, 2)
"""Over which the bit rate is held: half a second of it is the largest key frame, and the longest hold-up on the way."""
_SPS_AT = 5  # after four bytes of start code and one that says what follows


class H264Encoder:
    """One stream: Constrained Baseline in Annex B, no B-frames, nothing held back; BT.709, limited range."""

    def __init__(self, width: int, height: int, bitrate_kbps: int) -> None:
        """Begin one.

        Args:
            width: of the pictures, even, in pixels.
            height: of the pictures, even, in pixels.
            bitrate_kbps: what the stream takes, thousand bits a second.

        Raises:
            InputError: the encoder does not take pictures of that size.
        """
        context = av.VideoCodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate, context.time_base = Fraction(FRAME_RATE_HZ), Fraction(1, FRAME_RATE_HZ)
        context.bit_rate, context.gop_size, context.thread_count = bitrate_kbps * 1000, KEY_EVERY_FRAMES, 1
        context.options = {
            "preset": PRESET,
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "sc_threshold": "0",  # no key frame but those that are due or asked for: they are large
            "maxrate": f"{bitrate_kbps}k",
            "bufsize": f"{int(bitrate_kbps * BUFFER_S)}k",
        }
        context.flags |= Flags.global_header  # the parameter sets are known before the first picture
        tag_bt709(context)
        try:
            context.open()
        except av.FFmpegError as error:
            raise InputError(f"H.264 cannot hold {width} x {height} pixels ({error}); expected even sizes.") from error
        self._context, self._pictures = context, 0
        self._parameter_sets = context.extradata or b""

    @property
    def codec(self) -> str:
        """What WebCodecs and the `codecs` of a media type call it, such as `avc1.42C01F`."""
        return f"avc1.{self._parameter_sets[_SPS_AT : _SPS_AT + 3].hex().upper()}"

    def encode(self, image: Image, *, key: bool = False) -> tuple[bytes, bool]:
        """Encode the next picture.

        Args:
            image: `[height, width, 3]` uint8 BGR.
            key: whether it must need none before it; the first never does.

        Returns:
            Its access unit, and whether it is a key frame, which begins with the parameter sets.
        """
        frame = to_video_frame(image)
        frame.pts, frame.time_base = self._pictures, Fraction(1, FRAME_RATE_HZ)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._pictures += 1
        packets = self._context.encode(frame)
        is_key = any(packet.is_keyframe for packet in packets)
        return b"".join([self._parameter_sets] * is_key + [bytes(packet) for packet in packets]), is_key
