"""16 kHz PCM in, log-mel rows out, whole or in pieces: the same bits for any chunking."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lipstream.types import MEL_BINS, MEL_HOP_SAMPLES, SAMPLE_RATE_HZ, Float32, Mel, Pcm

FFT_SAMPLES = 800
HALF_FFT_SAMPLES = FFT_SAMPLES // 2  # zeros before and after the signal, so that row t is centred on sample 200 t
SPECTRUM_BINS = HALF_FFT_SAMPLES + 1
LOWEST_HZ = 55.0
HIGHEST_HZ = 7600.0
PREEMPHASIS = 0.97
FLOOR = 1e-5  # -100 dB
BLOCK_ROWS = 1024  # 6.5 MB of frames at a time, however long the signal

Float64 = NDArray[np.float64]


def mel_spectrogram(pcm: Pcm) -> Mel:
    """Log-mel rows of a whole signal.

    Args:
        pcm: `[L]` float32 in -1..1 at 16 kHz.

    Returns:
        `[L // 200 + 1, 80]` float32 in -4..4; row t is centred on sample 200 t.
    """
    stream = MelStream()
    return np.concatenate([stream.push(pcm), stream.finish()])


class MelStream:
    """Log-mel rows of a signal that arrives in pieces; row t leaves once sample 200 t + 400 has arrived."""

    def __init__(self) -> None:
        self._last_sample = 0.0
        self._pending: Float64 = np.zeros(HALF_FFT_SAMPLES)  # pre-emphasised, from the next row's first sample on

    def push(self, pcm: Pcm) -> Mel:
        """Take the next samples, `[n]` float32 in -1..1 at 16 kHz, and return the rows they complete, `[k, 80]`."""
        if pcm.size == 0:
            return np.zeros((0, MEL_BINS), np.float32)
        samples = pcm.astype(np.float64)
        emphasised = samples - PREEMPHASIS * np.concatenate([[self._last_sample], samples[:-1]])
        self._last_sample = float(samples[-1])
        return self._take(emphasised)

    def finish(self) -> Mel:
        """Return the last rows, the signal padded with zeros; the stream is then ready for another signal."""
        rows = self._take(np.zeros(HALF_FFT_SAMPLES))
        self._last_sample = 0.0
        self._pending = np.zeros(HALF_FFT_SAMPLES)
        return rows

    def _take(self, emphasised: Float64) -> Mel:
        pending = np.concatenate([self._pending, emphasised])
        rows = max(0, (pending.size - FFT_SAMPLES) // MEL_HOP_SAMPLES + 1)
        self._pending = pending[rows * MEL_HOP_SAMPLES :]
        if rows == 0:
            return np.zeros((0, MEL_BINS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(pending, FFT_SAMPLES)[::MEL_HOP_SAMPLES]
        return np.concatenate([_log_mel(frames[i : i + BLOCK_ROWS]) for i in range(0, rows, BLOCK_ROWS)])


@cache
def filterbank() -> Float32:
    """Triangles of equal area, evenly spaced on the Slaney mel scale from 55 to 7600 Hz.

    Returns:
        `[80, 401]` float32, to be applied to the magnitudes of an 800-point transform; read-only.
    """
    edges_hz = _mel_to_hz(np.linspace(_hz_to_mel(LOWEST_HZ), _hz_to_mel(HIGHEST_HZ), MEL_BINS + 2))
    bins_hz = np.arange(SPECTRUM_BINS) * (SAMPLE_RATE_HZ / FFT_SAMPLES)
    low, centre, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    triangles = np.minimum((bins_hz - low) / (centre - low), (high - bins_hz) / (high - centre))
    bank = (np.maximum(triangles, 0.0) * (2.0 / (high - low))).astype(np.float32)
    bank.flags.writeable = False
    return bank


# The Slaney scale: linear, 200/3 Hz a mel, up to 1 kHz; above it 27 mels for each factor of 6.4.
_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ  # 15
_MEL_PER_LOG = 27.0 / np.log(6.4)


def _hz_to_mel(hz: float) -> float:
    return float(_BREAK_MEL + _MEL_PER_LOG * np.log(hz / _BREAK_HZ)) if hz >= _BREAK_HZ else hz / _LINEAR_HZ


def _mel_to_hz(mel: Float64) -> Float64:
    above = _BREAK_HZ * np.exp(np.maximum(mel - _BREAK_MEL, 0.0) / _MEL_PER_LOG)
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, above)


@cache
def _window() -> Float64:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FFT_SAMPLES) / FFT_SAMPLES)  # periodic Hann


@cache
def _sparse_filterbank() -> tuple[NDArray[np.intp], Float64, NDArray[np.intp]]:
    """Spectrum bin and weight of each of the 739 nonzeros, band after band, and where each band starts."""
    bank = filterbank()
    bands, bins = np.nonzero(bank)
    return bins, bank[bands, bins].astype(np.float64), np.searchsorted(bands, np.arange(MEL_BINS))


def _log_mel(frames: Float64) -> Mel:
    """Log-mel of `[n, 800]` frames: every row by the same operations in the same order, whatever n is.

    A BLAS product would choose its order of summation, and so the last bits, by n.
    """
    spectrum = np.fft.rfft(frames * _window(), axis=1)
    magnitude = np.sqrt(spectrum.real**2 + spectrum.imag**2)
    bins, weights, starts = _sparse_filterbank()
    mel = np.add.reduceat(magnitude[:, bins] * weights, starts, axis=1)
    level_db = 20.0 * np.log10(np.maximum(mel, FLOOR)) - 20.0
    return np.clip(0.08 * (level_db + 100.0) - 4.0, -4.0, 4.0).astype(np.float32)
