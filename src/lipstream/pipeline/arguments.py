"""What a caller passed in, a refusal in one sentence of what cannot be meant out."""

import math
import os
from pathlib import Path

import numpy as np

from lipstream.audio.read import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from lipstream.errors import InputError
from lipstream.pipeline.avatar import Avatar

MAX_GAIN = 2.0


def check_avatar(avatar: object) -> None:
    """Raise InputError unless it is an avatar that was loaded."""
    if not isinstance(avatar, Avatar):
        raise InputError(f"The avatar is {_described(avatar)}; expected one from load_avatar, load it first.")


def check_path(path: object, what: str, expected: str = "the path of a file") -> Path:
    """The path that was named.

    Args:
        path: what was given.
        what: its name in the message.
        expected: what it should be, in the message.

    Raises:
        InputError: it is neither text nor a path.
    """
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if isinstance(name, str) and "\0" not in name:
        return Path(name)
    raise InputError(f"The {what} is {_described(path)}; expected {expected}, as str or pathlib.Path.")


def check_word(word: object, what: str) -> None:
    """Raise InputError unless it is text; `what` is its name in the message."""
    if not isinstance(word, str):
        raise InputError(f"The {what} is {_described(word)}; expected text such as 'auto'.")


def check_progress(progress: object) -> None:
    """Raise InputError unless it is None or can be called."""
    if progress is not None and not callable(progress):
        raise InputError(f"The progress is {_described(progress)}; expected a function of the frames done, or None.")


def check_gain(gain: object) -> None:
    """Raise InputError unless `gain` is a number from 0 to 2."""
    number = _number(gain)
    if number is None or not 0.0 <= number <= MAX_GAIN:  # so written, NaN fails too
        raise InputError(
            f"The gain is {_described(gain)}; expected 0 (mouth closed) to {MAX_GAIN:g}, with 1 as it was trained."
        )


def check_speech(pcm: object, sample_rate: object) -> None:
    """Check the sound of a speech.

    Raises:
        InputError: it is no array `[L]` of finite floating samples, or its rate is not from 1,000 to 768,000 Hz.
    """
    if not isinstance(pcm, np.ndarray):
        raise InputError(
            f"The speech is {_described(pcm)}; expected a NumPy array [L] float32 in -1..1: "
            "numpy.asarray(speech, numpy.float32)."
        )
    if pcm.dtype.kind != "f":
        raise InputError(f"The speech is {pcm.dtype}; expected float32 in -1..1: divide 16-bit samples by 32768.")
    if pcm.ndim != 1:
        raise InputError(
            f"The speech is {pcm.dtype} {list(pcm.shape)}; expected [L] samples of one channel: "
            "take the mean of the channels."
        )
    if pcm.size == 0:
        raise InputError("The speech is empty; expected [L] float32 in -1..1, one sample or more.")
    if not np.isfinite(pcm).all():
        raise InputError(
            f"The speech holds NaN or infinity, first at sample {int(np.argmin(np.isfinite(pcm)))}; "
            "expected float32 in -1..1: check how it is made."
        )
    rate = _number(sample_rate)
    if rate is None or not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise InputError(
            f"The sample rate is {_described(sample_rate)}; expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz, "
            "such as 16000."
        )


def _number(value: object) -> float | None:
    """The value of a number of Python or NumPy, None for anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _described(value: object) -> str:
    """A value as a message shows it: text and numbers themselves, of others only the type."""
    if isinstance(value, str):
        return repr(value[:60])
    number = _number(value)
    return type(value).__name__ if number is None else f"{number:g}"
