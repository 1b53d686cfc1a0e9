import threading
from collections.abc import Iterator

import pytest

from lipstream.pipeline.overlap import ahead


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lipstream-")]


def test_items_come_in_order() -> None:
    with ahead(range(1000), limit=3, name="count") as items:
        assert list(items) == list(range(1000))
    assert alive() == []


def test_they_are_made_in_another_thread() -> None:
    with ahead((threading.current_thread().name for _ in range(2)), limit=1, name="elsewhere") as items:
        assert list(items) == ["lipstream-elsewhere"] * 2


def test_it_runs_only_so_far_ahead() -> None:
    made: list[int] = []
    fourth = threading.Event()

    def count() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                fourth.set()
            yield number

    with ahead(count(), limit=2, name="count") as items:
        assert next(items) == 0
        assert fourth.wait(5)  # one taken, two waiting, one in hand
        assert made == [0, 1, 2, 3]
    assert alive() == []


def test_an_error_arrives_after_the_items_before_it() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with ahead(fail(), limit=4, name="fail") as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="broken"):
            next(items)
    assert alive() == []


def test_leaving_early_stops_a_whole_chain() -> None:
    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    def interrupted() -> None:
        with (
            ahead(endless(), limit=1, name="first") as numbers,
            ahead((2 * number for number in numbers), limit=1, name="second") as doubled,
        ):
            assert next(doubled) == 0
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert alive() == []
