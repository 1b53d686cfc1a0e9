"""PEM files or nothing in, what gRPC and HTTP servers need for TLS and mutual TLS out."""

import hashlib
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc

from lipstream.errors import InputError, MissingExtraError, reason_of
from lipstream.serve.origins import is_address

QUICK_START = ("localhost", "127.0.0.1", "::1")
"""What a self-signed certificate is always good for."""
VALID = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Material:
    """A server's certificate and what goes with it, as PEM."""

    certificate: bytes
    """The server's certificate, then those that signed it."""
    key: bytes
    """Its private key, not encrypted; never logged."""
    client_ca: bytes | None = None
    """Who signs clients' certificates; with it, only such clients are let in."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the server's certificate, as `openssl x509 -fingerprint -sha256` writes it: `AB:CD:...`."""
        der = ssl.PEM_cert_to_DER_cert(_first(self.certificate.decode("ascii")))
        return hashlib.sha256(der).digest().hex(":").upper()

    def __repr__(self) -> str:
        return f"Material({self.fingerprint})"


def self_signed(names: Sequence[str], now: datetime, client_ca: Path | None = None) -> Material:
    """Make a certificate for a quick start, good for 90 days; clients know it by its fingerprint.

    Args:
        names: host names and addresses of the server, besides localhost.
        now: the present, with a time zone.
        client_ca: PEM file of who signs clients' certificates; None lets all in.

    Raises:
        MissingExtraError: the package cryptography is not installed.
        InputError: a name is none, or client_ca cannot be used.
    """
    try:
        from cryptography import x509  # noqa: PLC0415  an extra
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtraError('TLS self-signed needs cryptography: pip install "lipstream[tls]".') from error
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lipstream")])
    try:
        good_for = [
            x509.IPAddress(ip_address(name)) if is_address(name) else x509.DNSName(name)
            for name in dict.fromkeys((*QUICK_START, *names))
        ]
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))  # clients' clocks differ
            .not_valid_after(now + VALID)
            .add_extension(x509.SubjectAlternativeName(good_for), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
    except ValueError as error:
        raise InputError(f"No certificate can be made for {', '.join(names)}: {reason_of(error)}") from error
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Material(certificate.public_bytes(serialization.Encoding.PEM), secret, _authority(client_ca))


def from_files(certificate: Path, key: Path, client_ca: Path | None = None) -> Material:
    """Read a certificate and its key.

    Args:
        certificate: PEM file of the certificate, then those that signed it.
        key: PEM file of its private key, not encrypted.
        client_ca: as of `self_signed`.

    Raises:
        InputError: a file cannot be read, is no PEM, or the key is encrypted or of another certificate.
    """
    material = Material(_read(certificate, "certificate"), _read(key, "key"), _authority(client_ca))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise InputError(
            f"tls.certificate {certificate} and tls.key {key} cannot be used together ({reason_of(error)}); expected "
            "a PEM certificate and its own private key."
        ) from error
    return material


def grpc_credentials(material: Material) -> grpc.ServerCredentials:
    """What a gRPC server listens with."""
    return grpc.ssl_server_credentials(
        [(material.key, material.certificate)],
        root_certificates=material.client_ca,
        require_client_auth=material.client_ca is not None,
    )


def http_context(material: Material) -> ssl.SSLContext:
    """What an HTTP server listens with: TLS 1.2 or newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with TemporaryDirectory(prefix="lipstream-tls-") as folder:  # the ssl module reads keys from files alone
        chain = Path(folder) / "chain.pem"
        with os.fdopen(os.open(chain, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(material.key + b"\n" + material.certificate)
        context.load_cert_chain(chain)
    if material.client_ca is not None:
        context.load_verify_locations(cadata=material.client_ca.decode("ascii"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _authority(path: Path | None) -> bytes | None:
    """Who signs clients' certificates, checked to hold at least one certificate."""
    if path is None:
        return None
    pem = _read(path, "client_ca")
    try:
        ssl.create_default_context(cadata=pem.decode("ascii"))
    except ssl.SSLError as error:
        raise InputError(f"tls.client_ca {path} holds no certificate ({reason_of(error)}); expected PEM.") from error
    return pem


def _read(path: Path, key: str) -> bytes:
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise InputError(f"tls.{key} {path} cannot be read ({error.strerror}); expected a PEM file.") from error
    if b"-----BEGIN " not in pem or not pem.isascii():
        raise InputError(f"tls.{key} {path} is no PEM file; expected text with -----BEGIN.")
    return pem


def _first(chain: str) -> str:
    """The first certificate of a PEM chain."""
    end = "-----END CERTIFICATE-----"
    return chain[chain.index("-----BEGIN CERTIFICATE-----") : chain.index(end) + len(end)]


def _no_password() -> str:
    """Asked for only where a key is encrypted; without this, OpenSSL asks the terminal and waits."""
    raise ssl.SSLError("the key is encrypted; decrypt it with `openssl pkey`")
