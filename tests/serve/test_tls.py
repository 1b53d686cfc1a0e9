import contextlib
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from lipstream.errors import InputError, MissingExtraError
from lipstream.serve.tls import VALID, Material, from_files, grpc_credentials, http_context, self_signed

pytest.importorskip("cryptography", reason="needs the extra tls")
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def server() -> Material:
    return self_signed(["face.example.org", "10.0.0.1"], NOW)


@pytest.fixture(scope="module")
def client() -> Material:
    return self_signed(["client"], NOW)


def saved(folder: Path, material: Material) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(material.certificate)
    key.write_bytes(material.key)
    return certificate, key


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """A handshake in memory; the protocol that was agreed on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    for side in sides:
        side.do_handshake()
    return sides[0].version()


def trusting(material: Material) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=material.certificate.decode())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "face.example.org", "10.0.0.1"])
def test_a_self_signed_certificate_is_good_for_its_names(name: str, server: Material) -> None:
    assert shake_hands(http_context(server), trusting(server), name) == "TLSv1.3"


def test_it_is_good_for_no_other_name(server: Material) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(http_context(server), trusting(server), "evil.example")


def test_another_certificate_is_not_trusted(server: Material, client: Material) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"):
        shake_hands(http_context(server), trusting(client), "localhost")


def test_it_ends_after_its_time() -> None:
    old = self_signed([], NOW - VALID - timedelta(hours=1))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(http_context(old), trusting(old), "localhost")


def test_the_fingerprint_is_that_of_openssl(server: Material, tmp_path: Path) -> None:
    certificate, _ = saved(tmp_path, server)
    command = ["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  our own
    except FileNotFoundError:
        pytest.skip("the program openssl is not installed")
    assert shown.strip().lower() == f"sha256 fingerprint={server.fingerprint}".lower()


def test_the_key_is_not_shown(server: Material) -> None:
    assert repr(server) == f"Material({server.fingerprint})"


def test_old_protocols_are_refused(server: Material) -> None:
    assert http_context(server).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_client_needs_a_certificate_where_one_is_asked_for(
    server: Material, client: Material, tmp_path: Path
) -> None:
    context = http_context(replace(server, client_ca=client.certificate))
    visitor = trusting(server)
    with pytest.raises(ssl.SSLError, match="peer did not return a certificate"):
        shake_hands(context, visitor, "localhost")
    visitor.load_cert_chain(*saved(tmp_path, client))
    assert shake_hands(context, visitor, "localhost")


def test_grpc_speaks_both(server: Material, client: Material) -> None:
    material = replace(server, client_ca=client.certificate)
    listening = grpc.server(ThreadPoolExecutor(1))
    port = listening.add_secure_port("127.0.0.1:0", grpc_credentials(material))
    listening.start()
    try:
        credentials = grpc.ssl_channel_credentials(server.certificate, client.key, client.certificate)
        with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
            grpc.channel_ready_future(channel).result(timeout=10)
    finally:
        listening.stop(None)


def test_files_are_read(server: Material, client: Material, tmp_path: Path) -> None:
    certificate, key = saved(tmp_path, server)
    authority = tmp_path / "authority.pem"
    authority.write_bytes(client.certificate)
    material = from_files(certificate, key, authority)
    assert material == replace(server, client_ca=client.certificate)
    assert self_signed([], NOW, authority).client_ca == client.certificate


def test_files_that_cannot_be_used_are_refused(server: Material, client: Material, tmp_path: Path) -> None:
    certificate, key = saved(tmp_path, server)
    with pytest.raises(InputError, match=r"tls\.certificate .*none\.pem cannot be read \(No such file"):
        from_files(tmp_path / "none.pem", key)
    text = tmp_path / "text.pem"
    text.write_text("hello")
    with pytest.raises(InputError, match=r"tls\.key .*text\.pem is no PEM file"):
        from_files(certificate, text)
    with pytest.raises(InputError, match="cannot be used together"):
        from_files(key, key)
    key.write_bytes(client.key)
    with pytest.raises(InputError, match="cannot be used together"):
        from_files(certificate, key)
    with pytest.raises(InputError, match=r"tls\.client_ca .* holds no certificate"):
        self_signed([], NOW, key)


def test_an_encrypted_key_is_refused_without_asking_the_terminal(server: Material, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  an extra

    certificate, key = saved(tmp_path, server)
    secret = serialization.load_pem_private_key(server.key, None)
    encryption = serialization.BestAvailableEncryption(b"word")
    key.write_bytes(secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    with pytest.raises(InputError, match="the key is encrypted; decrypt it"):
        from_files(certificate, key)


@pytest.mark.parametrize("name", ["höst", "a" * 5000 + "ü"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="No certificate can be made"):
        self_signed([name], NOW)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtraError, match=r"lipstream\[tls\]"):
        self_signed([], NOW)
