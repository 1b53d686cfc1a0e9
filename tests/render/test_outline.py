import numpy as np

from lipstream.render.outline import SOFT_PIXELS, inside

SQUARE = np.array([[100, 120], [200, 120], [200, 260], [100, 260], [150, 190]], np.float32)


def test_all_shows_inside_the_hull_and_nothing_outside_of_it() -> None:
    weight, far = inside(SQUARE), int(3 * SOFT_PIXELS)
    assert (weight[120 + far : 260 - far, 100 + far : 200 - far] == 255).all()
    weight[120 - far : 260 + far, 100 - far : 200 + far] = 0
    assert not weight.any()


def test_its_edge_is_soft_and_lies_where_the_hull_does() -> None:
    row = inside(SQUARE)[190].astype(int)
    assert abs(row[100] - 128) < 12
    assert (np.diff(row[80:120]) >= 0).all()
    assert np.diff(row[80:120]).max() < 20


def test_a_face_that_has_left_the_crop_shows_nothing() -> None:
    assert not inside(SQUARE + 1000).any()
    assert not inside(SQUARE - 1e6).any()
