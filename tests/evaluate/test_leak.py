import numpy as np
import pytest
from talking import talk_of

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.leak import Probe, leak_figures, probe, ridge_r2
from lipstream.types import Float32

RNG = np.random.default_rng(4)


def test_what_is_there_is_read_and_what_is_not_is_not() -> None:
    target = np.cumsum(RNG.standard_normal(240)).astype(np.float32)
    noise = RNG.standard_normal((240, 3, 8, 8)).astype(np.float32)
    told = noise.copy()
    told[:, 1, 4, 4] += 2 * target
    assert ridge_r2(told, target) > 0.9
    assert ridge_r2(noise, target) < 0.05


def test_a_faint_trace_over_many_pixels_is_found() -> None:
    target = np.sin(np.arange(300) / 4).astype(np.float32)
    trace = RNG.standard_normal((300, 40)).astype(np.float32)
    assert ridge_r2(trace + 0.3 * target[:, None], target) > 0.5


def smooth(rng: np.random.Generator, *shape: int) -> Float32:
    noise = rng.standard_normal((shape[0] + 5, *shape[1:]))
    return np.asarray(np.mean([noise[k : k + shape[0]] for k in range(6)], axis=0), np.float32)


def test_neighbours_in_time_do_not_help() -> None:
    """Both change slowly and have nothing in common: random frames held out would be guessed from those beside them."""
    scores = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scores.append(ridge_r2(smooth(rng, 200, 60), smooth(rng, 200)))
    assert float(np.median(scores)) < 0.05


def test_a_constant_target_has_nothing_to_read() -> None:
    assert ridge_r2(RNG.standard_normal((50, 9)).astype(np.float32), np.ones(50, np.float32)) == 0.0


def test_a_guess_worse_than_the_mean_counts_as_none_and_is_told() -> None:
    masked, whole = leak_figures(Probe(-0.2, 217), Probe(0.97, 217))
    assert (masked.value, masked.passes) == (0.0, True)
    assert "-0.200" in masked.meaning
    assert whole.value == pytest.approx(0.97)
    assert leak_figures(Probe(0.4, 217), Probe(0.9, 217))[0].passes is False


def test_what_is_no_number_does_not_pass() -> None:
    assert leak_figures(Probe(float("nan"), 217), Probe(0.97, 217))[0].passes is False


def test_the_tiny_avatar_hides_the_mouth(subject: Subject) -> None:
    masked, whole = probe(subject, talk_of(subject, 96))
    assert whole.r2 > 0.9
    assert masked.r2 < 0.05
    assert masked.frames == 96
