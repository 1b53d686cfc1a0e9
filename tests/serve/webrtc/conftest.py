from collections.abc import Iterator
from pathlib import Path

import pytest
from http_site import Site, site

from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections use the loopback address alone, which every machine has."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made
