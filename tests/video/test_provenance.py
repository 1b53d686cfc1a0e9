import io
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import cv2
import numpy as np
import pytest

from lipstream.types import Image
from lipstream.video.jpeg import decode_jpeg, encode_jpeg, open_jpegs
from lipstream.video.mp4 import mp4_fragments, open_mp4
from lipstream.video.provenance import DIGITAL_SOURCE_TYPE, mark_jpeg, xmp

SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
TITLE = ".//{http://purl.org/dc/elements/1.1/}title//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
DESCRIPTION = ".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
PICTURE: Image = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)


def title_of(packet: bytes) -> str | None:
    """The title of a packet that says how its picture came to be."""
    tree = ET.fromstring(packet.decode("utf-8"))  # noqa: S314  our own bytes
    description = tree.find(DESCRIPTION)
    assert description is not None
    assert description.get(SOURCE_TYPE) == DIGITAL_SOURCE_TYPE
    title = tree.find(TITLE)
    return None if title is None else title.text


def xmp_of_jpeg(data: bytes) -> bytes:
    place = 2
    while data[place] == 0xFF and data[place + 1] in (0xE0, 0xE1):
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        content = data[place + 4 : place + 2 + length]
        if data[place + 1] == 0xE1:
            name, _, packet = content.partition(b"\0")
            assert name == b"http://ns.adobe.com/xap/1.0/"
            return packet
        place += 2 + length
    return b""


def boxes(data: bytes) -> list[tuple[str, bytes]]:
    found, place = [], 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        found.append((data[place + 4 : place + 8].decode("ascii"), data[place + 8 : place + length]))
        place += length
    assert place == len(data)
    return found


def xmp_of_mp4(data: bytes) -> bytes:
    (content,) = (content for kind, content in boxes(data) if kind == "uuid")
    assert content[:16].hex() == "be7acfcb97a942e89c71999491e3afac"
    return content[16:]


@pytest.mark.parametrize(("name", "title"), [("iris", "iris"), ("", None), ("<a>&'\"\0ü", "<a>&'\"ü")])
def test_a_packet_says_generated_and_by_whom(name: str, title: str | None) -> None:
    assert title_of(xmp(name)) == title


def test_a_jpeg_is_marked_and_its_picture_the_same() -> None:
    marked, plain = encode_jpeg(PICTURE, avatar="iris"), encode_jpeg(PICTURE, avatar=None)
    assert title_of(xmp_of_jpeg(marked)) == "iris"
    assert xmp_of_jpeg(plain) == b""
    assert np.array_equal(decode_jpeg(marked), decode_jpeg(plain))
    assert title_of(xmp_of_jpeg(encode_jpeg(PICTURE))) is None
    assert marked[:20] == plain[:20]  # JFIF comes first


def test_a_jpeg_without_jfif_is_marked_too() -> None:
    _, encoded = cv2.imencode(".jpg", PICTURE)
    bare = encoded.tobytes()[:2] + encoded.tobytes()[20:]
    assert title_of(xmp_of_jpeg(mark_jpeg(bare, "iris"))) == "iris"
    assert np.array_equal(decode_jpeg(mark_jpeg(bare, "x" * 100_000)), decode_jpeg(bare))


def test_files_carry_the_mark(tmp_path: Path) -> None:
    with open_jpegs(tmp_path / "%d.jpg", avatar="iris") as jpegs:
        jpegs.write(PICTURE)
    with open_mp4(tmp_path / "out.mp4", width=64, height=48, sound=iter([]), avatar="iris") as mp4:
        mp4.write(PICTURE)
    assert title_of(xmp_of_jpeg((tmp_path / "0.jpg").read_bytes())) == "iris"
    assert title_of(xmp_of_mp4((tmp_path / "out.mp4").read_bytes())) == "iris"
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(list(container.decode(video=0))) == 1


def test_an_mp4_that_is_sent_carries_it_from_the_start() -> None:
    parts = list(mp4_fragments(iter([PICTURE] * 60), iter([]), avatar="iris"))
    assert [kind for kind, _ in boxes(parts[0])][:3] == ["ftyp", "uuid", "moov"]
    data = b"".join(parts)
    assert title_of(xmp_of_mp4(data)) == "iris"
    with av.open(io.BytesIO(data), "r") as container:
        assert len(list(container.decode(video=0))) == 60


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(PICTURE, avatar="iris"))
    (tmp_path / "b.mp4").write_bytes(b"".join(mp4_fragments(iter([PICTURE] * 3), iter([]), avatar="iris")))
    with open_mp4(tmp_path / "c.mp4", width=64, height=48, sound=iter([]), avatar="iris") as mp4:
        mp4.write(PICTURE)
    for path in sorted(tmp_path.iterdir()):
        command = ["exiftool", "-s3", "-n", "-XMP:DigitalSourceType", "-XMP:Title", str(path)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
        assert told.split() == [DIGITAL_SOURCE_TYPE, "iris"], path.name
