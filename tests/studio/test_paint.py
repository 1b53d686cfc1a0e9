"""What colours iris: shares between 0 and 1, in the right places, and pictures without a seam."""

import numpy as np

from studio.makehuman import Mesh
from studio.paint import cornea, front, grain, paint, room

LIPS, CHEEK, CHIN, NAPE = (0.0, 5.92, 1.38), (0.46, 6.36, 1.1), (0.0, 5.5, 1.2), (0.0, 6.0, -0.4)


def test_lips_cheeks_and_lids() -> None:
    shares = paint(np.array([LIPS, CHEEK, CHIN, NAPE]))
    assert all(share.min() >= 0 and share.max() <= 1 for share in shares.values())
    assert shares["mouth"][0] == 1
    assert shares["blush"][1] > 0.9
    assert all(share[3] == 0 for share in shares.values())


def test_light_reaches_the_front_of_the_mouth() -> None:
    throat, incisor = front(np.array([[0, 5.9, 0.6], [0, 5.9, 1.3]]))
    assert (throat, incisor) == (0, 1)


def test_grain_tiles() -> None:
    tile = grain()
    assert 0 <= tile.min() < tile.max() <= 1
    seam, inside = abs(tile[:, 0] - tile[:, -1]).mean(), abs(np.diff(tile, axis=1)).mean()
    assert seam < 2 * inside


def test_room_is_lit_from_her_right() -> None:
    picture = room()
    assert picture.min() >= 0
    assert picture[:, :20].mean() > picture[:, 100:150].mean()


def test_cornea_is_the_foremost_shell_of_each_eye() -> None:
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]])
    shells = np.concatenate([triangle + np.array([x, 0, z]) for x in (-3, 3) for z in (0.0, 0.5)])
    mesh = Mesh(shells, np.zeros((0, 2)), [[3 * k, 3 * k + 1, 3 * k + 2] for k in range(4)], [[0, 0, 0]] * 4)
    assert cornea(mesh).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]
