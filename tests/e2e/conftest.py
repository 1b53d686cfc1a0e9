"""What tests in a browser share: a server of the tiny avatar, for Debian's Chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason='needs pip install ".[dev]"')

from benchmarks.browser import serving

ASSETS = Path(__file__).parents[1] / "assets"


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Of the page."""
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium (apt-get install chromium)")
    with serving(ASSETS, "tiny") as address:
        yield address
