"""Any file with sound in, video included; float32 blocks at one sample rate out, whatever the file's length."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import av
import numpy as np
import soxr

from lipstream.errors import InputError, MediaError
from lipstream.types import SAMPLE_RATE_HZ, Float32, Pcm

LOWEST_RATE_HZ = 1_000
HIGHEST_RATE_HZ = 768_000  # the fastest converters sold; broken headers claim more
CONTAINERS = (
    "wav,w64,aiff,au,caf,flac,ogg,mp3,aac,ac3,eac3,dts,dtshd,truehd,amr,aptx,ape,wv,tta,tak,mpc,mpc8,shn,oma,dsf,iff,"
    "voc,ircam,nistsphere,sox,avr,paf,pvf,gsm,g722,ilbc,qcp,mmf,rso,sbc,smush,wsaud,matroska,webm,mov,mp4,avi,asf,flv,"
    "mpeg,mpegts,mpegvideo,mxf,rm,nut,dv,gxf,ivf,h264,hevc,m4v,mjpeg,gif,apng,yuv4mpegpipe"
)
"""What is opened, by FFmpeg's names: files that hold what they show. Lists are none, nor devices and scripts: FFmpeg
opens what a list names, and one that names itself keeps it busy without end."""
_LOUDEST = 16.0
"""Peak from which on the samples of a file are no mistake in level but another scale, such as -32768..32767."""
_WRITTEN_AS_FLOATS = ("flt", "dbl")
"""What uncompressed floats are decoded to; codecs give planar ones, far too loud where the file is damaged."""
_EXPECTED = "expected an audio or video file with sound"

_LOG = logging.getLogger(__name__)


def decode(
    path: str | Path,
    *,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    channels: Literal[1, 2] = 1,
    block_ms: int = 1000,
    warn: bool = True,
) -> Iterator[Float32]:
    """Decode the first audio track of a file, block by block.

    A file that breaks off or is damaged gives what can be decoded of it, with a warning in the log.

    Args:
        path: A file in any container and codec that PyAV reads.
        sample_rate_hz: Sample rate of the blocks, 16 kHz for speech.
        channels: 1 for the mean of the file's channels, 2 for stereo.
        block_ms: Length of every block but the last.
        warn: Whether damage is logged; False for a second reading of the same file.

    Yields:
        `[n]` float32 in -1..1 for one channel, `[n, 2]` for two; samples that are not numbers are 0.

    Raises:
        InputError: The file cannot be read.
        MediaError: Not audio, a list of files, no audio track, no samples, or a header that makes no sense.
    """
    path = Path(path)
    _check_readable(path)
    resampled = _resample(_floats(path, channels, warn=warn), sample_rate_hz, channels)
    empty = True
    for block in _regroup(resampled, sample_rate_hz * block_ms // 1000):
        empty = False
        clipped = np.clip(block, -1.0, 1.0)  # the resampler overshoots at full scale
        yield clipped[:, 0] if channels == 1 else clipped
    if empty:
        raise MediaError(f"{path} has an audio track without a single sample; {_EXPECTED}; export it again")


def read_pcm(path: str | Path) -> Pcm:
    """Decode a whole file: `[L]` float32 in -1..1 at 16 kHz, 230 MB an hour. Raises as `decode` does."""
    return np.concatenate(list(decode(path)))


def duration_hint_ms(path: str | Path) -> int | None:
    """What the header claims the length to be, for a progress bar; None if it claims nothing. Raises as `decode`."""
    path = Path(path)
    _check_readable(path)
    with _open(path) as container:
        stream = _audio_stream(container, path)
        if stream.duration is not None and stream.time_base is not None:
            return max(0, int(stream.duration * stream.time_base * 1000))
        return max(0, container.duration // 1000) if container.duration is not None else None


def _check_readable(path: Path) -> None:
    try:
        # Asked before opening, which waits for ever where nobody writes into a pipe; and sound is read more than once.
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise InputError(f"{path} is a pipe or a device; {_EXPECTED}; save the sound to a file first")
        with path.open("rb") as file:
            begin = file.read(1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be read ({reason}); {_EXPECTED}; check the path and its permissions") from None
    if not begin:
        raise MediaError(f"{path} is empty; {_EXPECTED}; export it again")


def _open(path: Path) -> av.container.InputContainer:
    # An absolute path is never taken for a protocol, and what names other files may name local ones alone.
    options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
    try:
        return av.open(str(path.resolve()), options=options, metadata_errors="replace")
    except av.ArgumentError:
        raise MediaError(
            f"{path} is of a kind that is not opened, such as a list of files; {_EXPECTED}; convert it to WAV or MP4"
        ) from None
    except av.FFmpegError as error:
        raise _undecodable(path, _reason(error)) from None


def _undecodable(path: Path, reason: str) -> MediaError:
    return MediaError(f"{path} cannot be decoded ({reason}); {_EXPECTED}; convert it to WAV or MP4")


def _reason(error: av.FFmpegError) -> str:
    return error.strerror or str(error)


def _audio_stream(container: av.container.InputContainer, path: Path) -> av.AudioStream:
    if not container.streams.audio:
        raise MediaError(f"{path} has no audio track; {_EXPECTED}; add one, or name another file")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise _undecodable(path, "no decoder for its audio codec")
    return stream


def _frames(path: Path, *, warn: bool) -> Iterator[av.AudioFrame]:
    """Audio frames of whatever can be decoded; damage is logged once, at the end."""
    damage = ""
    damaged_packets = 0
    with _open(path) as container:
        packets = container.demux(_audio_stream(container, path))
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:  # the container itself is broken from here on
                damage, packet = _reason(error), None
            if packet is None:
                break
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                damage = _reason(error)
                damaged_packets += 1
    if damage and warn:
        fields = {"path": str(path), "reason": damage, "damaged_packets": damaged_packets}
        _LOG.warning("damaged audio: went on with what could be decoded", extra=fields)


def _floats(path: Path, channels: int, *, warn: bool) -> Iterator[tuple[int, Float32]]:
    """Sample rate and `[n, channels]` float32 in -1..1 of every frame; both may change within a file."""
    converter: av.AudioResampler | None = None
    converts: tuple[object, ...] = ()
    for frame in _frames(path, warn=warn):
        _check_rate(frame.sample_rate, path)
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if converter is None or form != converts:
            folds = channels == 2 and frame.layout.nb_channels > 2
            # Packed, for PyAV 18 crashes on the eight planes of 7.1.
            converter = av.AudioResampler(format="flt", layout="stereo" if folds else frame.layout)
            converts = form
        try:
            pieces = converter.resample(frame)
        except av.FFmpegError as error:
            raise _undecodable(path, _reason(error)) from None
        for piece in pieces:
            samples = piece.to_ndarray().reshape(-1, piece.layout.nb_channels).astype(np.float32, copy=False)
            if frame.format.name in _WRITTEN_AS_FLOATS:
                _check_scale(samples, path)
            yield frame.sample_rate, _mix(_sanitise(samples), channels)


def _check_scale(samples: Float32, path: Path) -> None:
    peak = np.abs(samples).max(initial=0.0, where=np.isfinite(samples))
    if peak > _LOUDEST:
        raise MediaError(f"{path} has samples up to {peak:,.0f}; expected float samples in -1..1: export it again")


def _check_rate(rate_hz: int, path: Path) -> None:
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise MediaError(
            f"{path} claims {rate_hz} samples a second; expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}; "
            "its header is probably damaged: export it again"
        )


def _sanitise(samples: Float32) -> Float32:
    if not np.isfinite(samples).all():
        samples = np.where(np.isfinite(samples), samples, np.float32(0.0))
    return np.clip(samples, -1.0, 1.0)


def _mix(samples: Float32, channels: int) -> Float32:
    if channels == 1:
        mean: Float32 = samples.mean(axis=1, keepdims=True)
        return mean
    return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples


def _resample(pieces: Iterable[tuple[int, Float32]], sample_rate_hz: int, channels: int) -> Iterator[Float32]:
    """`[n, channels]` at one rate; each change of the source's rate starts a new resampler."""
    resampler: soxr.ResampleStream | None = None
    source_rate_hz = 0
    silence: Float32 = np.zeros((0, channels), np.float32)
    for rate_hz, samples in pieces:
        if resampler is None or rate_hz != source_rate_hz:
            if resampler is not None:
                yield resampler.resample_chunk(silence, last=True)
            resampler = soxr.ResampleStream(rate_hz, sample_rate_hz, channels, dtype="float32", quality="HQ")
            source_rate_hz = rate_hz
        yield resampler.resample_chunk(samples)
    if resampler is not None:
        yield resampler.resample_chunk(silence, last=True)


def _regroup(pieces: Iterable[Float32], block_samples: int) -> Iterator[Float32]:
    pending: list[Float32] = []
    held_samples = 0
    for piece in pieces:
        rest = piece
        while held_samples + len(rest) >= block_samples:
            wanted = block_samples - held_samples
            yield np.concatenate([*pending, rest[:wanted]])
            rest, pending, held_samples = rest[wanted:], [], 0
        if len(rest):
            pending.append(rest)
            held_samples += len(rest)
    if pending:
        yield np.concatenate(pending)
