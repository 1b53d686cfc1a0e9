"""A bundle and its loaded generator in, the face that they make out."""

from typing import Literal, TypeAlias

from lipstream.avatar.bundle import Bundle
from lipstream.render.face import FaceRenderer
from lipstream.render.synctalk import SyncTalkFace
from lipstream.types import Engine

Face: TypeAlias = FaceRenderer | SyncTalkFace
_FACES: dict[Literal["code", "features"], type[FaceRenderer] | type[SyncTalkFace]] = {
    "code": FaceRenderer,
    "features": SyncTalkFace,
}


def face_of(bundle: Bundle, generator: Engine) -> Face:
    """Make the face that an avatar's driver asks for.

    Args:
        bundle: the avatar.
        generator: its generator; see docs/bundle-format.md for its tensors.

    Raises:
        AvatarError: mask or references are damaged.
    """
    return _FACES[bundle.manifest.driver](bundle, generator)
