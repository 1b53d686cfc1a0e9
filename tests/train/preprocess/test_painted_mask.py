import numpy as np
from moving_face import face, talk

from lipstream.render.mask import mask_of
from lipstream.train.preprocess.mask import feathered, mask_over, rounded


def test_mouth_and_chin_are_painted_and_eyes_are_not() -> None:
    mask = mask_over(np.stack([face(gap) for gap in talk(40)]))
    assert mask[195, 160] == 255
    assert mask[265, 160] > 200
    assert mask[:100].max() == 0
    left, top, right, bottom = mask_of(mask).box
    assert top > 110
    assert 0 < left < right < 320
    assert bottom <= 320


def test_an_edge_is_soft_and_ends_inside_its_box() -> None:
    soft = feathered(np.full((320, 320), 255, np.uint8), (40, 40, 280, 280))
    assert np.abs(np.diff(soft.astype(int), axis=1)).max() < 25
    assert soft[160, :38].max() == 0
    assert rounded((0, 0, 320, 320), 10)[160, 160] == 255
