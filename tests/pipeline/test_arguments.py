from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lipstream
from lipstream.errors import InputError
from lipstream.pipeline.arguments import check_gain, check_path, check_progress, check_speech
from lipstream.pipeline.avatar import Avatar

API: Any = lipstream  # called as those do who have no type checker
SPEECH = np.zeros(640, np.float32)


@pytest.mark.parametrize("gain", [-0.1, 2.1, float("nan"), float("inf"), 10**400, "x", None, True, [1.0], np.zeros(2)])
def test_a_gain_is_0_to_2(gain: object) -> None:
    with pytest.raises(InputError, match=r"gain is .*expected 0 \(mouth closed\) to 2"):
        check_gain(gain)


@pytest.mark.parametrize("gain", [0, 1, 2.0, np.float32(0.5), np.int64(1)])
def test_numbers_of_any_kind_are_gains(gain: object) -> None:
    check_gain(gain)


@pytest.mark.parametrize("pcm", [[0.0, 0.1], "hello.wav", None, b"12", 5, Path("a.wav")])
def test_speech_is_an_array(pcm: object) -> None:
    with pytest.raises(InputError, match=r"speech is .*numpy\.asarray\(speech, numpy\.float32\)"):
        check_speech(pcm, 16_000)


@pytest.mark.parametrize("rate", [0, "16000", None, float("nan"), [16_000], True, 10**400])
def test_a_rate_is_a_number_of_sound(rate: object) -> None:
    with pytest.raises(InputError, match=r"sample rate is .*expected 1000 to 768000 Hz"):
        check_speech(SPEECH, rate)


@pytest.mark.parametrize("path", [None, 5, b"a.wav", ["a.wav"], "a\0b", SPEECH])
def test_a_path_is_text(path: object) -> None:
    with pytest.raises(InputError, match=r"The sound is .*expected the path of a file, as str or pathlib\.Path"):
        check_path(path, "sound")


def test_a_progress_is_a_function() -> None:
    check_progress(None)
    check_progress(print)
    with pytest.raises(InputError, match="progress is 5"):
        check_progress(5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda _: API.load_avatar(5), "avatar is 5; expected a name such as 'iris'"),
        (lambda _: API.load_avatar("iris", engine=[]), "engine is list; expected text"),
        (lambda _: API.load_avatar("iris", quality=None), "quality is NoneType; expected text"),
        (lambda _: API.render(SPEECH, "iris"), "avatar is 'iris'; expected one from load_avatar"),
        (lambda _: API.render_file("a.wav", "a.mp4", "iris"), "avatar is 'iris'; expected one from load_avatar"),
        (lambda tiny: API.render([0.0], tiny), "speech is list"),
        (lambda tiny: API.render(SPEECH.astype(np.int16), tiny), "divide 16-bit samples by 32768"),
        (lambda tiny: API.render(np.zeros((640, 2), np.float32), tiny), "take the mean of the channels"),
        (lambda tiny: API.render(SPEECH, tiny, gain="x"), "gain is 'x'"),
        (lambda tiny: API.render_file(None, "a.mp4", tiny), "sound is NoneType"),
        (lambda tiny: API.render_file("a.wav", 5, tiny), "output is 5"),
        (lambda tiny: API.render_file("a.wav", "a.mp4", tiny, gain="x"), "gain is 'x'"),
        (lambda tiny: API.render_file("a.wav", "a.mp4", tiny, progress=5), "progress is 5"),
    ],
)
def test_the_public_functions_refuse_at_once(call: Callable[[Avatar], object], says: str, tiny: Avatar) -> None:
    with pytest.raises(lipstream.LipstreamError, match=says):
        call(tiny)
