import cv2
import numpy as np
import pytest

from lipstream.errors import AvatarError
from lipstream.render.reference import nearest, read_references

REFERENCES = np.array([[-10, 0, 0], [0, 0, 0], [10, 5, 0]], np.float32)


def test_the_nearest_pose_is_chosen() -> None:
    poses = np.array([[-9, 0, 0], [2, 0, 1], [8, 8, 0], [-5.1, 0, 0]], np.float32)
    assert nearest(poses, REFERENCES) == [0, 1, 2, 0]


def test_crops_are_stacked_from_the_top() -> None:
    stack = np.repeat(np.arange(3, dtype=np.uint8), 320)[:, None, None] * np.ones((1, 320, 3), np.uint8)
    crops = read_references(cv2.imencode(".png", stack)[1].tobytes(), 3)
    assert [(crop.shape, int(crop.max()), int(crop.min())) for crop in crops] == [
        ((320, 320, 3), k, k) for k in range(3)
    ]


@pytest.mark.parametrize("content", [b"", b"not a picture", cv2.imencode(".png", np.zeros((320, 320, 3)))[1].tobytes()])
def test_another_number_of_crops_is_refused(content: bytes) -> None:
    with pytest.raises(AvatarError, match="320 x 640"):
        read_references(content, 2)
