"""A picture in, the 468 points of the face in it out, in pixels of the picture.

This model never sees our training: it is what the finished pictures are measured with.
"""

import math
from pathlib import Path

import cv2
import numpy as np

from lipstream.runtime import tflite
from lipstream.types import Affine, Engine, Float32, Image
from lipstream.video.face_detector import DetectedFace, detect_faces, detect_small_faces
from lipstream.video.face_models import face_models

INPUT_SIZE = 192
LANDMARK_COUNT = 468
MARGIN = 1.5  # side of the region cut out, in sides of the face's box
LEAST_SCORE = 0.5  # below it, the region holds no face
EYE_CORNERS = (33, 263)  # outer corners: left and right in the picture of an upright face


class FaceLandmarker:
    """Finds the largest face in a picture and its 468 points, every picture for itself: errors do not run on."""

    def __init__(self, detector: Engine, mesh: Engine) -> None:
        """Take the two networks, loaded."""
        self._detector = detector
        self._mesh = mesh

    def detect(self, image: Image) -> Float32 | None:
        """The points of the largest face.

        Args:
            image: `HWC` uint8 BGR, any size.

        Returns:
            `[468, 3]` float32: x, y in pixels of the picture (pixel centres at integers), z in the same unit, smaller
            nearer to the camera; None where there is no face.
        """
        faces = detect_faces(image, self._detector)
        if not faces:
            return None
        face = max(faces, key=lambda found: float(np.prod(found.box[2:] - found.box[:2])))
        points = self._points(image, region_of_detection(face))
        # A second look, cut out by the first one's points: the detector's box jumps with its anchors.
        return None if points is None else self._points(image, region_of_points(points))

    def detect_all(self, image: Image, near: Float32 | None = None) -> list[Float32]:
        """The points of every face, surest first.

        Args:
            image: `HWC` uint8 BGR, any size.
            near: points of a face in the picture before, `[468, 3]`; it is looked for there too, for the detector
                overlooks small and turned faces.

        Returns:
            `[468, 3]` float32 of each, as `detect` gives them.
        """
        regions = [region_of_detection(face) for face in detect_small_faces(image, self._detector)]
        if not regions and near is not None:
            regions = [region_of_points(near)]
        first = [points for region in regions if (points := self._points(image, region)) is not None]
        second = [self._points(image, region_of_points(points)) for points in first]
        return [points for points in second if points is not None]

    def _points(self, image: Image, to_region: Affine) -> Float32 | None:
        found = self._mesh.run({"input_1": cut_region(image, to_region)})
        logit = float(found["conv2d_31"].reshape(-1)[0])
        if 1.0 / (1.0 + math.exp(-logit)) < LEAST_SCORE:
            return None
        return points_in_picture(found["conv2d_21"].reshape(LANDMARK_COUNT, 3), to_region)


def load_landmarker(models: Path | None = None) -> FaceLandmarker:
    """Load the two face models, fetching them into the user's cache if need be.

    Args:
        models: a folder that holds them; None: the user's cache.

    Raises:
        InputError: they are missing, damaged or cannot be fetched.
        EngineError: they do not load.
    """
    found = face_models(models)
    return FaceLandmarker(tflite.load(found.detector), tflite.load(found.mesh))


def region_of_detection(face: DetectedFace) -> Affine:
    """Picture → 192 x 192 region round a detected face, upright by its eyes, `[2, 3]` float32."""
    centre: Float32 = face.box.reshape(2, 2).mean(axis=0, dtype=np.float32)
    size = face.box[2:] - face.box[:2]
    return _region(centre, float(size.max()), face.eyes[1] - face.eyes[0])


def region_of_points(points: Float32) -> Affine:
    """Picture → 192 x 192 region round a face's points `[468, 3]`, upright by its eyes, `[2, 3]` float32."""
    flat = points[:, :2]
    across = flat[EYE_CORNERS[1]] - flat[EYE_CORNERS[0]]
    along = across / max(float(np.linalg.norm(across)), 1e-6)
    axes = np.stack([along, np.array([-along[1], along[0]], np.float32)], axis=1)
    upright = flat @ axes
    low, high = upright.min(axis=0), upright.max(axis=0)
    return _region((axes @ ((low + high) / 2)).astype(np.float32), float((high - low).max()), across)


def _region(centre: Float32, side_px: float, across: Float32) -> Affine:
    scale = INPUT_SIZE / max(side_px * MARGIN, 1.0)
    angle = math.atan2(float(across[1]), float(across[0]))
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]], np.float32)
    shift = np.float32((INPUT_SIZE - 1) / 2) - turn @ centre
    return np.concatenate([turn, shift[:, None]], axis=1).astype(np.float32)


def cut_region(image: Image, to_region: Affine) -> Float32:
    """The region as the mesh network takes it, `[1, 192, 192, 3]` float32 RGB in 0..1, black outside the picture.

    A large face is cut out at a whole multiple of the size and averaged down: reading every third pixel would make
    the points tremble.
    """
    shrink = 1.0 / max(float(np.hypot(to_region[0, 0], to_region[0, 1])), 1e-6)
    times = min(max(1, math.ceil(shrink - 0.25)), 8)
    enlarge = np.array([[times, 0, (times - 1) / 2], [0, times, (times - 1) / 2]], np.float32)
    fine = enlarge[:, :2] @ to_region
    fine[:, 2] += enlarge[:, 2]
    side = INPUT_SIZE * times
    cut = cv2.warpAffine(image, fine, (side, side), flags=cv2.INTER_LINEAR)
    if times > 1:
        cut = cv2.resize(cut, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cut[None, :, :, ::-1].astype(np.float32) / 255.0)


def points_in_picture(points: Float32, to_region: Affine) -> Float32:
    """Carry the network's points `[468, 3]`, in pixels of the region, back into the picture."""
    turn = to_region[:, :2].astype(np.float64)
    flat = (points[:, :2] - to_region[:, 2]) @ np.linalg.inv(turn).T
    depth = points[:, 2:] / math.sqrt(abs(float(np.linalg.det(turn))))
    return np.concatenate([flat, depth], axis=1).astype(np.float32)
