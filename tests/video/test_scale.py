import numpy as np
import pytest

from lipstream.video.scale import shrink, size_within


@pytest.mark.parametrize(
    ("size", "most_width", "found"),
    [
        ((1280, 720), None, (1280, 720)),
        ((1280, 720), 1280, (1280, 720)),
        ((640, 480), 1280, (640, 480)),
        ((1280, 720), 640, (640, 360)),
        ((1280, 720), 333, (332, 188)),
        ((720, 1280), 64, (64, 114)),
        ((4000, 2), 64, (64, 2)),
    ],
)
def test_a_picture_keeps_its_shape_and_even_sides(
    size: tuple[int, int], most_width: int | None, found: tuple[int, int]
) -> None:
    assert size_within(*size, most_width) == found


def test_a_picture_is_made_smaller_or_left_as_it_is() -> None:
    image = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    assert shrink(image, 8, 8) is image
    assert shrink(image, 4, 2).shape == (2, 4, 3)
    assert shrink(np.full((8, 8, 3), 77, np.uint8), 4, 4).tolist() == [[[77] * 3] * 4] * 4
