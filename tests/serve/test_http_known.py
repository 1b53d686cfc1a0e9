import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from http_site import Site, site

from lipstream.pipeline.avatar import Avatar
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


def test_avatars_are_listed_loaded_or_not(tiny_site: Site, core: Core) -> None:
    before = tiny_site.client.get("/v1/avatars").json()["avatars"]
    assert [(one["name"], one["loaded"]) for one in before] == [("other", False), ("tiny", False)]
    core.registry.load("tiny")
    _, tiny = tiny_site.client.get("/v1/avatars").json()["avatars"]
    assert tiny == {
        "name": "tiny",
        "loaded": True,
        "device": "cpu",
        "memory_bytes": 2**20,
        "poster": "/v1/avatars/tiny/poster.jpg",
    }


@pytest.mark.parametrize("name", ["tiny", "default_model"])
def test_an_avatar_tells_what_it_is(tiny_site: Site, name: str) -> None:
    told = tiny_site.client.get(f"/v1/avatars/{name}").json()
    assert (told["name"], told["width"], told["height"], told["fps"]) == ("tiny", 128, 128, 25)
    assert told["qualities"] == ["fast"]
    assert told["clip_frames"] > 0
    mouth = told["mouth"]  # of the drawn head it is at (64, 92)
    assert mouth["left"] < 64 < mouth["left"] + mouth["width"] < 128
    assert mouth["top"] < 92 < mouth["top"] + mouth["height"] < 128
    assert told["licence"]
    assert not told["loaded"]


def test_the_poster_is_that_of_the_bundle(tiny_site: Site, tiny_path: Path) -> None:
    answer = tiny_site.client.get("/v1/avatars/tiny/poster.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == (tiny_path / "poster.jpg").read_bytes()


def test_without_a_poster_it_is_the_first_picture(
    tiny_site: Site, tiny_path: Path, tiny: Avatar, tmp_path: Path
) -> None:
    bundle = tmp_path / "tiny"
    shutil.copytree(tiny_path, bundle)
    (bundle / "poster.jpg").unlink()
    manifest = json.loads((bundle / "avatar.json").read_text())
    del manifest["files"]["poster.jpg"]
    (bundle / "avatar.json").write_text(json.dumps(manifest))
    answer = tiny_site.but(bundle_of=lambda _: bundle).client.get("/v1/avatars/tiny/poster.jpg")
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert np.abs(picture.astype(int) - tiny.clip.image(0)).mean() < 3


@pytest.mark.parametrize("rest", ["", "/poster.jpg"])
@pytest.mark.parametrize(
    ("name", "status"), [("nobody", 404), (".hidden", 400), ("%2e%2e", 400), ("a%20b", 400), ("a" * 200, 400)]
)
def test_names_of_no_avatar_are_refused(tiny_site: Site, name: str, status: int, rest: str) -> None:
    answer = tiny_site.client.get(f"/v1/avatars/{name}{rest}")
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_damaged_bundle_is_told(tiny_site: Site, tmp_path: Path) -> None:
    (tmp_path / "avatar.json").write_text("{}")
    answer = tiny_site.but(bundle_of=lambda _: tmp_path).client.get("/v1/avatars/tiny")
    assert answer.status_code == 409
