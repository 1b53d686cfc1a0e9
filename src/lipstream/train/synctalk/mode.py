"""What a dataset says of its features in, a refusal of modes that are not imported out."""

import json
from contextlib import suppress
from pathlib import Path

from lipstream.errors import InputError

MODE = "ave"
FEATURES = {"ave": "aud_ave.npy", "hubert": "aud_hu.npy", "wenet": "aud_wenet.npy"}
DESCRIPTIONS = {"package_info.json": ("onnx", "asr_mode"), "onnx_dist_config.json": ("asr",)}
"""File of a package to where it names its mode."""
MAX_JSON_BYTES = 1 << 20


def check_mode(folder: Path) -> None:
    """Raise InputError if a dataset was prepared in another feature mode than `ave`.

    A checkpoint cannot tell: those of `hubert` have the same shapes.
    """
    for name, path in DESCRIPTIONS.items():
        said = _said(folder / name, path)
        if said is not None and said != MODE:
            raise refusal(said, f"{folder / name} says so")
    there = [mode for mode, name in FEATURES.items() if (folder / name).exists()]
    if there and MODE not in there:
        raise refusal(there[0], f"{folder / FEATURES[there[0]]}")


def refusal(mode: str, why: str) -> InputError:
    """The sentence for another mode; `why` is where it was seen."""
    return InputError(
        f"This is SyncTalk_2D in feature mode {mode[:40]!r} ({why}); only mode 'ave' is imported, whose features "
        "lipstream computes itself: train with --asr ave."
    )


def _said(path: Path, place: tuple[str, ...]) -> str | None:
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        if path.stat().st_size <= MAX_JSON_BYTES:
            found = json.loads(path.read_bytes())
            for key in place:
                found = found[key]
            return found if isinstance(found, str) else None
    return None
