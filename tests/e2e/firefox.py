"""The page's address in, a visit to it with Debian's Firefox out, which is driven by its own WebDriver BiDi."""

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from websockets.sync.client import ClientConnection, connect

from lipstream.clock import now_ms
from lipstream.types import Image

PROGRAM, LOUDSPEAKER = "firefox-esr", "pulseaudio"
PATIENCE_S = 60.0
POLL_S = 0.05
SETTINGS = {
    "media.navigator.streams.fake": "true",
    "media.navigator.permission.disabled": "true",
    "media.autoplay.default": "0",
    "media.gmp-manager.updateEnabled": "false",
    "app.update.enabled": "false",
}


@contextmanager
def loudspeaker(folder: Path) -> Iterator[str]:
    """Run a PulseAudio that plays to nobody while the block runs; gives its address.

    Where nothing plays sound, none runs in Firefox.
    """
    socket = folder / "socket"
    modules = ("module-null-sink", f"module-native-protocol-unix socket={socket} auth-anonymous=1")
    options = ("-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1")
    command = (str(shutil.which(LOUDSPEAKER)), *options, *(f"--load={module}" for module in modules))
    own = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with (folder / "said").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=own)  # noqa: S603  our own arguments
        try:
            _wait(process, folder / "said", lambda _: str(socket) if socket.exists() else None)
            yield f"unix:{socket}"
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@contextmanager
def firefox(profile: Path, sound: str, size: tuple[int, int] = (1280, 900), **more: str) -> Iterator["Visit"]:
    """Run Firefox while the block runs.

    Args:
        profile: an empty folder.
        sound: address of what plays it.
        size: of the page, width and height in pixels.
        more: settings, with `__` for a dot.

    Yields:
        Its tab.
    """
    width, height = size
    wanted = {**SETTINGS, **{name.replace("__", "."): value for name, value in more.items()}}
    settings = [f'user_pref("{name}", {value});\n' for name, value in wanted.items()]
    (profile / "user.js").write_text("".join(settings), encoding="ascii")
    environment = {**os.environ, "PULSE_SERVER": sound}
    arguments = ("--headless", f"--width={width}", f"--height={height}", "--profile", str(profile))
    command = (str(shutil.which(PROGRAM)), *arguments, "--remote-debugging-port=0")
    with (profile / "said").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment)  # noqa: S603  our own
        try:
            with connect(_wait(process, profile / "said", _address), max_size=None, proxy=None) as socket:
                visit = Visit(socket)
                visit.begin(width, height)
                yield visit
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _wait(process: "subprocess.Popen[bytes]", said: Path, found: Callable[[str], str | None]) -> str:
    """What is found in what a process said, as soon as it is."""
    deadline_ms = now_ms() + PATIENCE_S * 1000
    while (what := found(said.read_text("utf-8"))) is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
        if process.returncode is not None or now_ms() > deadline_ms:
            raise RuntimeError(f"{process.args!r} is not ready; it said: {said.read_text('utf-8')}")
    return what


def _address(said: str) -> str | None:
    """Of Firefox's WebSocket."""
    line = re.search(r"^WebDriver BiDi listening on (\S+)\n", said, re.MULTILINE)
    return f"{line[1]}/session" if line else None


@dataclass(eq=False)
class Visit:
    """One tab, and what its pages complained of."""

    socket: ClientConnection
    """Of the browser."""
    complaints: list[str] = field(default_factory=list)
    """Errors of scripts, and what the page's policy refused."""
    tab: str = ""
    """Its id."""
    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Of commands."""

    def begin(self, width: int, height: int) -> None:
        """Take the tab that is there."""
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=["log.entryAdded"])
        self.tab = self.command("browsingContext.getTree")["contexts"][0]["context"]
        size = {"width": width, "height": height}
        self.command("browsingContext.setViewport", context=self.tab, viewport=size)

    def command(self, method: str, **parameters: object) -> Any:  # noqa: ANN401  JSON
        """Its result.

        Raises:
            RuntimeError: Firefox refuses.
        """
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (message := json.loads(self.socket.recv(PATIENCE_S))).get("id") != number:
            said = message.get("params", {})
            if said.get("level") == "error":
                self.complaints.append(said["text"])
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def open(self, url: str, before: str = "") -> None:
        """Go there.

        Args:
            url: of the page.
            before: the body of a script that runs before its own.
        """
        self.command("script.addPreloadScript", functionDeclaration=f"() => {{ {before} }}")
        self.command("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def ask(self, expression: str) -> Any:  # noqa: ANN401  JSON
        """What a JavaScript expression gives; a promise is waited for."""
        told = self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self.tab},
            awaitPromise=True,
            userActivation=True,
        )
        if told["type"] == "exception":
            raise RuntimeError(f"{expression}: {told['exceptionDetails']['text']}")
        return json.loads(told["result"].get("value", "null"))

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression holds; the error says what the page said instead."""
        deadline_ms = now_ms() + PATIENCE_S * 1000
        while not self.ask(f"Boolean({condition})"):
            if now_ms() > deadline_ms:
                said = self.ask("['state', 'trouble'].map((id) => document.getElementById(id).innerText)")
                raise AssertionError(f"{condition} did not come about; the page says {said}, {self.complaints}")
            self.ask(f"new Promise((resolve) => setTimeout(resolve, {POLL_S * 1000}))")

    def seen(self, selector: str) -> Image:
        """What is painted where an element is, `[H, W, 3]` uint8 BGR."""
        box = self.ask(f"document.querySelector('{selector}').getBoundingClientRect()")
        clip = {"type": "box", **{name: box[name] for name in ("x", "y", "width", "height")}}
        png = self.command("browsingContext.captureScreenshot", context=self.tab, origin="document", clip=clip)["data"]
        return np.asarray(cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR), np.uint8)
