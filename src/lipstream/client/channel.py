"""An address, a key and what is to be trusted in, how to reach that server out."""

import hashlib
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from lipstream.errors import AccessError, InputError, ServerError

ADDRESS = "127.0.0.1:50051"
MEGABYTE = 2**20
MAX_MESSAGE_BYTES = 200 * MEGABYTE
CONNECT_TIMEOUT_S = 10
RETRIES = {
    "methodConfig": [
        {
            "name": [{"service": "lipstream.v1.Speech"}, {"service": "lipstream.v1.Avatars"}],
            "retryPolicy": {
                "maxAttempts": 5,  # the most that gRPC makes
                "initialBackoff": "0.2s",  # where the server does not say how long: it does when it is full
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["RESOURCE_EXHAUSTED"],
            },
        }
    ]
}
"""gRPC itself asks a full server again, when its trailer grpc-retry-pushback-ms says, if nothing was answered yet."""
OPTIONS: Final = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.service_config", json.dumps(RETRIES)),
    ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),  # a request that it does not keep is not sent again
)

Tls = bool | str | Path | grpc.ChannelCredentials
"""False: plain text. True: a certificate that this system trusts. A path: the PEM file of who signed it. Text: the
SHA-256 fingerprint that `lipstream serve --tls self-signed` shows. Credentials: whatever else gRPC can do."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach a server."""

    address: str
    """HOST:PORT."""
    credentials: grpc.ChannelCredentials | None
    """For TLS; none speaks plain text."""
    metadata: tuple[tuple[str, str], ...]
    """Sent with every call."""


def way_to(address: str, key: str | None, tls: Tls) -> Way:
    """How to reach a server.

    Args:
        address: HOST:PORT, an IPv6 address in brackets.
        key: a key of it, where it asks for one.
        tls: what to trust, see `Tls`.

    Raises:
        InputError: no such address, or a PEM file that cannot be read.
        ServerError: the server that is to be known by its fingerprint cannot be reached.
        AccessError: it has another certificate.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise InputError(f"The address is {address!r}; expected HOST:PORT, such as {ADDRESS}.")
    metadata = () if key is None else (("authorization", f"Bearer {key}"),)
    return Way(address, _credentials(host.strip("[]"), int(port), tls), metadata)


def _credentials(host: str, port: int, tls: Tls) -> grpc.ChannelCredentials | None:
    match tls:
        case False:
            return None
        case True:
            return grpc.ssl_channel_credentials()
        case str():
            return grpc.ssl_channel_credentials(_certificate(host, port, tls))
        case Path():
            return grpc.ssl_channel_credentials(_pem(tls))
        case _:
            return tls


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); expected a PEM file of certificates.") from error


def _certificate(host: str, port: int, fingerprint: str) -> bytes:
    """The certificate that a server shows, if its fingerprint is the one given."""
    try:
        pem = ssl.get_server_certificate((host, port), timeout=CONNECT_TIMEOUT_S)
    except OSError as error:
        raise ServerError(f"{host}:{port} shows no certificate ({error}); look whether it serves with TLS.") from error
    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    if found != fingerprint.replace(":", "").lower():
        raise AccessError(
            f"{host}:{port} shows a certificate of another fingerprint, {found[:16]}...; take the one that the server "
            "printed when it started, or mistrust it."
        )
    return pem.encode("ascii")
