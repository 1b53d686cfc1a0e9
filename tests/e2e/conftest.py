"""What tests in a browser share: a server of the tiny avatar, for Debian's Chromium or any other."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason='needs pip install ".[dev]"')

from benchmarks.browser import serving

ASSETS = Path(__file__).parents[1] / "assets"


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """URL of the page."""
    with serving(ASSETS, "tiny") as address:
        yield address


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """Of the page, where Chromium is there to see it."""
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium (apt-get install chromium)")
    return str(request.getfixturevalue("served"))
