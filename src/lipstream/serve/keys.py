"""What a caller sends along in, the API key that it is out; the keys file holds hashes alone."""

import hashlib
import hmac
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lipstream.errors import InputError, OutputError, UnknownCallerError, reason_of

Scope = Literal["infer", "admin"]
"""infer: make avatars speak. admin: load, unload and see statistics of all."""
Signature = tuple[int, int, int]
"""Time of change in ns, size in bytes and inode of a file."""

_EXPECTED = {
    "name": "1 to 64 of A-Z a-z 0-9 . _ @ -, the first a letter or digit",
    "sha256": "64 of 0-9 a-f",
    "scopes": "a list of infer, admin or both",
    "max_concurrent": "a whole number of 1 or more",
    "per_minute": "a whole number of 1 or more",
}
_ALL_EXPECTED = f"a list `keys`, of which each has any of {', '.join(_EXPECTED)}"
_log = logging.getLogger(__name__)


class Key(BaseModel):
    """One API key; the key itself is known to its owner alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
    """Whose it is; also how it is revoked, and what logs call its owner."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the key, lower-case hexadecimal; needs no salt, because the key is 256 random bits."""
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    """What it allows."""
    max_concurrent: Annotated[int, Field(ge=1)] | None = None
    """The most requests and streams at once; None for no limit."""
    per_minute: Annotated[int, Field(ge=1)] | None = None
    """The most requests a minute, and at once after a quiet minute; None for no limit."""


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[Key, ...] = ()


def new_secret() -> str:
    """A new API key: `ls_` and 256 random bits in 43 characters of base64url."""
    return f"ls_{secrets.token_urlsafe(32)}"


def sha256_of(secret: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def secret_in(headers: Mapping[str, str]) -> str | None:
    """The key in headers or metadata with lower-case names: `authorization: Bearer KEY`, or `x-api-key: KEY`."""
    kind, _, secret = headers.get("authorization", "").strip().partition(" ")
    return secret.strip() if kind.lower() == "bearer" and secret else headers.get("x-api-key")


class KeyFile:
    """The keys of a file, read again when it changes; any number of threads at once.

    A file that cannot be read any more lets nobody in: a key that was just revoked must not live on by a typing error.
    """

    def __init__(self, path: Path, signature: Callable[[Path], Signature | None] | None = None) -> None:
        """Read the file.

        Args:
            path: what `write_keys` wrote.
            signature: what changes whenever the file does, None without a file; normally `signature_of`.

        Raises:
            InputError: as `read_keys`.
        """
        self._path, self._signature = path, signature or signature_of
        self._lock = threading.Lock()
        self._seen = self._signature(path)
        self._keys = read_keys(path)

    def keys(self) -> tuple[Key, ...]:
        """All keys that count now."""
        with self._lock:
            seen = self._signature(self._path)
            if seen != self._seen:
                self._seen = seen
                self._keys = self._read_again()
            return self._keys

    def identify(self, secret: str | None) -> Key:
        """Whose key this is; takes as long for any wrong key.

        Raises:
            UnknownCallerError: it is none of the file's, or None.
        """
        if secret is None:
            raise UnknownCallerError("This server asks for a key: send `authorization: Bearer KEY`.")
        digest = sha256_of(secret)
        found = [key for key in self.keys() if hmac.compare_digest(key.sha256, digest)]
        if not found:
            raise UnknownCallerError("This key is not known, or was revoked; ask who runs the server for a new one.")
        return found[0]

    def named(self, name: str) -> Key:
        """The key of that name, as a token refers to it.

        Raises:
            UnknownCallerError: it was revoked.
        """
        for key in self.keys():
            if key.name == name:
                return key
        raise UnknownCallerError(f"The key {name} was revoked.")

    def _read_again(self) -> tuple[Key, ...]:
        try:
            return read_keys(self._path)
        except InputError as error:
            _log.error("nobody is let in until the keys file can be read", extra={"reason": str(error)})
            return ()


def signature_of(path: Path) -> Signature | None:
    """Time of change, size and inode of a file; None if it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of a YAML or JSON file.

    Raises:
        InputError: it cannot be read, others may write it, it is malformed, or two keys have one name.
    """
    text = _text_of(path)
    try:
        keys = _Keys.model_validate(yaml.safe_load(text) or {}).keys
    except ValidationError as error:
        raise InputError(f"The keys file {path} is malformed: {fault_of(error)}.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(
            f"The keys file {path} is neither YAML nor JSON: line {line}: {error.problem or error.context}."
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"The keys file {path} is neither YAML nor JSON ({reason_of(error)}).") from error
    if len({key.name for key in keys}) < len(keys) or len({key.sha256 for key in keys}) < len(keys):
        raise InputError(f"The keys file {path} holds a key or a name twice; remove one of them.")
    return keys


def fault_of(error: ValidationError) -> str:
    """The first thing that is wrong, in our words; a value is not repeated, for it could be a key."""
    fault = error.errors()[0]
    place = ".".join(map(str, fault["loc"])) or "the whole"
    expected = next((_EXPECTED[part] for part in fault["loc"] if part in _EXPECTED), None)
    return f"{place} is {'missing' if fault['type'] == 'missing' else 'wrong'}; expected {expected or _ALL_EXPECTED}"


def _text_of(path: Path) -> str:
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"There is no keys file {path}; `lipstream keys new --name NAME` makes it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The keys file {path} cannot be read ({error}); expected YAML or JSON.") from error
    if os.name == "posix" and mode & 0o022:
        raise InputError(f"Others may write {path}, and so let themselves in; run `chmod 600` on it.")
    return text


def write_keys(path: Path, keys: Iterable[Key]) -> None:
    """Write the keys, whole or not at all, readable by nobody else: JSON if it is called `.json`, else YAML.

    Raises:
        OutputError: it cannot be written.
    """
    entries = [key.model_dump(exclude_none=True) | {"scopes": sorted(key.scopes)} for key in keys]
    content: dict[str, object] = {"keys": entries}
    text = json.dumps(content, indent=1) if path.suffix == ".json" else yaml.safe_dump(content, sort_keys=False)
    path = path.resolve()  # a link stays one
    staging = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
            staging.replace(path)
        finally:
            staging.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"The keys file {path} cannot be written: {error}") from error
