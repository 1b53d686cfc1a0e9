"""lipstream: audio in, video of a person whose lips follow it out.

import lipstream

avatar = lipstream.load_avatar("iris")
lipstream.render_file("speech.wav", "speech.mp4", avatar)
for frame in lipstream.render(pcm, avatar):  # frame.image is HWC uint8 BGR, frame.audio its 640 samples
    ...
"""

from typing import TYPE_CHECKING

from lipstream import render as _render_layer
from lipstream.errors import LipstreamError

# The function `render` shares its name with a layer. An import binds a layer to its parent once, at the first time, so
# that has now happened, and the name is free for `__getattr__` to give the function.
del _render_layer, globals()["render"]

if TYPE_CHECKING:
    from lipstream.api import Avatar, Frame, load_avatar, render, render_file

__version__ = "0.1.0"
__all__ = ["Avatar", "Frame", "LipstreamError", "__version__", "load_avatar", "render", "render_file"]


def __getattr__(name: str) -> object:
    """Import the engines and codecs at first use: `lipstream --help` shall not wait for them."""
    if name not in __all__:
        raise AttributeError(f"module 'lipstream' has no attribute {name!r}")
    from lipstream import api  # noqa: PLC0415  late on purpose, see above

    value: object = getattr(api, name)
    return value


def __dir__() -> list[str]:
    """Every name, those included that are imported at first use."""
    return sorted({*globals(), *__all__})
