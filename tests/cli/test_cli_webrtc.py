from pathlib import Path

import pytest
from pydantic import ValidationError

from lipstream.cli.webrtc import webrtc_settings
from lipstream.config.server import ServerConfig, WebRtc
from lipstream.errors import InputError
from lipstream.serve.webrtc.settings import DEFAULT_SETTINGS, IceServer


def test_nothing_said_is_what_stands_in_the_code() -> None:
    assert webrtc_settings(WebRtc(), drain_s=10) == DEFAULT_SETTINGS


def test_a_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    tree = WebRtc(
        stun_url="stun:stun.example.org",
        turn_url="turn:turn.example.org:3478?transport=tcp",
        turn_username="me",
        turn_credential_file=tmp_path / "password",
        connect_timeout_s=5,
    )
    settings = webrtc_settings(tree, drain_s=1)
    assert settings.ice_servers == (
        IceServer("stun:stun.example.org"),
        IceServer("turn:turn.example.org:3478?transport=tcp", "me", "secret"),
    )
    assert (settings.connect_timeout_ms, settings.drain_ms) == (5_000, 1_000)
    missing = tree.model_copy(update={"turn_credential_file": tmp_path / "none"})
    with pytest.raises(InputError, match="none cannot be read"):
        webrtc_settings(missing, drain_s=1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stun_url", "http://stun.example.org"),
        ("turn_url", "turn:turn.example.org?transport=sctp"),
        ("public_address", "example.org"),
        ("codecs", "AV1"),
        ("sound_in", "echo,reverb"),
        ("bitrate_kbps", 99),
    ],
)
def test_what_cannot_be_meant_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        WebRtc.model_validate({key: value})


def test_lists_are_read_as_the_environment_writes_them() -> None:
    tree = WebRtc.model_validate({"codecs": "VP8", "sound_in": "echo,gain", "public_address": "203.0.113.5"})
    assert (tree.codecs, tree.sound_in, tree.public_address) == (("VP8",), ("echo", "gain"), "203.0.113.5")


def test_a_turn_server_needs_a_name_and_a_password() -> None:
    with pytest.raises(ValidationError, match=r"webrtc\.turn_url needs webrtc\.turn_username"):
        ServerConfig(webrtc=WebRtc(turn_url="turn:turn.example.org"))
