"""The tiny avatar as a subject."""

from pathlib import Path

import pytest
from drawn_face import DrawnFaceFinder

from lipstream.evaluate.faces import Subject, load_subject

ASSETS = Path(__file__).parents[1] / "assets"


@pytest.fixture(scope="session")
def subject() -> Subject:
    return load_subject(ASSETS / "avatars" / "tiny", ASSETS / "speech", DrawnFaceFinder())
