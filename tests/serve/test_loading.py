import numpy as np
import pytest

from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.serve.loading import NETWORKS_MOST_BYTES, Loader, resident_memory_bytes, warm
from lipstream.types import Codes, Patches, Visual


def test_an_avatar_takes_what_the_process_grows_by_and_what_its_clip_will_take(tiny: Avatar) -> None:
    resident = iter([1_000, 5_000])
    asked: list[tuple[str, str]] = []

    def open_one(name: str, device: str) -> Avatar:
        asked.append((name, device))
        return tiny

    loader = Loader(open_one, lambda: next(resident))
    assert loader.load("me", "cpu") is tiny
    assert asked == [("me", "cpu")]
    clip = tiny.clip
    whole_bytes = int(len(clip) * clip.width * clip.height * 1.5)
    assert loader.measure_bytes(tiny) == 4_000 + max(0, whole_bytes - clip.held_bytes)


def test_memory_that_shrinks_meanwhile_counts_as_none(tiny: Avatar) -> None:
    resident = iter([5_000, 1_000])
    loader = Loader(lambda *_: tiny, lambda: next(resident))
    assert 0 <= loader.measure_bytes(loader.load("me", "cpu")) <= 12 * tiny.clip.width * tiny.clip.height * 2


def test_what_requests_take_meanwhile_is_not_taken_for_the_avatars(tiny: Avatar) -> None:
    resident = iter([0, 50_000_000_000])
    loader = Loader(lambda *_: tiny, lambda: next(resident), copies=2)
    assert 2 * NETWORKS_MOST_BYTES <= loader.measure_bytes(loader.load("me", "cpu")) < 3 * NETWORKS_MOST_BYTES


def test_every_batch_size_that_is_common_is_run_before_anybody_waits(
    tiny: Avatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[int] = []

    def generate(visual: Visual, codes: Codes) -> Patches:
        assert visual.shape == (len(codes), 6, 320, 320)
        painted.append(len(codes))
        return np.zeros((len(codes), 3, 320, 320), np.float32)

    monkeypatch.setattr(tiny.face, "generate", generate)
    warm(tiny)
    assert painted == [1, 2, 4, 8]


def test_an_avatar_that_another_process_paints_is_not_run(tiny_path: object, tiny: Avatar) -> None:
    filmed = open_avatar(tiny_path, tiny.networks, paints=False)  # type: ignore[arg-type]
    loader = Loader(lambda *_: filmed, paints=False)
    assert loader.load("me", "cpu").engine == "none"


def test_memory_of_this_process_is_measured() -> None:
    assert resident_memory_bytes() > 10_000_000
