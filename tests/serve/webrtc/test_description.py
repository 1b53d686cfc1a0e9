import pytest

from lipstream.errors import InputError
from lipstream.serve.webrtc.description import admissible, codec_of, offered, with_address

ANSWER = """v=0\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=candidate:5 1 udp 2130706431 10.0.0.7 40000 typ host\r
a=candidate:6 1 udp 2130706431 fd00::7 40001 typ host\r
a=rtpmap:111 opus/48000/2\r
m=video 9 UDP/TLS/RTP/SAVPF 98 99\r
a=rtpmap:97 VP8/90000\r
a=rtpmap:98 H264/90000\r
a=rtpmap:99 rtx/90000\r
"""


def test_what_an_offer_speaks_of() -> None:
    assert offered("v=0\r\nm=audio 9 UDP 0\r\nm=video 9 UDP 0\r\nm=application 9 UDP 0\r\n") == ["audio", "video"]
    assert offered("v=0\r\nm=audio 0 UDP 0\r\nm=video 9 UDP 0\r\n") == ["video"]
    with pytest.raises(InputError, match="names audio, video, audio; expected one"):
        offered("v=0\r\nm=audio 9 UDP 0\r\nm=video 9 UDP 0\r\nm=audio 9 UDP 0\r\n")
    with pytest.raises(InputError, match="neither audio nor video"):
        offered("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n")


@pytest.mark.parametrize("port", ["9" * 5_000, "\u0669", "-9", "", "9x"])
def test_a_port_that_is_none_offers_nothing(port: str) -> None:
    with pytest.raises(InputError, match="neither audio nor video"):
        offered(f"v=0\r\nm=audio {port} UDP 0\r\n")


def test_bundle_only_media_are_offered_and_come_by_the_way_of_the_first() -> None:
    way = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789\r\na=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\n"
    offer = f"v=0\r\nm=audio 9 UDP 0\r\n{way}a=mid:0\r\nm=video 0 UDP 0\r\na=bundle-only\r\na=mid:1\r\n"
    assert offered(offer) == ["audio", "video"]
    assert admissible(offer) == offer + way
    assert admissible(admissible(offer)) == offer + way
    with pytest.raises(InputError, match="audio, application, application"):
        offered("m=audio 9 UDP 0\r\n" + 2 * "m=application 0 UDP 0\r\na=bundle-only\r\n")


def test_what_the_session_says_is_not_the_way_of_its_media() -> None:
    session = "v=0\r\na=fingerprint:sha-256 AB:CD\r\na=group:BUNDLE 0 1\r\n"
    way = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789\r\na=setup:actpass\r\n"
    offer = f"{session}m=audio 9 UDP 0\r\n{way}a=mid:0\r\nm=video 0 UDP 0\r\na=bundle-only\r\na=mid:1\r\n"
    assert admissible(offer) == offer + way


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r\n\r\n"])
def test_lines_end_as_they_are_to(end: str) -> None:
    way = "a=ice-ufrag:abcd\r\n"
    offer = f"v=0\r\nm=audio 9 UDP 0\r\n{way}m=video 0 UDP 0\r\na=bundle-only"
    assert admissible(offer + end) == f"{offer}\r\n{way}"
    assert admissible(offer.replace("\r", "") + end) == f"{offer}\r\n{way}"


def test_names_that_nobody_can_resolve_are_left_out_and_more_candidates_may_come() -> None:
    kept = "a=candidate:1 1 udp 2113937151 10.0.0.9 51000 typ host\r\n"
    name = "a=candidate:2 1 udp 2113937151 0f0c-1.local 51001 typ host generation 0\r\n"
    assert admissible(f"{kept}{name}a=end-of-candidates\r\na=mid:0\r\n") == f"{kept}a=mid:0\r\n"


def test_an_address_outside_is_named_beside_those_of_its_kind() -> None:
    assert with_address(ANSWER, None) == ANSWER
    lines = with_address(ANSWER, "203.0.113.5").splitlines()
    assert lines[2] == "a=candidate:5n 1 udp 1677721600 203.0.113.5 40000 typ srflx raddr 10.0.0.7 rport 40000"
    assert "\r\n".join([*lines[:2], *lines[3:], ""]) == ANSWER


def test_the_codec_of_an_answer() -> None:
    assert codec_of(ANSWER, "video") == "H264"
    assert codec_of(ANSWER, "audio") == "opus"
    assert codec_of(ANSWER.replace("m=video 9", "m=video 0"), "video") is None
    assert codec_of("v=0\r\n", "video") is None
