import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from lipstream.avatar.manifest import parse_manifest, parse_speech_manifest
from lipstream.errors import AvatarError, AvatarVersionError

ASSETS = Path(__file__).parents[1] / "assets"
TINY = json.loads((ASSETS / "avatars" / "tiny" / "avatar.json").read_bytes())
OWN = {"files": {"float": "own.onnx"}, "parameters": 1}


def changed(**fields: object) -> str:
    return json.dumps(TINY | fields)


def test_reads_the_tiny_avatar() -> None:
    manifest = parse_manifest(json.dumps(TINY))
    assert manifest.name == "tiny"
    assert manifest.networks["fast"].files == {"float": "generator.fast.onnx", "int8": "generator.fast.int8.onnx"}
    assert manifest.timeline.frames == 12


def test_is_frozen() -> None:
    manifest = parse_manifest(json.dumps(TINY))
    with pytest.raises(ValidationError):
        manifest.name = "other"


def test_ignores_fields_of_later_writers() -> None:
    assert parse_manifest(changed(hat="red")).name == "tiny"


def test_round_trips() -> None:
    manifest = parse_manifest(json.dumps(TINY))
    assert parse_manifest(manifest.model_dump_json()) == manifest


@pytest.mark.parametrize("version", ["lipstream.avatar/2", "lipstream.avatar/10"])
def test_refuses_other_major_versions_with_a_sentence(version: str) -> None:
    with pytest.raises(AvatarVersionError, match=f"has format {version}, this lipstream reads lipstream.avatar/1"):
        parse_manifest(json.dumps({"format": version}))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", "{}", '{"format": 1}', "[" * 100_000, b"\xff\xfe", b"\x00"]
)
def test_refuses_garbage(text: str | bytes) -> None:
    with pytest.raises(AvatarError):
        parse_manifest(text)


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("format", {"format": "lipstream.speech/1"}),
        ("fps", {"fps": 24}),
        ("name", {"name": "../tiny"}),
        ("frame_width", {"frame_width": 127}),
        ("frame_height", {"frame_height": 100_000}),
        ("references.file", {"references": {"file": "/etc/passwd", "poses": [[0, 0, 0]]}}),
        ("references.poses", {"references": {"poses": []}}),
        ("references.poses", {"references": {"poses": [[0, 0, 0]] * 6}}),
        ("references.poses.0.1", {"references": {"poses": [[0, float("nan"), 0]]}}),
        ("needs 'hidden'", {"driver": "features"}),
        ("hidden.2", {"driver": "features", "hidden": [5, 5, 321, 305]}),
        ("no hash for own.onnx", {"speech_encoder": OWN, "speech_articulation": OWN}),
        ("takes 'speech_encoder' and 'speech_articulation' together", {"speech_encoder": OWN}),
        ("'features' the encoder alone", {"driver": "features", "hidden": [5, 5, 1, 1], "speech_articulation": OWN}),
        ("timeline.frames", {"timeline": {"frames": 0}}),
        ("networks", {"networks": {}}),
        ("networks.fast", {"networks": {"fast": {"files": {"int8": "a.onnx"}, "parameters": 1, "gflop": 1}}}),
        ("files.mask.png.sha256", {"files": TINY["files"] | {"mask.png": {"sha256": "beef", "size_bytes": 1}}}),
        ("no hash for mask.png", {"files": {k: v for k, v in TINY["files"].items() if k != "mask.png"}}),
    ],
)
def test_says_where_a_manifest_is_malformed(place: str, fields: dict[str, object]) -> None:
    with pytest.raises(AvatarError, match=place):
        parse_manifest(changed(**fields))


def test_reads_the_tiny_speech_manifest() -> None:
    manifest = parse_speech_manifest((ASSETS / "speech" / "speech.json").read_bytes())
    assert manifest.networks["articulation"].files["float"] == "articulation.onnx"


def test_an_avatar_is_no_speech_bundle() -> None:
    with pytest.raises(AvatarError, match=r"expected 'lipstream\.speech/1'"):
        parse_speech_manifest(json.dumps(TINY))
