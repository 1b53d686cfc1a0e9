import threading
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lipstream.errors import InputError, MediaError, OutputExistsError
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import check_output, render, render_blocks, render_file
from lipstream.pipeline.step import Spoken, step
from lipstream.types import FRAME_SAMPLES, SAMPLE_RATE_HZ, Pcm


def test_every_640_samples_give_a_frame_with_its_sound(tiny: Avatar, hello: Pcm) -> None:
    frames = list(render(hello, tiny))
    assert [frame.index for frame in frames] == list(range(-(-len(hello) // FRAME_SAMPLES)))
    sound = np.concatenate([frame.audio for frame in frames])
    assert np.array_equal(sound[: len(hello)], hello)
    assert not sound[len(hello) :].any()
    assert all(frame.image.shape == (128, 128, 3) and frame.image.dtype == np.uint8 for frame in frames)


def test_the_mouth_moves_and_nothing_else(tiny: Avatar, hello: Pcm) -> None:
    frames = list(render(hello, tiny))
    changed = np.zeros((128, 128), bool)
    for frame in frames:
        changed |= (frame.image != tiny.clip.image(frame.index)).any(axis=2)
    assert changed[84:102, 50:78].any()
    changed[70:120, 30:100] = False
    assert not changed.any()


def test_no_gain_keeps_the_mouth_shut(tiny: Avatar, hello: Pcm) -> None:
    def darkest(gain: float) -> float:
        return min(float(frame.image[86:100, 58:70].mean()) for frame in render(hello, tiny, gain=gain))

    assert darkest(1.0) < darkest(0.0) - 5


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 7_999), max_size=6))
def test_the_sizes_of_the_blocks_do_not_matter(tiny: Avatar, hello: Pcm, cuts: list[int]) -> None:
    speech = hello[:8_000]
    blocks = iter(np.split(speech, sorted(cuts)))
    for whole, chunked in zip(render(speech, tiny), render_blocks(blocks, tiny), strict=True):
        assert np.array_equal(whole.audio, chunked.audio)
        assert np.abs(whole.image.astype(int) - chunked.image).max() <= 1


def test_sound_is_read_only_a_little_ahead(tiny: Avatar) -> None:
    seconds_read = 0

    def endless() -> Iterator[Pcm]:
        nonlocal seconds_read
        while True:
            seconds_read += 1
            yield np.zeros(SAMPLE_RATE_HZ, np.float32)

    frames = render_blocks(endless(), tiny)
    for _ in range(50):  # two seconds
        next(frames)
    frames.close()
    assert 2 <= seconds_read <= 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lipstream-")]


def test_stages_overlapped_or_not_give_the_same(tiny: Avatar, hello: Pcm) -> None:
    speech = tiny.speech()
    codes = np.concatenate([speech.push(hello), speech.finish()])[:8]
    alone = step(Spoken(0, codes, np.zeros((8, FRAME_SAMPLES), np.float32)), tiny.clip, tiny.face)
    for frame, overlapped in zip(alone, render(hello, tiny), strict=False):
        assert np.array_equal(frame.image, overlapped.image)


def test_another_sample_rate_is_resampled(tiny: Avatar, hello: Pcm) -> None:
    assert len(list(render(np.repeat(hello, 3), tiny, sample_rate=48_000))) == -(-len(hello) // FRAME_SAMPLES)


@pytest.mark.parametrize(
    ("pcm", "message"),
    [
        (np.zeros(0, np.float32), "is empty"),
        (np.zeros((2, 100), np.float32), "take the mean of the channels"),
        (np.array([0, np.nan, 0], np.float32), "NaN or infinity, first at sample 1"),
    ],
)
def test_what_is_no_speech_is_refused_at_once(tiny: Avatar, pcm: Pcm, message: str) -> None:
    with pytest.raises(InputError, match=message):
        render(pcm, tiny)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.bool_, np.complex64, np.object_])
def test_what_is_not_floating_is_refused_at_once(tiny: Avatar, dtype: type[np.generic]) -> None:
    with pytest.raises(InputError, match=r"expected float32 in -1\.\.1: divide 16-bit samples by 32768"):
        render(np.zeros(1_000, dtype), tiny)


@pytest.mark.parametrize("sample_rate", [-16_000, 0, 1, 999, 768_001, 10**9])
def test_a_sample_rate_is_one_of_sound(tiny: Avatar, hello: Pcm, sample_rate: int) -> None:
    with pytest.raises(InputError, match=r"sample rate .* expected 1000 to 768000"):
        render(hello, tiny, sample_rate=sample_rate)


def test_a_file_becomes_a_video(tiny: Avatar, hello_path: Path, tmp_path: Path) -> None:
    done: list[int] = []
    frames = render_file(hello_path, tmp_path / "out.mp4", tiny, progress=done.append)
    assert done == list(range(1, frames + 1))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].frames == frames
        assert container.duration == frames * 40_000
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_file_becomes_pictures(tiny: Avatar, hello_path: Path, tmp_path: Path) -> None:
    frames = render_file(str(hello_path), str(tmp_path / "frames" / "%03d.jpg"), tiny)
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == [f"{index:03}.jpg" for index in range(frames)]
    last = cv2.imread(str(tmp_path / "frames" / names[-1]))
    assert last is not None
    assert last.shape == (128, 128, 3)


def test_sound_that_cannot_be_read_leaves_nothing(tiny: Avatar, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not sound")
    for out in ("out.mp4", "frames/%d.jpg"):
        with pytest.raises(MediaError):
            render_file(tmp_path / "text.wav", tmp_path / out, tiny)
    assert [path.name for path in tmp_path.iterdir()] == ["text.wav"]


def test_an_output_is_checked_by_its_name(tmp_path: Path) -> None:
    audio, existing = tmp_path / "in.mp4", tmp_path / "old.mp4"
    audio.touch()
    existing.touch()
    with pytest.raises(InputError, match="input itself"):
        check_output(audio, audio, overwrite=True)
    with pytest.raises(InputError, match=r"\.mp4"):
        check_output(audio, tmp_path / "out.avi", overwrite=False)
    with pytest.raises(InputError, match="%06d"):
        check_output(audio, tmp_path / "out.jpg", overwrite=False)
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        check_output(audio, existing, overwrite=False)
    check_output(audio, existing, overwrite=True)
