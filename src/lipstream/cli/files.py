"""A configuration in, what the files that it names hold out; and whatever is wrong with what it names."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from lipstream.cli.webrtc import webrtc_settings
from lipstream.config.compose import Composed
from lipstream.config.server import ServerConfig
from lipstream.errors import InputError, LipstreamError
from lipstream.serve.keys import KeyFile
from lipstream.serve.names import bundle_of
from lipstream.serve.remote import Way
from lipstream.serve.tls import Material, from_files, self_signed

MEGABYTE = 2**20


def key_file(config: ServerConfig) -> KeyFile | None:
    """The keys that are asked for; None lets everybody in.

    Raises:
        InputError: as `KeyFile`.
    """
    return KeyFile(config.auth.keys_file) if config.auth.keys_file is not None else None


def way(config: ServerConfig) -> Way | None:
    """The way to the inference process, if there is one.

    Raises:
        InputError: a file that it needs cannot be read.
    """
    server = config.server
    if server.inference_url is None:
        return None
    ca, key = _content(server.inference_ca), _content(server.inference_key_file)
    key_text = None if key is None else key.decode("utf-8", "replace").strip()
    return Way(server.inference_url, server.max_message_mb * MEGABYTE, ca, key_text)


def material(config: ServerConfig) -> Material | None:
    """The certificate to serve with; None speaks plain text.

    Raises:
        LipstreamError: as `from_files` and `self_signed`.
    """
    tls = config.tls
    if tls.mode == "self-signed":
        return self_signed([*config.auth.hosts, config.server.host], datetime.now(UTC), tls.client_ca)
    if tls.mode == "files" and tls.certificate is not None and tls.key is not None:
        return from_files(tls.certificate, tls.key, tls.client_ca)
    return None


def faults(composed: Composed, home: Path) -> Iterator[str]:
    """A sentence on each thing that a configuration names and that is not there, or cannot be used.

    Args:
        composed: the configuration.
        home: folder whose `avatars` folder holds the installed avatars.

    Yields:
        Sentences, with where the name was written.
    """
    config = composed.config
    reads: dict[str, Callable[[], object]] = {
        "auth.keys_file": lambda: key_file(config),
        "tls.mode": lambda: material(config),
        "server.inference_url": lambda: way(config),
        "webrtc.turn_credential_file": lambda: webrtc_settings(config.webrtc, 0),
    }
    for key, read in reads.items():
        try:
            read()
        except LipstreamError as error:
            yield _placed(key, error, composed)
    aliases = config.registry.aliases
    named = [("registry.preload", aliases.get(name, name)) for name in config.registry.preload]
    named += [(f"registry.aliases.{alias}", name) for alias, name in aliases.items()]
    for key, name in named:
        try:
            if key in composed.origins:  # the defaults are nobody's mistake
                bundle_of(name, home)
        except LipstreamError as error:
            yield _placed(key, error, composed)


def _placed(key: str, error: LipstreamError, composed: Composed) -> str:
    origin = composed.origins.get(key)
    return f"{origin}: {error}" if origin else str(error)


def _content(path: Path | None) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error
