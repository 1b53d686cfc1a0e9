"""What `lipstream serve` puts together of its configuration, without listening."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import BaseModel

from lipstream.cli.serving import open_process
from lipstream.config import Config
from lipstream.config.compose import FIELDS, compose
from lipstream.config.server import ServerConfig
from lipstream.errors import InputError

CHECKED_ALONE = {"auth.insecure"}
"""Read when a configuration is checked: it lets an address be served, and changes nothing about how."""
CONFIGURATIONS: tuple[Mapping[str, object], ...] = (
    {},
    {"tls": {"mode": "files", "certificate": "none.pem", "key": "none.pem"}},
    {"server": {"role": "compositing", "inference_url": "127.0.0.1:1", "inference_ca": "none.pem"}},
    {"server": {"role": "compositing", "inference_url": "127.0.0.1:1", "inference_key_file": "none"}},
    {"webrtc": {"turn_url": "turn:127.0.0.1:1", "turn_username": "may", "turn_credential_file": __file__}},
)


class Reading:
    """A configuration that notes which of its keys are read."""

    def __init__(self, model: BaseModel, read: set[str], tree: str = "") -> None:
        self._model, self._read, self._tree = model, read, tree

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  any value
        value = getattr(self._model, name)
        if isinstance(value, BaseModel):
            return Reading(value, self._read, name)
        self._read.add(f"{self._tree}.{name}")
        return value


@pytest.fixture
def home(tiny_path: Path, tmp_path: Path, tiny_speech: None) -> Config:  # noqa: ARG001
    shutil.copytree(tiny_path, tmp_path / "avatars" / "tiny")
    return Config(tmp_path)


def composed(folder: Path, trees: Mapping[str, object]) -> ServerConfig:
    path = folder / "lipstream.yaml"
    path.write_text(yaml.safe_dump(dict(trees)))
    return compose(path, {}, {}).config


def test_every_key_is_read_by_something(home: Config, tmp_path: Path) -> None:
    read: set[str] = set()
    for trees in CONFIGURATIONS:
        reading = cast("ServerConfig", Reading(composed(tmp_path, trees), read))
        try:
            with open_process(reading, home) as process:
                process.registry.load("tiny")
        except InputError as error:
            assert "none" in str(error)  # noqa: PT017  the files that are not there
    assert set(FIELDS) - read == CHECKED_ALONE


def test_what_is_served_is_told_before_anything_listens(home: Config, tmp_path: Path) -> None:
    with open_process(composed(tmp_path, {"registry": {"max_memory_mb": 4096}}), home) as process:
        first, second = process.notes
    assert "avatars: tiny; at most 8 loaded, 4,096 MB" in first
    assert "batches of up to 16, messages of up to 200 MB" in second


def test_the_pictures_of_a_pair_load_no_generator(home: Config, tmp_path: Path) -> None:
    trees = {"server": {"role": "compositing", "inference_url": "127.0.0.1:1"}}
    with open_process(composed(tmp_path, trees), home) as process, process.registry.lease("tiny") as avatar:
        assert avatar.engine == "none"
        assert avatar.quality == "fast"
