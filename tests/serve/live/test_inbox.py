import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.errors import BusyError
from lipstream.pipeline.playout import END, End
from lipstream.serve.live.inbox import Inbox
from lipstream.types import Float32

pieces = st.one_of(st.just(END), st.integers(0, 50))


def taken(inbox: Inbox, most_samples: int) -> list[Float32 | End]:
    parts = []
    while (part := inbox.take(most_samples)) is not None:
        parts.append(part)
    return parts


@given(sent=st.lists(pieces, max_size=20), most_samples=st.integers(1, 60))
def test_what_comes_out_is_what_went_in(sent: list[int | End], most_samples: int) -> None:
    inbox, counter, sounds = Inbox(16_000, 1_000), 0, [b""]
    for one in sent:
        if isinstance(one, End):
            inbox.put(END)
            sounds.append(b"")
        else:
            sound = np.arange(counter, counter + one, dtype=np.float32)
            counter += one
            inbox.put(sound)
            sounds[-1] += sound.tobytes()
    assert inbox.samples == counter
    assert inbox.waiting_ms == counter / 16
    again = [b""]
    for part in taken(inbox, most_samples):
        if isinstance(part, End):
            again.append(b"")
        else:
            assert 1 <= len(part) <= most_samples
            again[-1] += part.tobytes()
    assert again == sounds
    assert inbox.samples == 0


def test_too_much_is_refused_and_nothing_of_it_kept() -> None:
    inbox = Inbox(8_000, 1_000)
    inbox.put(np.ones(7_000, np.float32))
    with pytest.raises(BusyError, match=r"1\.0 s of sound wait.*at most 1 s"):
        inbox.put(np.ones(1_001, np.float32))
    inbox.put(np.ones(1_000, np.float32))
    assert inbox.waiting_ms == 1_000
    assert inbox.clear() == (8_000, 0)
    inbox.put(np.ones(8_000, np.float32))


def test_a_million_tiny_pieces_take_no_more_than_their_samples() -> None:
    inbox = Inbox(16_000, 600_000)
    piece = np.zeros(1, np.float32)
    for _ in range(20_000):
        inbox.put(piece)
    assert sum(map(sys.getsizeof, inbox._parts)) < 2 * 80_000
    assert len(inbox._parts) == 1


def test_clearing_counts_what_was_dropped() -> None:
    inbox = Inbox(16_000, 1_000)
    for one in (np.ones(3, np.float32), END, END, np.ones(4, np.float32)):
        inbox.put(one)
    assert inbox.clear() == (7, 2)
    assert inbox.clear() == (0, 0)
    assert inbox.take(10) is None


def test_its_memory_is_bounded_whatever_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipstream.serve.live.inbox.MOST_BYTES", 4_000)
    inbox = Inbox(48_000, 600_000)
    inbox.put(np.zeros(1_000, np.float32))
    with pytest.raises(BusyError, match="wait to be heard"):
        inbox.put(np.zeros(1, np.float32))
