"""Who sends a request in, a visitor with what he may do out; every wire asks here, once a request."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from lipstream.errors import AccessError
from lipstream.serve.keys import Key, KeyFile, Scope, secret_in
from lipstream.serve.quotas import Quotas
from lipstream.serve.tokens import Tokens

EVERYTHING: frozenset[Scope] = frozenset({"infer", "admin"})

BROWSERS: frozenset[Scope] = frozenset({"infer"})
"""What a token admits to, whatever its key may do."""

_Method = TypeVar("_Method", bound=Callable[..., Any])
_SCOPE = "needs_scope"


def for_admins(method: _Method) -> _Method:
    """Mark a method that answers a call: who calls it needs the scope admin."""
    setattr(method, _SCOPE, "admin")
    return method


def scope_of(method: Callable[..., Any]) -> Scope:
    """The scope that callers of a method need: infer, unless it is marked."""
    scope: Scope = getattr(method, _SCOPE, "infer")
    return scope


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent a request."""

    name: str
    """The name of the key, or the address where no keys are asked for."""
    scopes: frozenset[Scope] = EVERYTHING
    """What may be done."""

    def require(self, scope: Scope) -> None:
        """Let a visitor pass who has a scope.

        Raises:
            AccessError: this one has not.
        """
        if scope not in self.scopes:
            has = " and ".join(sorted(self.scopes))
            raise AccessError(f"The key {self.name} has scope {has}, and this needs {scope}; use a key that has it.")


@dataclass(frozen=True, eq=False)
class Guard:
    """Lets visitors in and holds each to the limits of the key; without keys everybody may do everything."""

    keys: KeyFile | None
    """Who may come in; None lets everybody."""
    tokens: Tokens
    """One-use tokens that browsers show in place of a key."""
    quotas: Quotas
    """How much each key may ask for."""
    now_ms: Callable[[], float]
    """A monotonic clock."""

    @contextmanager
    def admit(self, headers: Mapping[str, str], address: str, token: str | None = None) -> Iterator[Visitor]:
        """Let a visitor in for the time of one request.

        Args:
            headers: of the request, with lower-case names.
            address: where it comes from.
            token: sent in place of a key.

        Raises:
            UnknownCallerError: no key, or one that is not known.
            BusyError: the key asks for more than it may.
        """
        if self.keys is None:
            yield Visitor(address)
            return
        key = self._key(self.keys, headers, token)
        self.quotas.enter(key, self.now_ms())
        try:
            yield Visitor(key.name, key.scopes if token is None else key.scopes & BROWSERS)
        finally:
            self.quotas.leave(key)

    def count(self, visitor: Visitor) -> None:
        """Count a further request of a visitor who is inside, where a connection makes many.

        Raises:
            UnknownCallerError: the key was revoked meanwhile.
            BusyError: it asks more often than it may.
        """
        if self.keys is not None:
            self.quotas.count(self.keys.named(visitor.name), self.now_ms())

    def token_for(self, visitor: Visitor) -> str:
        """A token that admits the same visitor once, to make avatars speak and no more."""
        return self.tokens.issue(visitor.name, self.now_ms())

    def _key(self, keys: KeyFile, headers: Mapping[str, str], token: str | None) -> Key:
        if token is not None:
            return keys.named(self.tokens.redeem(token, self.now_ms()))
        return keys.identify(secret_in(headers))
