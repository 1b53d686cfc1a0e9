"""A folder of avatars in, a server of them and a browser that records what is seen and heard on its page out."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from lipstream.clock import now_ms

PATIENCE_MS = 60_000
POLL_MS = 50
RECORDER = Path(__file__).with_name("recorder.js")
COMMAND = """
import sys
from pathlib import Path
from lipstream.avatar import registry
from lipstream.cli import main
folder = Path(sys.argv.pop(1))
if (folder / "speech").is_dir():
    registry.ASSETS = folder
main.run()
"""


@contextmanager
def serving(folder: Path, avatar: str, *arguments: str) -> Iterator[str]:
    """Serve a folder's avatars while the block runs.

    Args:
        folder: with `avatars/NAME`, and `speech` where the package's own networks are not to be used.
        avatar: loaded before it is ready.
        arguments: more of `lipstream serve`.

    Yields:
        The URL of its page.
    """
    command = [sys.executable, "-c", COMMAND, str(folder), "serve", "--http-port", "0", "--grpc-port", "0"]
    environment = {**os.environ, "LIPSTREAM_HOME": str(folder), "LIPSTREAM_LIVE__MAX_SESSIONS": "4"}
    with subprocess.Popen(  # noqa: S603  our own interpreter and arguments
        [*command, "--preload", avatar, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as server:
        try:
            yield _address(server)
        finally:
            server.terminate()
            try:
                server.wait(PATIENCE_MS / 1000)
            except subprocess.TimeoutExpired:
                server.kill()
                raise


def _address(server: "subprocess.Popen[str]") -> str:
    """Where it listens, once it is ready."""
    address = ""
    for line in server.stdout or ():
        if line.startswith("listening: http"):
            address = line.split()[1]
        if line.startswith("ready"):
            return f"{address}/"
    raise RuntimeError(f"the server ended with {server.wait()}")


@contextmanager
def browsing(
    url: str, *, microphone: Path | None = None, record: bool = True, ready: str = ".avatar img"
) -> Iterator["Visit"]:
    """Open the page in Debian's Chromium while the block runs.

    Args:
        url: of the page.
        microphone: a WAV that it hears, again and again; None: a beep.
        record: whether what is seen and heard is recorded, which needs a page without its security policy.
        ready: what is there once the page has asked the server.
    """
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        *([f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []),
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        context = browser.new_context(viewport={"width": 900, "height": 700}, bypass_csp=record)
        context.set_default_timeout(PATIENCE_MS)
        if record:
            context.add_init_script(path=RECORDER)
        visit = Visit(context.new_page(), [])
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visit.page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
        visit.page.goto(url)
        visit.page.wait_for_selector(ready)
        try:
            yield visit
        finally:
            visit.page.close()  # so that it gives its place back, as a closed tab does
            browser.close()


@dataclass(frozen=True, eq=False)
class Visit:
    """A visitor's page."""

    page: Page
    """It."""
    complaints: list[str]
    """Errors of its scripts, and what its policy refused."""

    @property
    def browser_version(self) -> str:
        """Of Chromium."""
        browser = self.page.context.browser
        return browser.version if browser else ""

    def options(self, *, way: str, **switches: bool) -> None:
        """Set options by their ids."""
        self.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        self.page.select_option("#way", way)
        for name, on in switches.items():
            self.page.set_checked(f"#{name}", on)

    def watch(self, mouth: Sequence[float]) -> None:
        """Record the brightness of a part of the pictures: left, top, right, bottom, in shares of them."""
        box = dict(zip(("left", "top", "right", "bottom"), mouth, strict=True))
        self.page.evaluate("(box) => { recorded.mouth = box; recorded.seen.length = 0 }", box)

    def recorded(self) -> dict[str, Any]:
        """What was recorded so far."""
        return dict(self.page.evaluate("recorded"))

    def wait(self, condition: str, seconds: float = PATIENCE_MS / 1000) -> None:
        """Wait until a JavaScript expression holds; the error says what the page said instead."""
        deadline_ms = now_ms() + seconds * 1000
        while not self.page.evaluate(condition):  # Playwright's own way would evaluate text, which the policy refuses
            if now_ms() > deadline_ms:
                said = self.page.inner_text("#state-text"), self.page.text_content("#trouble"), self.complaints
                raise AssertionError(f"{condition} did not come about; the page says {said}")
            self.page.wait_for_timeout(POLL_MS)
