import cv2
import numpy as np

from lipstream.video.png import encode_png


def test_a_png_is_the_picture_itself() -> None:
    image = np.random.default_rng(1).integers(0, 256, (30, 50, 3)).astype(np.uint8)
    encoded = encode_png(image)
    assert encoded.startswith(b"\x89PNG")
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR), image)
