import asyncio
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from http_site import Site, Visit

pytest.importorskip("aiortc", reason='needs pip install ".[webrtc]"')

from aiortc import RTCPeerConnection
from callers import OFFER, PATIENCE_S, SDP, Caller, Microphone, caller, calling
from starlette.types import Message

from lipstream.pipeline.session import FROM_MICROPHONE, StreamFrame
from lipstream.serve.live.opening import Opening
from lipstream.serve.webrtc.coding import Coder
from lipstream.serve.webrtc.peer import Peer
from lipstream.serve.webrtc.settings import DEFAULT_SETTINGS
from lipstream.types import Pcm

MOUTH = np.s_[84:100, 56:72]
"""Of the tiny avatar's pictures."""


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """Index and codecs of every frame that is coded."""
    frames = []
    code = Coder.code

    def counting(coder: Coder, frame: StreamFrame, codecs: set[str], keys: set[str]) -> object:
        frames.append((frame.index, tuple(sorted(codecs))))
        return code(coder, frame, codecs, keys)

    monkeypatch.setattr(Coder, "code", counting)
    return frames


def moves(one: Caller) -> bool:
    mouths = [picture.to_ndarray(format="gray")[MOUTH].mean() for picture in one.pictures]
    return bool(mouths) and max(mouths) - min(mouths) > 5


def is_heard(one: Caller) -> bool:
    return any(np.abs(sound.to_ndarray()).max() > 1000 for sound in one.sounds)


def test_a_talker_sees_a_mouth_that_moves_and_hears_what_it_says(tiny_site: Site, hello: Pcm) -> None:
    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(Microphone(np.repeat(hello, 3)), avatar="tiny")
            await talker.until(lambda: moves(talker) and is_heard(talker) and talker.said("speaking"))
            talker.channel.send('{"type": "interrupt"}')
            await talker.until(lambda: talker.said("interrupted"))
            (started,) = [one for one in talker.told if one["type"] == "started"]
            assert (started["session"], started["width"], started["picture"]) == (talker.session, 128, "h264")
            assert await talker.hang_up() == 200
            await talker.until(lambda: talker.peer.connectionState == "closed")
            assert await talker.hang_up() == 404
            tasks = asyncio.all_tasks()
        assert not [one for one in tasks if "webrtc/connections" in repr(one)]

    asyncio.run(test())


