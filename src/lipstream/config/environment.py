"""The environment in, one frozen configuration out, composed once at the edge."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from lipstream.errors import InputError

LogLevel = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Config:
    """What the environment decides; a flag of a command beats it."""

    home: Path
    """LIPSTREAM_HOME: the folder that holds installed avatars, in `avatars/NAME`."""
    log: LogLevel = "warning"
    """LIPSTREAM_LOG: least severe log level shown; `debug` also shows the traceback of a failure."""


def read_config(environment: Mapping[str, str]) -> Config:
    """Compose the configuration.

    Args:
        environment: normally `os.environ`; an empty value counts as unset.

    Raises:
        InputError: a variable has a value that is not allowed.
    """
    log = environment.get("LIPSTREAM_LOG", "").lower() or "warning"
    if log not in get_args(LogLevel):
        raise InputError(f"LIPSTREAM_LOG is {log!r}, expected one of {', '.join(get_args(LogLevel))}.")
    home = environment.get("LIPSTREAM_HOME")
    try:
        folder = Path(home).expanduser() if home else _data_folder(environment)
    except RuntimeError as error:  # ~nobody
        raise InputError(f"The folder of installed avatars is unknown ({error}); set LIPSTREAM_HOME.") from error
    return Config(folder, cast("LogLevel", log))


def _data_folder(environment: Mapping[str, str]) -> Path:
    """The user's data folder by the XDG base directory rules."""
    if os.name == "nt":
        return Path(environment.get("LOCALAPPDATA", "~")).expanduser() / "lipstream"
    return Path(environment.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "lipstream"
