import ctypes
import sys

import pytest

from lipstream.cli.allocator import share_heaps


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_heaps_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []

    class Library:
        def mallopt(self, parameter: int, value: int) -> int:
            told.append((parameter, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    share_heaps()
    assert told == [(-8, 2)]


def test_a_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    share_heaps()
