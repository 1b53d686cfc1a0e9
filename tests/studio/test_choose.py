"""Held-out sentences stay whole, and their sound comes back to the sample."""

from pathlib import Path

import numpy as np
import pytest

from lipstream.audio.read import read_pcm
from studio.pack import write_sound
from studio.phones import Phone

pytest.importorskip("torch", reason='needs pip install ".[train]"')
from studio.choose import HELD_OUT_FRAMES, Sentence, rendered_frames, sentence_arrays


def sentence(frames: int, phones: int) -> Sentence:
    spoken = [Phone("AA", 100.0 * i, 100.0 * (i + 1)) for i in range(phones)]
    return Sentence(np.full(frames * 640 - 7, frames, np.int16), np.full((frames, 12), frames, np.float32), spoken)


def test_rendered_sentences_are_whole() -> None:
    assert rendered_frames([HELD_OUT_FRAMES - 1, 30, 50]) == HELD_OUT_FRAMES + 29
    assert rendered_frames([HELD_OUT_FRAMES, 30]) == HELD_OUT_FRAMES
    assert rendered_frames([10, 30]) == 40  # all there is


def test_sentences_lie_one_after_the_other() -> None:
    arrays = sentence_arrays([sentence(10, 2), sentence(20, 3)])
    assert arrays["clip_start"].tolist() == [0, 10]
    assert arrays["pcm_start"].tolist() == [0, 10 * 640 - 7]
    assert arrays["phone_first"].tolist() == [0, 2]
    assert len(arrays["frame_index"]) == len(arrays["codes"]) == 30
    assert arrays["phone_symbol"].tolist() == ["AA"] * 5
    assert arrays["phone_end_ms"].tolist() == [100, 200, 100, 200, 300]  # from the start of each sentence


def test_sound_comes_back_to_the_sample(tmp_path: Path) -> None:
    pcm = np.random.default_rng(2).integers(-32768, 32768, 50_001).astype(np.int16)
    write_sound(tmp_path / "sound.flac", pcm)
    np.testing.assert_array_equal(read_pcm(tmp_path / "sound.flac") * 32768, pcm)
