import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.audio.window import (
    WindowStream,
    contexts,
    own_contexts,
    windows,
    windows_ahead,
    windows_of_rows,
)
from lipstream.types import Features, Mel


def numbered_rows(rows: int) -> Mel:
    return np.broadcast_to(np.arange(rows, dtype=np.float32)[:, None], (rows, 80)).copy()


def numbered_features(count: int, first: int = 0) -> Features:
    """Row k of window w holds w + 1 everywhere, so that a zero row shows."""
    return np.broadcast_to(np.arange(first + 1, first + count + 1, dtype=np.float32)[:, None], (count, 512)).copy()


def context_windows(gathered: Features) -> list[list[int]]:
    """Window numbers of each context, -1 for a zero row."""
    return [[int(row[0]) - 1 for row in frame] for frame in gathered.reshape(-1, 16, 512)]


def test_window_is_16_rows_from_a_start_that_is_rounded_down() -> None:
    cut = windows(numbered_rows(60))
    assert cut.shape == (15, 80, 16)
    assert cut[:, 0, 0].tolist() == [int(3.2 * w) for w in range(15)]
    np.testing.assert_array_equal(cut[5, 40], np.arange(16, 32))


@pytest.mark.parametrize("rows", range(64))
def test_windows_exist_when_all_their_rows_do(rows: int) -> None:
    expected = sum(1 for w in range(rows) if int(3.2 * w) + 16 <= rows)
    assert windows_of_rows(rows) == expected == len(windows(numbered_rows(rows)))


@given(st.integers(0, 120), st.data())
def test_streamed_windows_equal_offline(rows: int, data: st.DataObject) -> None:
    mel = numbered_rows(rows)
    stream = WindowStream()
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=8)))
    pieces = [stream.push(piece) for piece in np.split(mel, cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), windows(mel))


def test_context_of_a_frame_is_nine_windows_before_to_six_after() -> None:
    gathered = contexts(numbered_features(40), 20, 2)
    assert gathered.shape == (2, 32, 16, 16)
    assert context_windows(gathered) == [list(range(11, 27)), list(range(12, 28))]


def test_context_is_the_plain_reshape_of_its_rows() -> None:
    features = np.random.default_rng(3).random((30, 512), np.float32)
    np.testing.assert_array_equal(contexts(features, 10, 1)[0], features[1:17].reshape(32, 16, 16))


def test_context_outside_the_audio_is_zero_rows() -> None:
    first, last = context_windows(contexts(numbered_features(5), 0, 5))[:: 5 - 1]
    assert first == [-1] * 9 + [0, 1, 2, 3, 4, -1, -1]
    assert last == [-1] * 5 + [0, 1, 2, 3, 4] + [-1] * 6


def test_context_keeps_windows_that_have_not_arrived_out() -> None:
    [rows] = context_windows(contexts(numbered_features(40), 20, 1, ahead=0))
    assert rows == [*range(11, 21), -1, -1, -1, -1, -1, -1]


def test_context_of_features_that_start_later() -> None:
    whole = contexts(numbered_features(60), 30, 3)
    np.testing.assert_array_equal(contexts(numbered_features(20, first=21), 30, 3, first_window=21), whole)


def test_context_without_any_feature_is_zero() -> None:
    assert not contexts(np.zeros((0, 512), np.float32), 0, 2).any()


@pytest.mark.parametrize(("lookahead_ms", "ahead"), [(452, 6), (1_000, 6), (212, 0), (251, 0), (252, 1), (172, -1)])
def test_lookahead_keeps_the_windows_that_have_arrived(lookahead_ms: int, ahead: int) -> None:
    assert windows_ahead(lookahead_ms) == ahead


@given(st.integers(0, 500), st.integers(0, 400))
def test_windows_of_a_lookahead_have_arrived(frame: int, lookahead_ms: int) -> None:
    arrived_samples = 640 * frame + 16 * (lookahead_ms + 1)
    arrived_rows = arrived_samples // 200 - 1  # row t needs sample 200 t + 400
    assert windows_of_rows(arrived_rows) > frame + windows_ahead(lookahead_ms) or arrived_samples < 3_400


def test_own_features_are_the_rows_around_a_picture_and_repeat() -> None:
    features = numbered_features(40)
    first, later, again = own_contexts(features, [0, 20, 60])
    np.testing.assert_array_equal(later.reshape(16, 512), features[12:28])
    np.testing.assert_array_equal(again, later)
    assert not first.reshape(16, 512)[:8].any()
    np.testing.assert_array_equal(first.reshape(16, 512)[8:], features[:8])
