"""Claps into a browser's microphone in, when the page shows and plays them out: sound against picture, the whole chain.

    python benchmarks/page.py > benchmarks/results/NAME.page.json

Let nothing else run meanwhile. A flashing avatar (tests/assets/make_flash_avatar.py, which needs the extra `train`) and
Chromium are driven by twenty claps, over WebSocket and over WebRTC. Sound counts when the browser says that it is at
the ear, a picture when it is on the screen; the pixels' own delay and the loudspeaker's are not seen. Over WebRTC the
sound is taken from the stream beside the video element, which holds it some 15 ms longer than the element does.
Positive: sound late. Pictures are 40 ms long and claps fall anywhere in them, so that a perfect chain has offsets from
-10 to 30 ms.
"""

import argparse
import bisect
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from browser import Visit, browsing, serving

import lipstream
from lipstream.clock import now_ms
from lipstream.evaluate.speed.machine import machine, versions

WAYS = ("websocket", "webrtc")
MAKE_FLASH = Path(__file__).parents[1] / "tests" / "assets" / "make_flash_avatar.py"
MOUTH = (0.39, 0.69, 0.61, 0.81)  # of the drawn head
FLASH = 210  # brightness between the face and white
LEAST_MS = 200.0  # the look-ahead alone takes as long
PAIR_MS = 500.0  # a clap and its flash are at most so far from each other; claps are 1,230 ms apart
CLAPS = 20
PATIENCE_S = 120


def main() -> None:
    """Measure each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--claps", type=int, default=CLAPS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, str(MAKE_FLASH), name], check=True)  # noqa: S603  our own
        with serving(folder, "flash") as url:
            report = {way: measured(url, way, folder / "claps.wav", options.claps) for way in options.ways}
    said = {"version": lipstream.__version__, "machine": machine(), "versions": versions(), "page": report}
    print(json.dumps(said, indent=2))


def measured(url: str, way: str, claps: Path, most: int) -> dict[str, Any]:
    """One way's figures."""
    with browsing(url, microphone=claps) as visit:
        visit.options(way=way, echo=False, noise=False, gate=False, headphones=True)
        visit.watch(MOUTH)
        begin_ms = now_ms()
        visit.page.click("#microphone")
        visit.wait("recorded.seen.length > 0")
        first_picture_ms = now_ms() - begin_ms
        visit.wait(f"recorded.heard.length > {most}", PATIENCE_S)
        visit.page.wait_for_timeout(PAIR_MS)
        recorded = visit.recorded()
        flashes = flashes_of(recorded["seen"])
        offsets_ms = paired(recorded["heard"], flashes)[-most:]
        delays_ms = [
            flash - said for said, flash in zip(*matched(recorded["said"], flashes, LEAST_MS, 2 * PAIR_MS), strict=True)
        ]
        return {
            "chromium": visit.browser_version,
            "first_picture_ms": round(first_picture_ms, 1),
            "claps": len(offsets_ms),
            "sound_minus_picture_ms": spread(offsets_ms),
            "microphone_to_picture_ms": spread(delays_ms),
            "interruption_ms": interruption(visit),
            "figures": dict(zip(FIGURES, visit.page.locator("#figures dd").all_text_contents(), strict=True)),
        }


FIGURES = ("way", "round_trip", "frame_rate", "queue", "sound_minus_picture", "inferences", "detail")


def flashes_of(seen: Sequence[tuple[float, float]]) -> list[float]:
    """When the picture became bright."""
    return [now for (_, before), (now, value) in itertools.pairwise(seen) if before < FLASH <= value]


def paired(heard: Sequence[float], flashes: Sequence[float]) -> list[float]:
    """By how much each sound is later than its flash, ms."""
    claps, lights = matched(heard, flashes, -PAIR_MS, PAIR_MS)
    return [clap - light for clap, light in zip(claps, lights, strict=True)]


def matched(
    claps: Sequence[float], flashes: Sequence[float], earliest: float, latest: float
) -> tuple[list[float], list[float]]:
    """Claps that have a flash between `earliest` and `latest` ms after them, with the nearest such flash."""
    ordered, pairs = sorted(flashes), []
    for clap in claps:
        near = ordered[bisect.bisect_left(ordered, clap + earliest) : bisect.bisect_right(ordered, clap + latest)]
        if near:
            pairs.append((clap, min(near, key=lambda flash: abs(flash - clap))))
    return [clap for clap, _ in pairs], [flash for _, flash in pairs]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and the fifth and ninety-fifth percentile, ms."""
    if not values:
        return {}
    p5, p50, p95 = np.percentile(values, (5, 50, 95))
    return {"p5": round(float(p5), 1), "p50": round(float(p50), 1), "p95": round(float(p95), 1)}


def interruption(visit: Visit) -> float:
    """From the press of the key to the last sound at the ear, ms; the microphone is silent by then."""
    visit.page.click("#microphone")  # stops it; the sound that is under way is heard to its end
    pressed_ms = float(visit.page.evaluate("(document.querySelector('#interrupt').click(), performance.now())"))
    visit.page.wait_for_timeout(PAIR_MS)
    return round(max(0.0, visit.recorded()["loud"] - pressed_ms), 1)


if __name__ == "__main__":
    main()
