"""The bytes of a driving clip in, any of its pictures out."""

import io
import threading
from collections import OrderedDict
from typing import TypeAlias

import av

from lipstream.errors import MediaError
from lipstream.types import Image
from lipstream.video.colour import to_image

CACHE_BYTES = 200_000_000

_Packet: TypeAlias = "av.Packet[av.VideoStream]"  # generic only for type checkers


class Clip:
    """A video held as compressed packets, decoded one closed group of pictures at a time.

    Decoded groups are kept as the decoder leaves them (4:2:0, half the size of BGR) up to `cache_bytes`, the least
    recently used going first: a clip of 250 pictures of 720 x 720 fits entirely and is decoded once.
    Safe to use from several threads; one lock serialises the decoding.
    """

    def __init__(self, encoded: bytes, *, cache_bytes: int = CACHE_BYTES) -> None:
        """Read the packets, without decoding any.

        Args:
            encoded: a video file whose groups of pictures are closed.
            cache_bytes: memory for decoded pictures.

        Raises:
            MediaError: it is not a video.
        """
        try:
            # Told what it is, FFmpeg takes no list of files for it, whose files it would open.
            self._container = av.open(io.BytesIO(encoded), "r", format="mp4", metadata_errors="ignore")
            stream = self._container.streams.video[0]
            self._groups = _groups(self._container, stream)
        except (av.FFmpegError, IndexError) as error:
            raise MediaError("The driving clip is not a video that can be decoded; expected H.264 in MP4.") from error
        self._decoder = stream.codec_context
        self._decoder.thread_count = 1  # a group is decoded beside the networks, which need the other cores more
        self._places = [(group, place) for group, packets in enumerate(self._groups) for place in range(len(packets))]
        self._decoded: OrderedDict[int, list[av.VideoFrame]] = OrderedDict()
        self._cache_bytes = cache_bytes
        self.held_bytes = 0
        self._lock = threading.Lock()
        self.width: int = self._decoder.width
        self.height: int = self._decoder.height

    def __len__(self) -> int:
        """Number of pictures in the clip."""
        return len(self._places)

    def image(self, index: int) -> Image:
        """Decode one picture.

        Args:
            index: number of the picture, taken modulo the clip's length: the clip is a loop.

        Returns:
            A fresh `HWC` uint8 BGR picture, the caller's own.

        Raises:
            MediaError: the clip is damaged there.
        """
        group, place = self._places[index % len(self._places)]
        with self._lock:
            picture = self._group(group)[place]
        return to_image(picture)

    def _group(self, group: int) -> list[av.VideoFrame]:
        if group in self._decoded:
            self._decoded.move_to_end(group)
            return self._decoded[group]
        pictures = self._decode(group)
        self._decoded[group] = pictures
        self.held_bytes += _size_bytes(pictures)
        while self.held_bytes > self._cache_bytes and len(self._decoded) > 1:
            _, dropped = self._decoded.popitem(last=False)
            self.held_bytes -= _size_bytes(dropped)
        return pictures

    def _decode(self, group: int) -> list[av.VideoFrame]:
        packets = self._groups[group]
        try:
            pictures = [picture for packet in [*packets, None] for picture in self._decoder.decode(packet)]
        except av.FFmpegError as error:
            raise MediaError("The driving clip is damaged; install the avatar again.") from error
        finally:
            self._decoder.flush_buffers()
        if len(pictures) != len(packets):
            raise MediaError(
                f"The driving clip gave {len(pictures)} pictures for {len(packets)} packets; "
                "expected closed groups of pictures: install the avatar again."
            )
        return pictures


def _groups(container: av.container.InputContainer, stream: av.VideoStream) -> list[list[_Packet]]:
    """The stream's packets, cut before every key frame."""
    groups: list[list[_Packet]] = []
    for packet in container.demux(stream):
        if packet.size == 0:  # the end marker
            continue
        if packet.is_keyframe or not groups:
            groups.append([])
        groups[-1].append(packet)
    if not groups:
        raise MediaError("The driving clip holds no pictures; expected H.264 in MP4.")
    return groups


def _size_bytes(pictures: list[av.VideoFrame]) -> int:
    return sum(plane.buffer_size for picture in pictures for plane in picture.planes)
