import cv2
import numpy as np
import pytest

from lipstream.errors import AvatarError
from lipstream.render.mask import MARGIN_PIXELS, hide, mask_of, read_mask
from lipstream.types import UInt8


def weights() -> UInt8:
    generated = np.zeros((320, 320), np.uint8)
    generated[200:260, 100:220] = 255
    generated[190:200, 100:220] = 128
    return generated


def test_the_box_holds_every_weight() -> None:
    assert mask_of(weights()).box == (100, 190, 220, 260)


def test_what_is_generated_is_hidden() -> None:
    crop = np.full((320, 320, 3), (50, 100, 201), np.uint8)
    hidden = hide(crop, mask_of(weights()))
    assert hidden[230, 150].tolist() == [0, 0, 0]
    assert hidden[195, 150].tolist() == [0, 0, 0]
    assert hidden[190 - MARGIN_PIXELS, 150].tolist() == [0, 0, 0]
    assert hidden[190 - MARGIN_PIXELS - 1, 150].tolist() == [50, 100, 201]
    assert hidden[100, 150].tolist() == [50, 100, 201]


def test_a_mask_survives_its_file() -> None:
    mask = read_mask(cv2.imencode(".png", weights())[1].tobytes())
    assert np.array_equal(mask.generated, weights())
    assert np.array_equal(mask.visible, mask_of(weights()).visible)


@pytest.mark.parametrize("content", [b"", b"not a picture", cv2.imencode(".png", weights()[:100])[1].tobytes()])
def test_another_picture_is_refused(content: bytes) -> None:
    with pytest.raises(AvatarError, match="320 x 320"):
        read_mask(content)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(AvatarError, match="empty"):
        mask_of(np.zeros((320, 320), np.uint8))
