"""A key's name and the time in, a token for a browser out, which names that key once and within a minute."""

import math
import secrets
import threading
from collections import OrderedDict

from lipstream.errors import BusyError, UnknownCallerError
from lipstream.serve.keys import sha256_of

LIFETIME_MS = 60_000
MOST_A_KEY = 1000
"""Unused tokens of one key, so that memory does not grow with who asks for them."""


class Tokens:
    """Tokens that were issued and not yet used; any number of threads at once.

    A page cannot keep a key secret, so it is handed a token, which gives scope infer and no other. Kept and looked up
    by hash, so that how long a wrong token takes says nothing about the right ones.
    """

    def __init__(self, lifetime_ms: float = LIFETIME_MS, most_a_key: int = MOST_A_KEY) -> None:
        """Start without any.

        Args:
            lifetime_ms: how long a token may be used.
            most_a_key: how many unused ones a key may have.
        """
        self._lifetime_ms, self._most_a_key = lifetime_ms, most_a_key
        self._open: dict[str, OrderedDict[str, float]] = {}
        """By key, when each token's hash expires; the oldest first."""
        self._lock = threading.Lock()

    def issue(self, key_name: str, now_ms: float) -> str:
        """A new token for the key of that name.

        Raises:
            BusyError: the key has as many unused ones as it may.
        """
        with self._lock:
            self._forget_expired(now_ms)
            waiting = self._open.setdefault(key_name, OrderedDict())
            if len(waiting) >= self._most_a_key:
                wait_ms = math.ceil(next(iter(waiting.values())) - now_ms)
                raise BusyError(
                    f"The key {key_name} has {len(waiting)} tokens that nobody used; use them, or wait "
                    f"{wait_ms / 1000:.1f} s.",
                    retry_after_ms=wait_ms,
                )
            token = f"lst_{secrets.token_urlsafe(32)}"
            waiting[sha256_of(token)] = now_ms + self._lifetime_ms
            return token

    def redeem(self, token: str, now_ms: float) -> str:
        """The name of the key that a token stands for; it counts only this once.

        Raises:
            UnknownCallerError: it was used, has expired, or never was one.
        """
        digest = sha256_of(token)
        with self._lock:
            self._forget_expired(now_ms)
            for key_name, waiting in self._open.items():
                if waiting.pop(digest, None) is not None:
                    return key_name
        raise UnknownCallerError(
            "This token was used already, is older than a minute, or never was one; get a new one."
        )

    def __len__(self) -> int:
        """How many are held."""
        return sum(map(len, self._open.values()))

    def _forget_expired(self, now_ms: float) -> None:
        for key_name, waiting in list(self._open.items()):
            while waiting and next(iter(waiting.values())) <= now_ms:
                waiting.popitem(last=False)
            if not waiting:
                del self._open[key_name]
