import pytest

from benchmarks.browser import browsing

pytestmark = pytest.mark.e2e

WATCH = """() => {
  const canvas = document.querySelector("#canvas");
  const eye = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  const live = document.querySelector("#live");
  const meter = document.querySelector("#meter");
  window.seen = new Set();
  window.level = -70;
  window.said = [];
  new MutationObserver(() => window.said.push(live.textContent)).observe(live, { childList: true });
  const watch = () => {
    window.level = Math.max(window.level, Number(meter.getAttribute("aria-valuenow")));
    if (!canvas.hidden) {
      const { width, height } = canvas;
      eye.drawImage(canvas, width * 0.39, height * 0.69, width * 0.22, height * 0.12, 0, 0, 8, 8);
      const pixels = eye.getImageData(0, 0, 8, 8).data;
      window.seen.add(pixels.reduce((sum, value) => sum + value, 0) / 256);
    }
    requestAnimationFrame(watch);
  };
  watch();
}"""


def test_a_visitor_presses_test_voice_and_the_face_speaks(url: str) -> None:
    with browsing(url, record=False) as visit:
        page = visit.page
        assert page.title() == "lipstream"
        assert page.is_visible("#poster")
        visit.options(way="websocket")
        page.evaluate(WATCH)
        page.keyboard.press("t")
        visit.wait("said.includes('Speaking')")
        visit.wait("document.querySelector('#canvas').checkVisibility() && seen.size > 20")  # pictures change
        visit.wait("Math.max(...seen) - Math.min(...seen) > 8")  # the mouth opens
        assert page.evaluate("level") > -70
        page.keyboard.press("Escape")
        visit.wait("said.includes('Interrupted')")
        page.click("#disconnect")
        visit.wait("document.querySelector('#state').dataset.state === 'off'")
        assert visit.complaints == []
