"""Frames of a session in, frame messages as its client wants them out."""

from collections.abc import Callable

from lipstream.audio.opus import DELAY_SAMPLES, OpusEncoder
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.session import StreamFrame
from lipstream.serve.live.key_frames import KeyFrames
from lipstream.types import FRAME_RATE_HZ, Image, Pcm
from lipstream.video.h264 import H264Encoder
from lipstream.video.jpeg import encode_jpeg
from lipstream.video.scale import shrink, size_within
from lipstream.wire.live_messages import FrameMessage, SoundForm, Start
from lipstream.wire.pcm import int16_bytes

KEY_GAP_FRAMES = FRAME_RATE_HZ
"""Key frames that are asked for lie a second apart: a client that asks at every frame would have nothing else."""
SOUNDS: dict[SoundForm, Callable[[], Callable[[Pcm], bytes]]] = {
    "s16le": lambda: int16_bytes,
    "opus": lambda: OpusEncoder().encode,
    "none": lambda: lambda _: b"",
}
"""What makes the sound of one client's frames."""


class Framing:
    """What one client gets, in the forms that it asked for; its frames are packed one after the other."""

    def __init__(self, start: Start, avatar: Avatar, jpeg_quality: int) -> None:
        """Begin with the first frame.

        Args:
            start: what the client wants.
            avatar: who speaks.
            jpeg_quality: where the client leaves it open, 1 to 100.
        """
        self.width, self.height = size_within(avatar.clip.width, avatar.clip.height, start.max_width)
        self._avatar = avatar.name
        self._h264 = H264Encoder(self.width, self.height, start.bitrate_kbps) if start.picture == "h264" else None
        self._jpeg_quality = start.jpeg_quality or jpeg_quality
        self._sound = SOUNDS[start.sound]()
        self.sound_delay_samples = DELAY_SAMPLES if start.sound == "opus" else 0
        self._position_samples = 0
        self._keys = KeyFrames(KEY_GAP_FRAMES)
        self._shown: Image | None = None

    @property
    def codec(self) -> str:
        """The pictures' codec, as WebCodecs names it; empty for JPEG."""
        return self._h264.codec if self._h264 else ""

    def ask_key(self) -> None:
        """Let one of the next pictures need none before it."""
        self._keys.ask()

    def pack(self, frame: StreamFrame, *, picture: bool) -> FrameMessage:
        """The message of the next frame; takes some ms.

        Args:
            frame: with the picture of the frame before, the same array, where that is to be shown on.
            picture: False leaves the picture out, and the one before is shown on.
        """
        picture = picture and frame.image is not self._shown
        data, key = self._encode(frame.image) if picture else (b"", False)
        message = FrameMessage(
            index=frame.index,
            position_samples=self._position_samples,
            samples=frame.samples,
            width=self.width,
            height=self.height,
            filler=frame.filler,
            key=key,
            repeated=not picture,
            sound=self._sound(frame.audio),
            picture=data,
        )
        self._position_samples += frame.samples
        return message

    def _encode(self, picture: Image) -> tuple[bytes, bool]:
        self._shown, image = picture, shrink(picture, self.width, self.height)
        if self._h264 is None:
            return encode_jpeg(image, quality=self._jpeg_quality, avatar=self._avatar), True
        data, key = self._h264.encode(image, key=self._keys.due)
        self._keys.made(key=key)
        return data, key