def test_viewers_share_one_encode_and_leave_when_the_speaker_does(
    tiny_site: Site, coded: list[tuple[int, tuple[str, ...]]]
) -> None:
    async def test() -> None:
        two = tiny_site.but(webrtc=replace(DEFAULT_SETTINGS, max_viewers=2))
        async with calling(two.app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny", echo="0")
            await talker.until(lambda: len(talker.pictures) >= 3)
            async with caller(client) as first, caller(client) as second:
                await first.watch(talker.session)
                await second.watch(talker.session)
                await first.until(lambda: len(first.pictures) >= 3)
                await second.until(lambda: len(second.pictures) >= 3)
                full = await client.post(f"/v1/whep/{talker.session}", content=OFFER, headers=SDP)
                assert (full.status_code, full.headers["retry-after"]) == (503, "1")
                assert two.parts.live.floor().viewers == 2
                assert await first.hang_up() == 200
                assert await talker.hang_up() == 200
                await second.until(lambda: second.peer.connectionState == "closed")
        assert not is_heard(talker)
        assert tiny_site.parts.live.floor().viewers == 0

    asyncio.run(test())
    assert [index for index, _ in coded] == list(range(coded[0][0], coded[0][0] + len(coded)))
    assert {codecs for _, codecs in coded} == {("H264",)}


def test_a_session_of_another_transport_is_watched_too(tiny_site: Site) -> None:
    async def test() -> None:
        opening = Opening("tiny", FROM_MICROPHONE, "somebody", "websocket")
        async with calling(tiny_site.app) as client, caller(client) as viewer:
            async with tiny_site.parts.live.open(opening) as session:

                async def take() -> None:
                    async for _ in session:
                        pass

                taking = asyncio.create_task(take())
                await viewer.watch(session.id)
                await viewer.until(lambda: len(viewer.pictures) >= 2)
                taking.cancel()
            await viewer.until(lambda: viewer.peer.connectionState == "closed")

    asyncio.run(test())


def test_who_leaves_before_the_answer_leaves_no_session(tiny_site: Site) -> None:
    async def test() -> None:
        peer = RTCPeerConnection()
        peer.addTransceiver("video", "recvonly")
        offer = (await peer.createOffer()).sdp.encode()
        async with asyncio.timeout(PATIENCE_S):
            visit = Visit("/v1/webrtc?avatar=tiny", body=[offer], headers=SDP, leaves=True)
            await visit.visit(tiny_site.app)
            assert [one.status for one in tiny_site.answered] == ["CANCELLED"]
            while tiny_site.parts.live.floor().sessions:
                await asyncio.sleep(0)

    asyncio.run(test())


def test_who_does_not_connect_in_time_leaves_no_session(tiny_site: Site) -> None:
    webrtc = replace(DEFAULT_SETTINGS, connect_timeout_ms=1)

    async def test() -> None:
        peer = RTCPeerConnection()
        peer.addTransceiver("video", "recvonly")
        async with asyncio.timeout(PATIENCE_S), calling(tiny_site.but(webrtc=webrtc).app) as client:
            answer = await client.post("/v1/webrtc", content=(await peer.createOffer()).sdp, headers=SDP)
            assert answer.status_code == 201
            while tiny_site.parts.live.floor().sessions:
                await asyncio.sleep(0)

    asyncio.run(test())


def test_a_client_that_vanishes_is_found(tiny_site: Site) -> None:
    async def test() -> None:
        webrtc = replace(DEFAULT_SETTINGS, idle_timeout_ms=500, codecs=("VP8",))
        async with calling(tiny_site.but(webrtc=webrtc).app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny")
            await talker.until(lambda: talker.pictures)
            talker.vanish()
            async with asyncio.timeout(PATIENCE_S):
                async for _ in tiny_site.parts.live.session(talker.session).watch():
                    pass  # until it is over

    asyncio.run(test())


def test_who_hangs_up_twice_does_not_break_the_closing_off(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    close = Peer.close

    async def test() -> None:
        began, goes_on, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slowly(peer: Peer) -> None:
            began.set()
            await goes_on.wait()
            await close(peer)
            closed.set()

        monkeypatch.setattr(Peer, "close", slowly)
        async with asyncio.timeout(PATIENCE_S), calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny")
            first = asyncio.create_task(talker.hang_up())
            await began.wait()
            assert await talker.hang_up() == 200
            goes_on.set()
            assert await first == 200
            await closed.wait()

    asyncio.run(test())


def test_a_connection_is_closed_where_all_tasks_are_cancelled(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a process that is told twice to stop."""
    close, closed = Peer.close, list[Peer]()

    async def told(peer: Peer) -> None:
        await close(peer)
        closed.append(peer)

    async def test() -> None:
        monkeypatch.setattr(Peer, "close", told)
        async with calling(tiny_site.app) as client:
            talker = Caller(client)
            await talker.talk(avatar="tiny")
            await talker.until(lambda: talker.pictures)

    asyncio.run(test())
    assert closed


def test_media_that_nobody_takes_are_not_decoded(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipstream.serve.webrtc.peer.offered", lambda offer: list(dict.fromkeys(_kinds(offer))))

    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            for _ in range(2):
                talker.peer.addTransceiver("video", "sendrecv")
            await talker.talk(Microphone(np.zeros(960, np.float32)), avatar="tiny")
            assert [one.currentDirection for one in talker.peer.getTransceivers()].count("inactive") == 2
            assert await talker.hang_up() == 200

    asyncio.run(test())


def _kinds(offer: str) -> list[str]:
    return re.findall(r"^m=(audio|video)", offer, re.MULTILINE)


def test_connections_end_with_the_server(tiny_site: Site) -> None:
    async def test() -> None:
        app = tiny_site.but(webrtc=replace(DEFAULT_SETTINGS, drain_ms=0)).app
        told: asyncio.Queue[Message] = asyncio.Queue()
        said: asyncio.Queue[Message] = asyncio.Queue()
        serving = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))
        told.put_nowait({"type": "lifespan.startup"})
        async with calling(app) as client, caller(client) as talker:
            assert (await said.get())["type"] == "lifespan.startup.complete"
            await talker.talk(avatar="tiny")
            told.put_nowait({"type": "lifespan.shutdown"})
            await serving
            assert not tiny_site.parts.live.floor().sessions
            assert (await said.get())["type"] == "lifespan.shutdown.complete"

    asyncio.run(test())


def test_who_wants_no_pictures_is_told_of_none(tiny_site: Site) -> None:
    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(Microphone(np.zeros(960, np.float32)), video=False, avatar="tiny")
            await talker.until(lambda: talker.said("started"))
            (started,) = [one for one in talker.told if one["type"] == "started"]
            assert (started["picture"], started["codec"], started["sound"]) == ("", "", "opus")
            assert await talker.hang_up() == 200

    asyncio.run(test())


@pytest.mark.parametrize("of_session", ["", "fingerprint"])
def test_pictures_come_where_the_offer_has_them_bundled_with_the_sound(
    tiny_site: Site, monkeypatch: pytest.MonkeyPatch, of_session: str
) -> None:
    monkeypatch.setattr("callers._ungathered", partial(bundle_only, of_session=of_session))

    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as viewer, caller(client) as talker:
            await talker.talk(avatar="tiny")
            await viewer.watch(talker.session)
            await viewer.until(lambda: viewer.pictures)
            assert await talker.hang_up() == 200

    asyncio.run(test())


def bundle_only(offer: str, of_session: str) -> str:
    """As browsers offer whose policy is max-bundle: the way of the first media alone is said, part of it before all."""
    if of_session:
        said = "".join(dict.fromkeys(re.findall(rf"^a={of_session}:.*\n", offer, flags=re.MULTILINE)))
        offer = re.sub(rf"^a={of_session}:.*\n", "", offer, flags=re.MULTILINE).replace("m=", f"{said}m=", 1)
    first, video = re.sub(r"^a=(end-of-)?candidate.*\n", "", offer, flags=re.MULTILINE).split("m=video")
    video = re.sub(r"^a=(ice-|fingerprint|setup).*\n", "", video, flags=re.MULTILINE)
    return f"{first}m=video{re.sub(r' [0-9]+', ' 0', video, count=1)}a=bundle-only\r\n"


def test_what_is_wrong_with_a_message_ends_the_session_with_words(tiny_site: Site) -> None:
    async def test() -> None:
        async with calling(tiny_site.app) as client, caller(client) as talker:
            await talker.talk(avatar="tiny")
            await talker.until(lambda: talker.said("started"))
            talker.channel.send('{"type": "sing"}')
            await talker.until(lambda: talker.said("error"))
            (error,) = [one for one in talker.told if one["type"] == "error"]
            assert (error["status"], error["code"]) == (400, "invalid_argument")
            await talker.until(lambda: talker.peer.connectionState == "closed")

    asyncio.run(test())
