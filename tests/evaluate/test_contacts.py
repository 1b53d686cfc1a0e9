import numpy as np
import pytest

from lipstream.evaluate import contacts
from lipstream.evaluate.contacts import GAP, JAW, LIP_TUCK, PROTRUSION, Spoken
from lipstream.evaluate.phones import SpokenPhone
from lipstream.types import Float32

NAN = float("nan")


def curve(*values: float) -> Float32:
    return np.array(values, np.float32)


def spoken(phones: list[SpokenPhone], **dimensions: Float32) -> Spoken:
    """One recording whose named dimensions follow the curves given."""
    places = {"jaw": JAW, "gap": GAP, "tuck": LIP_TUCK, "protrusion": PROTRUSION}
    codes = np.zeros((len(next(iter(dimensions.values()))), 12), np.float32)
    for name, values in dimensions.items():
        codes[:, places[name]] = values
    return Spoken(tuple(phones), codes)


BAPA = [
    SpokenPhone("B", 0, 80),
    SpokenPhone("AA", 80, 200),
    SpokenPhone("P", 200, 280),
    SpokenPhone("AA", 280, 400),
]


def test_a_closure_is_a_tenth_of_the_vowels() -> None:
    closed = curve(0.3, 0.05, 0.5, 1, 0.5, 0.4, 0.05, 0.5, 1, 0.5)
    assert contacts.closure_percent([(closed, BAPA)]) == 100.0
    lost = np.where(np.arange(10) == 6, np.float32(0.15), closed)
    assert contacts.closure_percent([(lost, BAPA)]) == 50.0
    assert contacts.closure_percent([(2 * lost, BAPA)]) == 50.0  # a wider mouth has no easier closures


def test_a_closure_counts_only_inside_its_phone() -> None:
    late = curve(0.3, 0.3, 0.0, 1, 0.5, 0.4, 0.3, 0.0, 1, 0.5)
    assert contacts.closure_percent([(late, BAPA)]) == 0.0


def test_closure_without_a_face_or_a_token() -> None:
    assert contacts.closure_percent([(curve(NAN, NAN, 1, 1, 1, 0, 0, 1, 1, 1), BAPA)]) == 50.0
    assert np.isnan(contacts.closure_percent([(np.full(10, np.nan, np.float32), BAPA)]))
    assert np.isnan(contacts.closure_percent([(curve(1, 1, 1), [SpokenPhone("AA", 0, 120)])]))


def test_sealed_lips_that_a_face_model_sees_apart_are_closed() -> None:
    phones = [*BAPA, SpokenPhone("SIL", 400, 520)]
    seen = 0.006 + 0.04 * curve(0.3, 0.05, 0.5, 1, 0.5, 0.4, 0.05, 0.5, 1, 0.5, 0, 0, 0)
    assert contacts.closure_percent([(seen, phones)]) == 0.0
    assert contacts.picture_closure_percent([(seen, phones)]) == 100.0


def test_a_tucked_lip_under_an_open_mouth_touches_nothing() -> None:
    phones = [SpokenPhone("F", 0, 80), SpokenPhone("AA", 80, 200), SpokenPhone("V", 200, 240)]
    gap = curve(0.2, 0.2, 0.5, 1.0, 0.6, 0.2)
    tucked = curve(0.4, 0.9, 0, 0, 0, 0.8)
    assert contacts.tuck_percent([spoken(phones, gap=gap, tuck=tucked)]) == 100.0
    assert contacts.tuck_percent([spoken(phones, gap=curve(0.2, 0.8, 0.5, 1, 0.6, 0.2), tuck=tucked)]) == 50.0
    assert contacts.tuck_percent([spoken(phones, gap=gap, tuck=0.5 * tucked)]) == 0.0


def test_the_lead_of_a_ramp_is_where_it_crosses_a_quarter() -> None:
    ramp, late = (np.clip((np.arange(20) - first) / 4, 0, 1).astype(np.float32) for first in (5, 9))  # four frames long
    phone = SpokenPhone("UW", 9.5 * 40, 15 * 40)
    assert contacts.rounding_lead_ms(ramp, phone) == pytest.approx(3 * 40)  # a quarter is at frame 6
    assert contacts.rounding_lead_ms(late, phone) == pytest.approx(-40)


def test_lips_that_do_not_round_have_no_lead() -> None:
    phone = SpokenPhone("OW", 200, 300)
    assert contacts.rounding_lead_ms(np.full(12, 0.3, np.float32), phone) == float("-inf")
    assert contacts.rounding_lead_ms(np.ones(12, np.float32), phone) == 200.0  # round from the beginning


def test_rounding_that_was_lost_in_between_begins_anew() -> None:
    twice = curve(0, 1, 1, 0, 0, 0.5, 1, 1, 1)
    assert contacts.rounding_lead_ms(twice, SpokenPhone("UW", 240, 360)) == pytest.approx(240 - 5.0 * 40)


def test_jaws_are_lower_in_open_vowels() -> None:
    phones = [
        SpokenPhone("AA", 0, 40),
        SpokenPhone("IY", 40, 80),
        SpokenPhone("UW", 80, 120),
        SpokenPhone("EH", 120, 160),
    ]
    assert contacts.jaw_order_percent([spoken(phones, jaw=curve(0.9, 0.2, 0.3, 5))]) == 100.0
    assert contacts.jaw_order_percent([spoken(phones, jaw=curve(0.25, 0.2, 0.3, 5))]) == 50.0
    assert contacts.jaw_order_percent([spoken(phones, jaw=curve(1, 1, 1, 1))]) == 50.0


def test_figures_without_tokens_are_left_out() -> None:
    said = [spoken(BAPA, gap=curve(0.3, 0.05, 0.5, 1, 0.5, 0.4, 0.05, 0.5, 1, 0.5))]
    assert [figure.name for figure in contacts.contact_figures("truth.", said, "codes")] == ["truth.closure_percent"]
    assert contacts.contact_figures("truth.", [], "codes") == []


def test_the_table_of_rounding_says_where_lips_do_not_round() -> None:
    phones = [SpokenPhone("OW", 200, 300)]
    flat, round_ = (spoken(phones, protrusion=np.full(12, height, np.float32)) for height in (0.1, 1.0))
    assert contacts.rounding_table([flat], [round_]).rows == (("OW", 1, "not rounded", 0, 200, 100),)
    assert contacts.rounding_table([round_]).rows == (("OW", 1, 200, 100),)
