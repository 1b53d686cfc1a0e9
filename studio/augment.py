"""Clean speech in, the same speech as a microphone, a room and a codec would leave it out, its phones moved along."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import av
import numpy as np
import soxr

from lipstream.evaluate.phones import SILENCE
from lipstream.types import Float32, Mel, Pcm
from studio.phones import Phone

SAMPLE_RATE_HZ = 16_000
Random = np.random.Generator
Spoken = tuple[Pcm, list[Phone]]
CODECS = (("mp3", "mp3", 24_000), ("mp3", "mp3", 48_000), ("adts", "aac", 24_000), ("ogg", "libopus", 12_000))
"""Container, codec, bits a second."""


def augment(pcm: Pcm, phones: Sequence[Phone], babble: Callable[[], Pcm], random: Random) -> Spoken:
    """Speak an utterance anew: another speed, voice, room, microphone, noise and level.

    Args:
        pcm: `[L]` float32 at 16 kHz, clean.
        phones: its phones.
        babble: returns another utterance of the corpus at each call.
        random: decides everything.

    Returns:
        `[M]` float32 in -1..1 and the phones at their new times, between rests of 0.1 to 1.5 s.
    """
    spoken = resample(pcm, phones, float(np.exp(random.uniform(np.log(0.82), np.log(1.22)))))
    pcm, moved = rest(*spoken, random)
    pcm = pcm / (np.sqrt(np.mean(pcm**2)) + 1e-6)
    steps = ((0.8, filtered), (0.45, reverberated), (0.08, saturated), (0.75, noisy), (0.04, humming))
    for chance, step in steps:
        if random.uniform() < chance:
            pcm = step(pcm, random)
    if random.uniform() < 0.15:
        pcm = mixed(pcm, crowd(babble, len(pcm), random), random.uniform(6, 30))
    pcm = leveled(pcm, random)
    if random.uniform() < 0.12:
        pcm = encoded(pcm, random)
    return np.clip(pcm, -1, 1).astype(np.float32), moved


def quiet(length: int, random: Random) -> Pcm:
    """Make a room without speech, `[length]` float32: digital zero, or noise of any colour at -90 to -25 dB."""
    if random.uniform() < 0.2:
        return np.zeros(length, np.float32)
    noise = coloured(length, random)
    if random.uniform() < 0.3:
        noise = humming(noise, random)
    slow = np.interp(np.arange(length), np.linspace(0, length, 8), random.uniform(0.3, 1, 8))
    return np.clip(noise * slow * 10 ** (random.uniform(-90, -25) / 20), -1, 1).astype(np.float32)


def warp_bins(mel: Mel, random: Random) -> Mel:
    """Shift the formants: stretch the frequency axis of log-mel rows `[T, 80]` by up to 8 %."""
    bins = np.arange(mel.shape[1])
    position = np.clip(bins * random.uniform(0.92, 1.08) + random.uniform(-1, 1), 0, mel.shape[1] - 1)
    low = np.minimum(position.astype(int), mel.shape[1] - 2)
    part = (position - low).astype(np.float32)
    return mel[:, low] * (1 - part) + mel[:, low + 1] * part


def resample(pcm: Pcm, phones: Sequence[Phone], factor: float) -> Spoken:
    """Play `factor` times as fast: speed, pitch and formants move together."""
    faster = soxr.resample(pcm, SAMPLE_RATE_HZ * factor, SAMPLE_RATE_HZ, quality="MQ").astype(np.float32)
    return faster, [replace(p, start_ms=p.start_ms / factor, end_ms=p.end_ms / factor) for p in phones]


def rest(pcm: Pcm, phones: Sequence[Phone], random: Random) -> Spoken:
    """Put silence before and after: of any length, so that frames fall anywhere on the phones."""
    before, after = (int(SAMPLE_RATE_HZ * random.choice([0.1, 0.4, 1.5]) * random.uniform()) for _ in range(2))
    shift_ms = 1000 * before / SAMPLE_RATE_HZ
    moved = [replace(p, start_ms=p.start_ms + shift_ms, end_ms=p.end_ms + shift_ms) for p in phones]
    return np.pad(pcm, (before, after)), [Phone(SILENCE, 0.0, shift_ms), *moved]


def filtered(pcm: Pcm, random: Random) -> Pcm:
    """Colour like a microphone: a tilt, a few broad bumps, sometimes a narrow band."""
    spectrum = np.fft.rfft(pcm)
    hz = np.linspace(20, SAMPLE_RATE_HZ / 2, len(spectrum))
    octave = np.log2(hz / 1000)
    gain_db = random.uniform(-5, 5) * octave
    for _ in range(random.integers(0, 4)):
        gain_db += random.uniform(-10, 10) * np.exp(-(((octave - random.uniform(-4, 3)) / random.uniform(0.3, 1)) ** 2))
    low_hz, high_hz = random.uniform(20, 300), random.choice([8000, random.uniform(3200, 8000)])
    gain_db -= 24 * np.maximum(0, np.log2(low_hz / hz)) + 60 * np.maximum(0, np.log2(hz / high_hz))
    return np.fft.irfft(spectrum * 10 ** (np.maximum(gain_db, -80) / 20), len(pcm)).astype(np.float32)


def reverberated(pcm: Pcm, random: Random) -> Pcm:
    """Put into a generated room: decaying noise of 0.1 to 0.8 s behind the direct sound."""
    decay_s = random.uniform(0.1, 0.8)
    time_s = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = random.standard_normal(len(time_s)) * np.exp(-6.9 * time_s / decay_s)
    tail[: random.integers(16, 160)] = 0
    tail *= 10 ** (random.uniform(-22, 0) / 20) / np.sqrt(np.sum(tail**2) + 1e-9)
    tail[0] = 1
    size = len(pcm) + len(tail)
    wet = np.fft.irfft(np.fft.rfft(pcm, size) * np.fft.rfft(tail, size), size)
    return wet[: len(pcm)].astype(np.float32)


def saturated(pcm: Pcm, random: Random) -> Pcm:
    """Overdrive softly."""
    drive = random.uniform(0.3, 1.5)
    return (np.tanh(pcm * drive) / drive).astype(np.float32)


def coloured(length: int, random: Random) -> Pcm:
    """Noise of power 1 with a slope of -9 to +2 dB an octave and a few bumps: `[length]` float32."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    octave = np.log2(np.linspace(20, SAMPLE_RATE_HZ / 2, len(spectrum)) / 1000)
    gain_db = random.uniform(-9, 2) * octave
    for _ in range(random.integers(0, 3)):
        gain_db += random.uniform(-5, 15) * np.exp(
            -(((octave - random.uniform(-4, 3)) / random.uniform(0.1, 0.8)) ** 2)
        )
    noise = np.fft.irfft(spectrum * 10 ** (gain_db / 20), length)
    return (noise / np.sqrt(np.mean(noise**2) + 1e-12)).astype(np.float32)


