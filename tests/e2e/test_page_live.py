"""The page with a microphone that plays a real clip, over both ways; minutes long."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.browser import browsing, serving
from lipstream.audio.read import read_pcm
from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.serve.keys import Key, new_secret, sha256_of, write_keys
from lipstream.types import FRAME_MS, Float32

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "examples" / "hello.wav"
MOUTH = (0.38, 0.66, 0.62, 0.78)  # of the drawn head wherever it nods, in shares of the picture
PIECE_FRAMES = 72  # aligned by itself: where pictures were late, WebRTC stretches time
WAYS = pytest.mark.parametrize("way", ["websocket", "webrtc"])


@WAYS
def test_the_mouth_opens_with_what_the_microphone_hears(url: str, tiny: Avatar, way: str) -> None:
    wanted = np.array([brightness(frame.image) for frame in render(read_pcm(HELLO), tiny)], np.float32)
    seconds = 2 * len(wanted) * FRAME_MS / 1000 + 2  # the clip repeats: one of it is whole
    with browsing(url, microphone=HELLO) as visit:
        visit.options(way=way, echo=False, noise=False, gate=False)
        visit.watch(MOUTH)
        visit.page.click("#microphone")
        visit.wait("recorded.seen.length > 10")
        visit.page.wait_for_timeout(seconds * 1000)
        seen = np.array(visit.recorded()["seen"], np.float64)
        shown = visit.page.locator("#figures dd").first.text_content()
        assert visit.complaints == []
    assert shown == {"websocket": "WebSocket", "webrtc": "WebRTC"}[way]
    grid_ms = np.arange(seen[0, 0], seen[-1, 0], FRAME_MS)
    taken = np.searchsorted(seen[:, 0], grid_ms, side="right") - 1
    got = seen[taken, 1].astype(np.float32)
    pieces = np.split(wanted, range(PIECE_FRAMES, len(wanted), PIECE_FRAMES))
    assert np.median([best_correlation(piece, got) for piece in pieces]) >= 0.9


def brightness(image: np.ndarray) -> float:
    height, width = image.shape[:2]
    left, top, right, bottom = (round(share * size) for share, size in zip(MOUTH, (width, height) * 2, strict=True))
    return float(image[top:bottom, left:right].mean())


def best_correlation(wanted: Float32, got: Float32) -> float:
    starts = range(len(got) - len(wanted))
    return max(float(np.corrcoef(wanted, got[start : start + len(wanted)])[0, 1]) for start in starts)


@WAYS
def test_sound_and_picture_of_claps_are_together(way: str) -> None:
    pytest.importorskip("onnx", reason='needs pip install ".[train]"')
    command = [sys.executable, str(ROOT / "benchmarks" / "page.py"), "--ways", way]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603  our own
    report = json.loads(done.stdout)["page"][way]
    offset_ms = report["sound_minus_picture_ms"]
    assert report["claps"] >= 18
    assert -40 <= offset_ms["p5"] <= offset_ms["p95"] <= 60
    assert report["interruption_ms"] <= 100


def test_another_avatar_or_way_goes_on_with_the_same_sound(url: str) -> None:
    with browsing(url, microphone=HELLO, record=False) as visit:
        visit.options(way="websocket")
        visit.page.click("#microphone")
        visit.wait("document.querySelector('#figure-way').textContent === 'WebSocket'")
        visit.page.select_option("#way", "webrtc")
        visit.wait("document.querySelector('#figure-way').textContent === 'WebRTC'")
        assert visit.page.get_attribute("#microphone", "aria-pressed") == "true"
        visit.wait("document.querySelector('#state').dataset.state === 'speaking'")
        assert visit.complaints == []


def test_one_session_at_a_time_however_fast_buttons_are_pressed(url: str) -> None:
    with browsing(url, microphone=HELLO, record=False) as visit:
        sent: list[str] = []
        watched = {"POST", "DELETE"}
        visit.page.on("request", lambda one: sent.append(one.method) if one.method in watched else None)
        visit.options(way="webrtc")
        visit.page.dblclick("#voice")
        visit.wait("document.querySelector('#state').dataset.state === 'speaking'")
        assert sent == ["POST"]
        visit.page.evaluate("document.querySelector('#disconnect').click()")
        visit.wait("document.querySelector('#state').dataset.state === 'off'")
        visit.page.evaluate("for (const id of ['voice', 'microphone']) document.querySelector(`#${id}`).click()")
        visit.wait("document.querySelector('#microphone').getAttribute('aria-pressed') === 'true'")
        visit.page.evaluate("for (let press = 0; press < 6; press += 1) document.querySelector('#voice').click()")
        visit.wait("document.querySelector('#microphone').getAttribute('aria-pressed') === 'false'")
        visit.wait("document.querySelector('#state').dataset.state === 'speaking'")
        visit.page.click("#disconnect")
        visit.wait("document.querySelector('#state').dataset.state === 'off'")
        assert sent == ["POST", "DELETE"] * (len(sent) // 2)  # each is ended before the next begins
        assert visit.page.is_hidden("#trouble")
        assert visit.complaints == []


def test_where_the_server_refuses_the_offer_the_other_way_is_taken(url: str) -> None:
    with browsing(url, record=False) as visit:
        visit.page.route("**/v1/webrtc?*", lambda route: route.continue_(post_data="v=0"))
        visit.options(way="webrtc")
        visit.page.click("#voice")
        visit.wait("document.querySelector('#trouble').innerText.includes('the offer names neither')")
        visit.options(way="auto")
        visit.page.click("#voice")
        visit.wait("document.querySelector('#state').dataset.state === 'speaking'")
        assert visit.page.is_hidden("#trouble")
        assert "WebSocket instead of WebRTC: the offer names neither" in visit.page.inner_text("#secure")
        visit.wait("document.querySelector('#figure-way').textContent === 'WebSocket'")


def test_the_test_mode_asks_for_one_picture_after_the_other(url: str) -> None:
    with browsing(url, record=False) as visit:
        visit.options(way="websocket")
        visit.page.click("#test-mode")
        visit.wait("Number(document.querySelector('#figure-painted').textContent) > 15")
        assert "picture " in visit.page.inner_text("#figure-detail")
        visit.page.click("#test-mode")
        visit.wait("document.querySelector('#state').dataset.state === 'off'")
        assert visit.complaints == []


def test_what_was_said_is_said_again_slowly(url: str) -> None:
    with browsing(url, record=False) as visit:
        visit.options(way="websocket")
        visit.page.click("#voice")
        visit.wait("!document.querySelector('#again').disabled")
        visit.wait("document.querySelector('#state').dataset.state === 'resting'")
        visit.page.click("#again")
        visit.wait("document.querySelector('#again').disabled")
        visit.wait("!document.querySelector('#again').disabled")
        assert visit.complaints == []


def test_a_key_is_asked_for_and_traded_for_tokens(tmp_path: Path) -> None:
    secret = new_secret()
    write_keys(tmp_path / "keys.yaml", [Key(name="visitor", sha256=sha256_of(secret), scopes=frozenset({"infer"}))])
    with (
        serving(ROOT / "tests" / "assets", "tiny", "--keys", str(tmp_path / "keys.yaml")) as address,
        browsing(address, record=False, ready="#key-form") as visit,
    ):
        visit.page.fill("#key", secret)
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(".avatar img")
        visit.options(way="websocket")
        visit.page.click("#voice")
        visit.wait("document.querySelector('#state').dataset.state === 'speaking'")
        assert not visit.page.is_visible("#key-form")
        assert secret not in visit.page.content()


def test_without_webcodecs_pictures_come_as_jpeg(url: str) -> None:
    with browsing(url, record=False) as visit:
        visit.page.evaluate("delete globalThis.VideoDecoder")
        visit.options(way="websocket")
        visit.page.click("#voice")
        visit.wait("document.querySelector('#figure-detail').textContent.includes('JPEG')")
        visit.wait("!document.querySelector('#canvas').hidden")
        assert visit.complaints == []


def test_a_microphone_that_is_not_allowed_is_told_of_in_words(url: str) -> None:
    with browsing(url, record=False) as visit:
        visit.page.evaluate(
            """() => {
                const refuse = async () => { throw new DOMException("", "NotAllowedError"); };
                navigator.mediaDevices.getUserMedia = refuse;
            }"""
        )
        visit.page.keyboard.press("m")
        visit.wait("!document.querySelector('#trouble').hidden")
        assert "address bar" in visit.page.inner_text("#trouble")
        assert visit.page.get_attribute("#trouble", "role") == "alert"
