import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_site import Site, site

from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.serve.http.pages import PAGE

MODULES = sorted(PAGE.glob("*.js"))


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("main.js", "javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg"), ("voice.mp3", "audio/mpeg")],
)
def test_its_files_are_served_as_what_they_are(tiny_site: Site, name: str, media_type: str) -> None:
    answer = tiny_site.client.get(f"/page/{name}")
    assert media_type in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content == (PAGE / name).read_bytes()
    again = tiny_site.client.get(f"/page/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["none.js", "..%2fpages.py", "%2e%2e", "%00"])
def test_other_files_are_not(tiny_site: Site, name: str) -> None:
    assert tiny_site.client.get(f"/page/{name}").status_code == 404


def test_its_policy_lets_nothing_in_from_elsewhere(tiny_site: Site) -> None:
    policy = tiny_site.client.get("/").headers["content-security-policy"]
    assert not re.search(r"https?:|\*|unsafe", policy)
    sources = [path.read_text("utf-8") for path in MODULES]
    assert not any(re.search(r"""from ["'](?!\./)""", source) for source in sources)


def test_every_module_begins_with_what_enters_and_leaves() -> None:
    assert all(path.read_text("utf-8").startswith("/**\n * ") for path in MODULES)


def test_every_element_that_a_module_asks_for_is_on_the_page() -> None:
    named = set(re.findall(r'\bid="([\w-]+)"', (PAGE / "index.html").read_text("utf-8")))
    asked = {name for path in MODULES for name in re.findall(r'\belement\("([\w-]+)"', path.read_text("utf-8"))}
    assert asked <= named
    assert len(asked) > 20


def test_the_pure_modules_in_node() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, 20 or later")
    tests = sorted(Path(__file__).parent.joinpath("page").glob("*.test.mjs"))
    assert tests
    run = subprocess.run([node, "--test", *tests], capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert run.returncode == 0, run.stdout + run.stderr