def noisy(pcm: Pcm, random: Random) -> Pcm:
    """Add coloured noise at 5 to 45 dB below the speech."""
    return mixed(pcm, coloured(len(pcm), random), random.uniform(5, 45))


def humming(pcm: Pcm, random: Random) -> Pcm:
    """Add mains hum, 15 to 40 dB below."""
    time_s = np.arange(len(pcm)) / SAMPLE_RATE_HZ
    base_hz = random.choice([50.0, 60.0])
    tones = [
        np.sin(2 * np.pi * base_hz * k * time_s + random.uniform(0, 6)) * random.uniform(0.1, 1) for k in (1, 2, 3, 5)
    ]
    return mixed(pcm, np.sum(tones, 0).astype(np.float32), random.uniform(15, 40))


def crowd(babble: Callable[[], Pcm], length: int, random: Random) -> Pcm:
    """Several other utterances at once, looped to `[length]` float32."""
    voices = [np.resize(np.roll(babble(), random.integers(16_000)), length) for _ in range(random.integers(3, 7))]
    return np.sum(voices, 0).astype(np.float32)


def mixed(pcm: Pcm, noise: Pcm, ratio_db: float) -> Pcm:
    """Add noise so that the speech, of power 1 while it lasts, is `ratio_db` above it."""
    power = np.sqrt(np.mean(noise**2) + 1e-12)
    return (pcm + noise * (10 ** (-ratio_db / 20) / power)).astype(np.float32)


def leveled(pcm: Pcm, random: Random) -> Pcm:
    """Set the peak to -36..0 dB, rarely above, where it clips."""
    peak_db = random.uniform(-36, 0) if random.uniform() < 0.95 else random.uniform(0, 6)
    return (pcm * (10 ** (peak_db / 20) / (np.abs(pcm).max() + 1e-6))).astype(np.float32)


def encoded(pcm: Pcm, random: Random) -> Pcm:
    """Pass through a low-rate codec and back, its delay undone."""
    choice = int(random.integers(len(CODECS) + 1))
    if choice == len(CODECS):
        companded = np.round(np.sign(pcm) * np.log1p(255 * np.minimum(np.abs(pcm), 1)) / np.log(256) * 127) / 127
        return (np.sign(companded) * np.expm1(np.abs(companded) * np.log(256)) / 255).astype(np.float32)
    container, codec, bits_a_second = CODECS[choice]
    return _aligned(_decoded(_compressed(pcm, container, codec, bits_a_second)), pcm)


def _compressed(pcm: Pcm, container: str, codec: str, bits_a_second: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=SAMPLE_RATE_HZ, layout="mono")
        stream.bit_rate = bits_a_second
        samples = (np.clip(pcm, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=SAMPLE_RATE_HZ, frame_size=stream.frame_size
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()


def _decoded(compressed: bytes) -> Pcm:
    with av.open(io.BytesIO(compressed)) as source:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        pieces = [piece.to_ndarray()[0] for frame in source.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate(pieces)


def _aligned(late: Pcm, pcm: Pcm) -> Pcm:
    """Shift `late` by where it correlates best with `pcm`, and cut it to the same length."""
    size = len(late) + len(pcm)
    correlation = np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(pcm, size)), size)
    delay = int(np.argmax(np.concatenate([correlation[:4000], correlation[-4000:]])))
    shift = delay if delay < 4000 else delay - 8000
    moved: Float32 = np.roll(np.pad(late, (0, max(0, len(pcm) + 4000 - len(late)))), -shift)[: len(pcm)]
    return moved.astype(np.float32)
