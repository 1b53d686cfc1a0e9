from dataclasses import replace

import numpy as np
import pytest
from drawn_face import no_progress

from lipstream.evaluate.faces import Subject
from lipstream.evaluate.seam import (
    Edge,
    gradient_times,
    measure_seam,
    rest_figures,
    rings,
    seam_gradient,
    second_differences,
    speaking_figures,
)
from lipstream.render.face import FaceRenderer
from lipstream.types import Float32, Image

SIDE = 160
WEIGHT = np.zeros((SIDE, SIDE), np.float32)
WEIGHT[40:120, 40:120] = 1.0
RNG = np.random.default_rng(1)


def edge_of(gradient: float, seam: float = 1.0, mouth: float = 1.0) -> Edge:
    return Edge(np.full(4, gradient, np.float32), seam, mouth)


def test_rings_lie_around_the_masks_edge() -> None:
    parts = rings(WEIGHT)
    assert parts.seam[40, 80]
    assert parts.seam[38, 80]
    assert not parts.seam[80, 80]
    assert parts.beside[50, 80]
    assert parts.beside[30, 80]
    assert not parts.beside[40, 80]
    assert not parts.beside[5, 80]
    assert not (parts.seam & parts.beside).any()
    np.testing.assert_array_equal(parts.mouth, WEIGHT > 0.5)


def test_a_step_on_the_masks_edge_is_a_seam() -> None:
    parts = rings(WEIGHT)
    skin = RNG.integers(100, 130, (SIDE, SIDE)).astype(np.uint8)
    stepped = (skin + 40 * (WEIGHT > 0.5)).astype(np.uint8)
    assert seam_gradient(skin, parts) == pytest.approx(1.0, abs=0.05)
    assert seam_gradient(stepped, parts) > 1.2
    smeared = np.where(parts.seam, 115, skin).astype(np.uint8)
    assert seam_gradient(smeared, parts) < 0.9
    assert seam_gradient(np.full((SIDE, SIDE), 9, np.uint8), parts) == 0.0


def test_only_frames_that_follow_each_other_count() -> None:
    values = np.arange(6, dtype=np.uint8).reshape(6, 1) ** 2
    np.testing.assert_array_equal(second_differences(values, [0, 1, 2, 3, 4, 5]), np.full((4, 1), 2.0))
    assert len(second_differences(values, [0, 1, 2, 7, 8, 9])) == 2
    assert len(second_differences(values[:2], [0, 1])) == 0


def test_figures_are_against_the_untouched() -> None:
    values = {figure.name: figure for figure in [*rest_figures(edge_of(1.2), edge_of(1.0, 2.0, 4.0))]}
    assert values["seam.rest_gradient_times"].value == pytest.approx(1.2)
    assert values["seam.rest_gradient_times"].passes is False
    assert values["seam.rest_flicker_times"].value == pytest.approx(0.5)
    assert values["seam.rest_mouth_flicker_times"].value == pytest.approx(0.25)
    speaking = {figure.name: figure for figure in speaking_figures(edge_of(0.8), edge_of(0.8))}
    assert speaking["seam.gradient_times"].passes is True
    assert gradient_times(edge_of(0.7), edge_of(1.0)) == pytest.approx(0.7)


class Framed(FaceRenderer):
    """A face whose mouth is paler than the skin around it."""

    def compose(self, image: Image, index: int, patch: Float32, share: float = 1.0) -> None:
        """Paint it paler."""
        super().compose(image, index, np.minimum(patch + np.float32(0.25), 1), share)


def test_a_pale_mouth_shows_its_seam(subject: Subject) -> None:
    usual = {figure.name: figure.value for figure in measure_seam(subject, None, no_progress).figures}
    assert usual["seam.rest_gradient_times"] == pytest.approx(1.0, abs=0.1)
    face = subject.avatar.face
    pale = Framed.__new__(Framed)
    pale.__dict__.update(face.__dict__)
    framed = replace(subject, avatar=replace(subject.avatar, face=pale))
    found = {figure.name: figure.value for figure in measure_seam(framed, None, no_progress).figures}
    assert found["seam.rest_gradient_times"] > usual["seam.rest_gradient_times"] + 0.1
    assert "seam.gradient_times" not in found
