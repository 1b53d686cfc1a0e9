import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fakes import FlatGenerator

from lipstream.avatar.bundle import open_bundle
from lipstream.pipeline.step import Spoken, step
from lipstream.render.face import FaceRenderer
from lipstream.types import CODE_SIZE, FRAME_SAMPLES
from lipstream.video.clip import Clip


@pytest.mark.parametrize(("idle", "painted"), [("generate", [0, 1, 2]), ("raw", [1])])
def test_a_raw_avatar_at_rest_is_shown_as_filmed(tiny_path: Path, idle: str, painted: list[int]) -> None:
    bundle = open_bundle(tiny_path)
    bundle = dataclasses.replace(bundle, manifest=bundle.manifest.model_copy(update={"idle": idle}))
    clip, codes = Clip(bundle.frames_path.read_bytes()), np.zeros((3, CODE_SIZE), np.float32)
    codes[1, 3], codes[2] = 0.2, -0.0
    generator = FlatGenerator(0.0, 0.4, 1.0)
    spoken = Spoken(5, codes, np.zeros((3, FRAME_SAMPLES), np.float32))
    frames = step(spoken, clip, FaceRenderer(bundle, generator))
    assert [frame.index for frame in frames] == [5, 6, 7]
    changed = [row for row, frame in enumerate(frames) if (frame.image != clip.image(5 + row)).any()]
    assert changed == painted


def test_nothing_is_generated_for_a_raw_avatar_in_silence(tiny_path: Path) -> None:
    bundle = open_bundle(tiny_path)
    bundle = dataclasses.replace(bundle, manifest=bundle.manifest.model_copy(update={"idle": "raw"}))
    spoken = Spoken(0, np.zeros((2, CODE_SIZE), np.float32), np.zeros((2, FRAME_SAMPLES), np.float32))
    generator = FlatGenerator(0.0, 0.4, 1.0)
    frames = step(spoken, Clip(bundle.frames_path.read_bytes()), FaceRenderer(bundle, generator))
    assert len(frames) == 2
    assert generator.seen == []
