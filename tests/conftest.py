"""What tests of several layers share: the tiny avatar, some speech, and commands in a process of their own."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest
from fakes import Start, write_wav

from lipstream.audio.read import read_pcm
from lipstream.avatar import registry
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.types import Pcm

ASSETS = Path(__file__).parent / "assets"

COMMAND = f"""
import faulthandler; faulthandler.enable()
import resource, sys
from pathlib import Path
from lipstream.avatar import registry
from lipstream.cli import main, progress
registry.ASSETS = Path({str(ASSETS)!r})
progress.LINE_EVERY_MS = 0
if limit := int(sys.argv.pop(1)):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main.run()
"""


@pytest.fixture(scope="session")
def tiny_path() -> Path:
    return ASSETS / "avatars" / "tiny"


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Avatar:
    return open_avatar(tiny_path, ASSETS / "speech", engine="openvino")


@pytest.fixture(scope="session")
def hello() -> Pcm:
    """Two seconds and a bit of speech, the 52nd frame not full: `[33000]` float32."""
    return np.ascontiguousarray(read_pcm(ASSETS.parents[1] / "examples" / "hello.wav")[8_000:41_000])


@pytest.fixture(scope="session")
def hello_path(hello: Pcm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "hello.wav"
    write_wav(path, hello)
    return path


@pytest.fixture(scope="session")
def minute_path(hello: Pcm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of speech."""
    path = tmp_path_factory.mktemp("speech") / "minute.wav"
    write_wav(path, np.resize(hello, 60 * 16_000))
    return path


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Pytest's own, one handler for all tests: an exporter, which raises every handler's level, makes it deaf."""
    caplog.handler.setLevel(logging.NOTSET)
    return caplog


@pytest.fixture
def tiny_speech(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands in this process use the tiny speech networks, know no avatar by name and leave no log handler."""
    monkeypatch.setattr(registry, "ASSETS", ASSETS)
    monkeypatch.setenv("LIPSTREAM_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("LIPSTREAM_LOG", raising=False)
    logger = logging.getLogger("lipstream")
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers = handlers
    logger.setLevel(level)


@pytest.fixture
def start(tiny_speech: None) -> Start:  # noqa: ARG001  sets the environment that the process inherits
    """Start a command in a process of its own, which tells of every frame and may write no file beyond a size."""

    def start(*arguments: str | Path, file_limit_bytes: int = 0) -> "Popen[str]":
        command = [sys.executable, "-c", COMMAND, str(file_limit_bytes), *map(str, arguments)]
        return Popen(command, stdout=PIPE, stderr=PIPE, text=True)  # noqa: S603  our own interpreter and arguments

    return start
