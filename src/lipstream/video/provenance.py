"""An avatar's name in, the mark that says a picture or film of it is generated out: XMP for JPEG and for MP4.

Its IPTC property `DigitalSourceType` is what picture archives, social networks and laws on marking look for.
"""

from functools import lru_cache
from uuid import UUID
from xml.sax.saxutils import escape

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
TOOL = "lipstream"
_JPEG_NAME = b"http://ns.adobe.com/xap/1.0/\0"  # of an APP1 segment that holds XMP
_MP4_UUID = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes  # of a box that holds XMP
_APP0, _APP1 = b"\xff\xe0", b"\xff\xe1"


@lru_cache(256)
def xmp(avatar: str = "") -> bytes:
    """The XMP packet of a generated picture or film.

    Args:
        avatar: its name, which becomes the title; empty for none.

    Returns:
        UTF-8.
    """
    name = escape("".join(letter for letter in avatar if letter.isprintable()))
    title = f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{name}</rdf:li></rdf:Alt></dc:title>' if name else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' xmp:CreatorTool="{TOOL}" Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}">{title}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def mark_jpeg(jpeg: bytes, avatar: str = "") -> bytes:
    """Put the mark into a JPEG, after the APP0 segment that JFIF wants first.

    Args:
        jpeg: a JPEG without XMP.
        avatar: as `xmp` takes it.
    """
    place = 4 + int.from_bytes(jpeg[4:6], "big") if jpeg[2:4] == _APP0 else 2
    return b"".join((jpeg[:place], _segment(avatar), jpeg[place:]))


@lru_cache(256)
def mp4_box(avatar: str = "") -> bytes:
    """The mark as a box, which may stand between any two boxes of an MP4, or after the last."""
    content = _MP4_UUID + xmp(avatar)
    return (8 + len(content)).to_bytes(4, "big") + b"uuid" + content


@lru_cache(256)
def _segment(avatar: str) -> bytes:
    content = _JPEG_NAME + xmp(avatar[:1000])  # a segment has at most 64 KB
    return _APP1 + (2 + len(content)).to_bytes(2, "big") + content
