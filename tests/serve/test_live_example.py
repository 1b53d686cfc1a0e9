"""The example of the native stream against a server that listens."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from http_site import site

from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.serve.http.app import http_app
from lipstream.serve.web import HttpServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "live_client.py"
PATIENCE_S = 60
Run = Callable[[Path, Path, str], str]


@pytest.fixture
def run(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Run]:
    """Run the example; returns what it told."""
    with site(core, avatars, tiny_path) as made:

        async def visit(*arguments: str | Path) -> str:
            server = HttpServer(lambda _: http_app(made.parts), "127.0.0.1", 0)
            await server.start()
            command: list[str | Path] = [sys.executable, EXAMPLE, *arguments, f"127.0.0.1:{server.port}", "file"]
            example = await asyncio.create_subprocess_exec(*command, stderr=PIPE)
            async with asyncio.timeout(PATIENCE_S):
                _, told = await example.communicate()
            await server.drain(1)
            return told.decode()

        yield lambda audio, out, avatar: asyncio.run(visit(audio, out, avatar))


def test_an_avatar_that_is_not_there_is_told_in_words(run: Run, hello_path: Path, tmp_path: Path) -> None:
    told = run(hello_path, tmp_path / "out.mp4", "nobody")
    assert "There is no avatar 'nobody'" in told
    assert "Traceback" not in told


def test_a_wav_becomes_a_video(run: Run, hello_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    told = run(hello_path, out, "tiny")
    assert '"type":"ended"' in told.splitlines()[-1]
    with av.open(str(out)) as file:
        assert len([*file.decode(video=0)]) == 52
    with av.open(str(out)) as file:
        assert sum(frame.samples for frame in file.decode(audio=0)) >= 52 * 640
