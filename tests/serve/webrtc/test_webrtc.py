import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from http_site import Site, site

pytest.importorskip("aiortc", reason='needs pip install ".[webrtc]"')

from callers import Microphone, caller, calling

from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.types import Pcm

SDP = {"content-type": "application/sdp"}
MOUTH = np.s_[84:100, 56:72]
"""Of the tiny avatar's pictures."""


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections use the loopback address alone, which every machine has."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


@pytest.fixture
def speech(hello: Pcm) -> Microphone:
    return Microphone(np.repeat(hello, 3))


def test_a_talker_sees_a_mouth_that_moves_and_hears_what_it_says(tiny_site: Site, hello: Pcm) -> None:
    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(Microphone(np.repeat(hello, 3)), avatar="tiny")
            await talker.until(lambda: talker.said("speaking"))
            seen = len(talker.pictures)
            await talker.until(lambda: len(talker.pictures) >= seen + 25)
            mouths = [one.to_ndarray(format="gray")[MOUTH].mean() for one in talker.pictures]
            assert max(mouths) - min(mouths) > 5
            await talker.until(lambda: any(np.abs(one.to_ndarray()).max() > 1000 for one in talker.sounds))
            talker.channel.send('{"type": "interrupt"}')
            await talker.until(lambda: talker.said("interrupted"))
            (started,) = [one for one in talker.told if one["type"] == "started"]
            assert (started["session"], started["width"], started["picture"]) == (talker.session, 128, "h264")
            assert await talker.hang_up() == 200
            await talker.until(lambda: talker.peer.connectionState == "closed")
            assert await talker.hang_up() == 404

    asyncio.run(test())
