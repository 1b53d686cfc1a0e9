"""BGR pictures in, limited-range 4:2:0 out for the encoder, BT.709 unless told; and back from what a decoder gives.

OpenCV's own conversion is BT.601, and swscale's fast paths darken every pass by one level; a matrix and a resize take
0.2 ms for 720 x 720, as long as the former, and are right to half a level.
"""

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from lipstream.errors import MediaError
from lipstream.types import Float32, Image

_BT709 = (0.2126, 0.0722)  # weights of red and blue in the luma, ITU-R BT.709
_BT601 = (0.299, 0.114)
_WEIGHTS = {int(Colorspace.ITU601): _BT601, 6: _BT601}  # 5 is PAL's BT.601, 6 NTSC's: the same matrix


def _matrix(weights: tuple[float, float], *, limited: bool) -> Float32:
    """`[3, 4]` float32 from BGR to YUV, both 0 to 255, offsets in the last column."""
    red, blue = weights
    green = 1.0 - red - blue
    luma = np.array([blue, green, red])
    rows = np.stack([luma, (np.array([1, 0, 0]) - luma) / (2 - 2 * blue), (np.array([0, 0, 1]) - luma) / (2 - 2 * red)])
    spans, offsets = ((219, 224, 224), (16, 128, 128)) if limited else ((255, 255, 255), (0, 128, 128))
    return np.column_stack([rows * np.array(spans)[:, None] / 255, offsets]).astype(np.float32)


def _inverse(matrix: Float32) -> Float32:
    back = np.linalg.inv(matrix[:, :3].astype(np.float64))
    return np.column_stack([back, -back @ matrix[:, 3]]).astype(np.float32)


_TO_YUV = {
    Colorspace.ITU709: _matrix(_BT709, limited=True),
    Colorspace.ITU601: _matrix(_BT601, limited=True),
}
_TO_BGR = {
    (weights, limited): _inverse(_matrix(weights, limited=limited))
    for weights in (_BT709, _BT601)
    for limited in (True, False)
}


def to_video_frame(image: Image, colorspace: Colorspace = Colorspace.ITU709) -> av.VideoFrame:
    """Convert a picture for the encoder.

    Args:
        image: `HWC` uint8 BGR, width and height even.
        colorspace: ITU709, or ITU601 for formats that know no other.

    Returns:
        A yuv420p frame, limited range, tagged with its colour space.
    """
    height, width = image.shape[:2]
    planes = np.empty((height * 3 // 2, width), np.uint8)
    half = (width // 2, height // 2)
    luma, blue, red = cv2.split(cv2.transform(image, _TO_YUV[colorspace]))
    planes[:height] = luma
    chroma = planes[height:].reshape(2, half[1], half[0])
    cv2.resize(blue, half, dst=chroma[0], interpolation=cv2.INTER_AREA)
    cv2.resize(red, half, dst=chroma[1], interpolation=cv2.INTER_AREA)
    # Not from_numpy_buffer: it saves this copy, but cuts heights that are no multiple of 4.
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.colorspace, frame.color_range = colorspace, ColorRange.MPEG
    return frame


def tag_bt709(context: av.VideoCodecContext) -> None:
    """Let an encoder say of its stream what `to_video_frame` makes."""
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709


def to_image(frame: av.VideoFrame) -> Image:
    """Convert a decoded picture, by the matrix and range that it is tagged with; BT.709 limited where it is not.

    Args:
        frame: yuv420p or yuvj420p, width and height even.

    Returns:
        `HWC` uint8 BGR.

    Raises:
        MediaError: the frame has another pixel format.
    """
    if frame.format.name not in ("yuv420p", "yuvj420p") or frame.width % 2 or frame.height % 2:
        raise MediaError(
            f"The video has {frame.width} x {frame.height} pixels as {frame.format.name}, "
            "expected even sizes and yuv420p: encode it again."
        )
    size = (frame.width, frame.height)
    planes = frame.to_ndarray()
    chroma = planes[frame.height :].reshape(2, frame.height // 2, frame.width // 2)
    full = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in chroma]
    limited = frame.format.name == "yuv420p" and frame.color_range != ColorRange.JPEG
    matrix = _TO_BGR[_WEIGHTS.get(frame.colorspace, _BT709), limited]
    return np.asarray(cv2.transform(cv2.merge([planes[: frame.height], *full]), matrix), np.uint8)
