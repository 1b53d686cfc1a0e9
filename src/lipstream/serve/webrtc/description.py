"""Session descriptions (SDP) in, what this server leaves out of an offer and adds to an answer out; text alone."""

import re
from ipaddress import ip_address
from typing import Literal

from lipstream.errors import InputError

Kind = Literal["audio", "video"]
MOST_BYTES = 64 * 1024
"""An offer of a browser with every codec it knows has 10."""
_SECTION = re.compile(r"^(?=m=)", re.MULTILINE)
_MEDIA = re.compile(r"m=(\w+) (\d{1,5}) ", re.ASCII)
_BUNDLE_ONLY = re.compile(r"^a=bundle-only\r?$", re.MULTILINE)
_WAY = re.compile(r"^a=(?:ice-ufrag|ice-pwd|fingerprint|setup|candidate):.*\n", re.MULTILINE)
_LEFT_OUT = re.compile(r"^a=(candidate:.* \S+\.local \d+ typ .*|end-of-candidates)\r?\n", re.MULTILINE)
_HOST = re.compile(r"^a=candidate:(\S+) (\d+) (udp) (\d+) (\S+) (\d+) typ host", re.MULTILINE)
_REFLEXIVE_PRIORITY = 100 << 24  # RFC 8445: below every host candidate, whose type preference is 126


def offered(offer: str) -> list[Kind]:
    """The kinds of media that an offer speaks of, in its order; port 0 rejects one, unless it is bundle-only.

    Raises:
        InputError: none, or one of them twice.
    """
    media = [(found, one) for one in _SECTION.split(offer) if (found := _MEDIA.match(one))]
    names = [found[1] for found, one in media if int(found[2]) or _BUNDLE_ONLY.search(one)]
    kinds: list[Kind] = ["audio" if name == "audio" else "video" for name in names if name in {"audio", "video"}]
    if not kinds:
        raise InputError("the offer names neither audio nor video; expected the SDP that createOffer gave")
    if len(set(names)) < len(names):
        raise InputError(f"the offer names {', '.join(names[:9])}; expected one audio and one video at most")
    return kinds


def admissible(offer: str) -> str:
    """An offer without what would only be waited for, and with all that aiortc asks of each of its media.

    Names of multicast DNS take a second each and are resolved in few networks; whoever has them sends checks from
    there, by which they are found. That holds as long as more candidates may come, so their end is not said.
    Bundle-only media come by the way of the first, and do not say so again; what the session says is said of all.
    """
    lines = re.sub(r"\r?\n", "\r\n", offer.rstrip("\r\n")) + "\r\n"
    sections = _SECTION.split(_LEFT_OUT.sub("", lines))
    way = next((found for one in sections[1:] if (found := "".join(_WAY.findall(one)))), "")
    return "".join(one + way if _BUNDLE_ONLY.search(one) and not _WAY.search(one) else one for one in sections)


def with_address(answer: str, public_address: str | None) -> str:
    """An answer that also names the address by which a NAT with the same ports (1:1) is known outside."""
    if public_address is None:
        return answer
    version = ip_address(public_address).version

    def with_outside(match: re.Match[str]) -> str:
        foundation, component, protocol, _, inside, port = match.groups()
        if ip_address(inside).version != version:
            return match[0]
        outside = f"a=candidate:{foundation}n {component} {protocol} {_REFLEXIVE_PRIORITY} {public_address} {port}"
        return f"{outside} typ srflx raddr {inside} rport {port}\r\n{match[0]}"

    return _HOST.sub(with_outside, answer)


def codec_of(answer: str, kind: Kind) -> str | None:
    """The codec that an answer puts first, such as `H264`; None where it has no such media."""
    line = re.search(rf"^m={kind} [1-9]\d* \S+ (\d+)", answer, re.MULTILINE)
    named = line and re.search(rf"^a=rtpmap:{line[1]} ([\w-]+)/", answer[line.end() :], re.MULTILINE)
    return named[1] if named else None
