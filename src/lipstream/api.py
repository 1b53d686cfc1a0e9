"""What `import lipstream` offers, loaded at the first use of any of it, so that the import itself is quick."""

import os
from pathlib import Path

from lipstream.avatar.registry import find, speech_folder
from lipstream.config import read_config
from lipstream.pipeline.arguments import check_path, check_word
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.pipeline.offline import render, render_file
from lipstream.types import Frame

__all__ = ["Avatar", "Frame", "load_avatar", "render", "render_file"]


def load_avatar(name_or_path: str | Path, *, engine: str = "auto", quality: str = "auto") -> Avatar:
    """Load an avatar and the networks that make it speak.

    Args:
        name_or_path: a built-in or installed avatar's name, or the path of a bundle's folder or `.avatar` file.
        engine: `openvino`, `onnx` or `torch`; `auto` takes the first that works here.
        quality: `low`, `medium` or `high`; `auto` is medium. One that the avatar lacks is replaced, with a warning.

    Returns:
        The avatar, for `render` and `render_file`.

    Raises:
        AvatarNotFoundError: there is no such avatar.
        AvatarVersionError: it is of a newer format.
        AvatarError: it is damaged or malformed.
        EngineError: no engine, or not the one asked for, runs it.
        InputError: an argument is of another type, there is no such quality, or the environment is set wrongly.
    """
    check_word(engine, "engine")
    check_word(quality, "quality")
    named = check_path(name_or_path, "avatar", "a name such as 'iris', or the path of a bundle")
    path = find(named, read_config(os.environ).home)
    return open_avatar(path, speech_folder(), engine=engine, quality=quality)
