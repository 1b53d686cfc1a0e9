"""The way from a compositing process to its inference process: keys and encryption."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from running import Running, running

from lipstream.clock import now_ms
from lipstream.errors import EngineError
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.serve.access import Guard
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core, Speech
from lipstream.serve.keys import Key, KeyFile, sha256_of, write_keys
from lipstream.serve.listening import Listening
from lipstream.serve.quotas import Quotas
from lipstream.serve.registry import Registry
from lipstream.serve.remote import Way, connected
from lipstream.serve.rpc import Calls
from lipstream.serve.tls import grpc_credentials, self_signed
from lipstream.serve.tokens import Tokens
from lipstream.serve.wires import inference

SECRET = "ls_secret"  # noqa: S105  of a test
MATERIAL = self_signed([], datetime.now(UTC))
MOST_BYTES = 2**28


@pytest.fixture
def guarded(core: Core, avatars: Avatars, tmp_path: Path) -> Iterator[Running]:
    """An inference process that asks for a key, over TLS."""
    write_keys(tmp_path / "keys.yaml", [Key(name="pictures", sha256=sha256_of(SECRET), scopes=frozenset({"infer"}))])
    guard = Guard(KeyFile(tmp_path / "keys.yaml"), Tokens(), Quotas(), now_ms)
    with ThreadPoolExecutor(2) as workers:
        calls = Calls(workers, Allowance(2**30), guard.admit)
        listening = Listening(ports=[0], credentials=grpc_credentials(MATERIAL))
        with running(calls, {inference.SERVICE: inference.Inference(avatars, core)}, listening) as server:
            yield server


def test_mouths_come_over_tls_with_a_key_and_are_blended_without_a_generator(
    guarded: Running, registry: Registry[Avatar], tiny: Avatar, tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filmed = open_avatar(tiny_path, tiny.networks, paints=False)
    monkeypatch.setattr(registry, "_load", lambda *_: tiny)
    way = Way(f"127.0.0.1:{guarded.server.ports[0]}", MOST_BYTES, MATERIAL.certificate, SECRET)
    assert SECRET not in repr(way)
    with connected(way, registry, now_ms) as remote:
        assert SECRET not in repr(remote)
        assert remote.healthy()
        (painted,) = remote.speak(Speech("tiny", 1), Future())
    assert painted.patch is not None
    image = filmed.clip.image(0)
    filmed.face.compose(image, 0, painted.patch)
    assert (image == painted.image).all()


@pytest.mark.parametrize(
    ("ca", "key", "says"), [(MATERIAL.certificate, "none", "not known"), (None, SECRET, "cannot be reached")]
)
def test_without_either_it_is_no_way(
    guarded: Running, registry: Registry[Avatar], ca: bytes | None, key: str, says: str
) -> None:
    way = Way(f"127.0.0.1:{guarded.server.ports[0]}", MOST_BYTES, ca, key)
    with connected(way, registry, now_ms) as remote:
        assert not remote.healthy()
        with pytest.raises(EngineError, match=says):
            list(remote.speak(Speech("tiny", 1), Future()))
