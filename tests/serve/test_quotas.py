import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import BusyError
from lipstream.serve.keys import Key
from lipstream.serve.quotas import MINUTE_MS, Quotas


def key(name: str = "alice", concurrent: int | None = None, per_minute: int | None = None) -> Key:
    return Key(
        name=name, sha256="0" * 64, scopes=frozenset(["infer"]), max_concurrent=concurrent, per_minute=per_minute
    )


def admitted(quotas: Quotas, key: Key, now_ms: float) -> bool:
    try:
        quotas.enter(key, now_ms)
    except BusyError:
        return False
    return True


def test_as_many_run_at_once_as_the_key_allows() -> None:
    quotas, alice = Quotas(), key(concurrent=2)
    quotas.enter(alice, 0)
    quotas.enter(alice, 0)
    with pytest.raises(BusyError, match="has 2 requests under way, and may have 2"):
        quotas.enter(alice, 0)
    quotas.enter(key("bob", concurrent=1), 0)
    quotas.leave(alice)
    quotas.enter(alice, 0)
    assert quotas.running(alice) == 2
    assert quotas.running(key("carol")) == 0


def test_after_a_minutes_requests_the_next_waits_its_turn() -> None:
    quotas, alice = Quotas(), key(per_minute=60)
    assert [admitted(quotas, alice, 0) for _ in range(61)] == [True] * 60 + [False]
    with pytest.raises(BusyError, match=r"asked 60 times .* ask again in 0\.5 s") as refused:
        quotas.enter(alice, 500)
    assert refused.value.retry_after_ms == 500
    assert admitted(quotas, alice, 1000)
    assert not admitted(quotas, alice, 1000)


def test_what_is_refused_counts_against_nothing() -> None:
    quotas, alice = Quotas(), key(concurrent=1, per_minute=2)
    quotas.enter(alice, 0)
    for _ in range(5):
        assert not admitted(quotas, alice, 0)
    quotas.leave(alice)
    assert admitted(quotas, alice, 0)
    assert quotas.running(alice) == 1


def test_a_key_without_limits_has_none() -> None:
    quotas = Quotas()
    assert all(admitted(quotas, key(), 0) for _ in range(10_000))


def test_new_limits_count_at_once() -> None:
    quotas = Quotas()
    for _ in range(100):
        quotas.enter(key(per_minute=100), 0)
    assert not admitted(quotas, key(per_minute=10), 0)
    assert admitted(quotas, key(per_minute=10), MINUTE_MS / 10)


@given(st.integers(1, 20), st.lists(st.floats(0, MINUTE_MS / 4, allow_nan=False), min_size=1, max_size=200))
def test_no_stretch_of_time_lets_more_than_the_rate_and_one_minutes_burst_through(
    per_minute: int, pauses_ms: list[float]
) -> None:
    quotas, alice, now_ms, times_ms = Quotas(), key(per_minute=per_minute), 0.0, list[float]()
    for pause_ms in pauses_ms:
        now_ms += pause_ms
        if admitted(quotas, alice, now_ms):
            times_ms.append(now_ms)
    for first, begin_ms in enumerate(times_ms):
        for last, end_ms in enumerate(times_ms[first:], start=1):
            assert last <= per_minute + (end_ms - begin_ms) * per_minute / MINUTE_MS + 1e-6


def test_threads_together_get_no_more_than_one_would() -> None:
    quotas, alice, got = Quotas(), key(concurrent=7, per_minute=1000), list[bool]()
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        got.extend(admitted(quotas, alice, 0) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 7
