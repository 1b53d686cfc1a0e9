"""The Host and Origin headers of a request in, whether a browser may have been tricked into it out.

A page of another site can make a visitor's browser call this server (its Origin tells), and by DNS rebinding can even
make it believe that this server is that site (its Host tells: it is the site's name).
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from lipstream.errors import AccessError

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Origins:
    """From where browsers may call."""

    hosts: Collection[str] = ()
    """Names of this server, in lower case, besides localhost and numeric addresses, which nobody can rebind."""
    origins: Collection[str] = ()
    """Other web origins whose pages may call, as `https://example.org`."""

    def check(self, host: str | None, origin: str | None, *, secure: bool) -> None:
        """Let a request pass that no foreign page can have made.

        Args:
            host: its Host header, or HTTP/2 `:authority`.
            origin: its Origin header, None where no browser sent it.
            secure: whether it came over TLS.

        Raises:
            AccessError: the name is not one of this server's, or the page is of another site that is not listed.
        """
        name, _ = _split(host, secure=secure)
        if not (name == "localhost" or is_address(name) or name in self.hosts):
            raise AccessError(
                f"This server is not called {_quoted(host)}; use its address, or add the name to auth.hosts."
            )
        if origin is not None and not self._same_site(host, origin, secure=secure) and origin not in self.origins:
            raise AccessError(
                f"Pages of {_quoted(origin)} may not call this server; add that origin to auth.origins to let them."
            )

    def cors_headers(self, origin: str | None) -> dict[str, str]:
        """Headers that let a listed origin's page read an answer; none for any other: CORS is off unless asked for."""
        if origin is None or origin not in self.origins:
            return {}
        return {
            "access-control-allow-origin": origin,
            "access-control-allow-headers": "authorization, content-type, x-api-key, x-request-id",
            "access-control-allow-methods": "DELETE, GET, POST, OPTIONS",
            "access-control-expose-headers": "link, lipstream-session, location, x-request-id",
            "access-control-max-age": "600",
            "vary": "origin",
        }

    def _same_site(self, host: str | None, origin: str, *, secure: bool) -> bool:
        scheme, _, rest = origin.partition("://")
        return scheme == ("https" if secure else "http") and _split(rest, secure=secure) == _split(host, secure=secure)


def _split(host: str | None, *, secure: bool) -> tuple[str, int | None]:
    """Name in lower case and port of `name:port`; an empty name for what is none."""
    try:
        parts = urlsplit(f"//{host or ''}")
        port = parts.port or DEFAULT_PORTS["https" if secure else "http"]
    except ValueError:
        return "", None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return "", None
    return (parts.hostname or "").removesuffix("."), port


def is_address(name: str) -> bool:
    """Whether a host is written as an IPv4 or IPv6 address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _quoted(header: str | None) -> str:
    """A header to show: short, whatever was sent."""
    return repr((header or "")[:80])
