from types import SimpleNamespace
from typing import Any, cast

import av
import pytest
from fake_session import HEIGHT, WIDTH, frame

from lipstream.pipeline.avatar import Avatar
from lipstream.serve.ws.framing import KEY_GAP_FRAMES, Framing
from lipstream.video.jpeg import decode_jpeg
from lipstream.wire.live_messages import Start

TINY = cast("Avatar", SimpleNamespace(name="tiny", clip=SimpleNamespace(width=WIDTH, height=HEIGHT)))


def framing(**start: Any) -> Framing:  # noqa: ANN401  fields of Start
    return Framing(Start(**start), TINY, jpeg_quality=75)


def test_key_frames_are_given_to_whoever_asks_but_not_all_the_time() -> None:
    made = framing(picture="h264")
    keys = []
    for index in range(4 * KEY_GAP_FRAMES):
        if KEY_GAP_FRAMES // 2 <= index < 2 * KEY_GAP_FRAMES:
            made.ask_key()
        keys += [index] * made.pack(frame(index), picture=True).key
    assert keys == [0, KEY_GAP_FRAMES, 2 * KEY_GAP_FRAMES]


def test_pictures_that_are_left_out_leave_the_others_decodable() -> None:
    made, decoder = framing(picture="h264"), av.VideoCodecContext.create("h264", "r")
    packed = [made.pack(frame(10 * index), picture=index % 3 != 1) for index in range(9)]
    shown = [one for message in packed if not message.repeated for one in decoder.decode(av.Packet(message.picture))]
    assert len(shown + decoder.decode(None)) == 6


@pytest.mark.parametrize(("max_width", "size"), [(None, (WIDTH, HEIGHT)), (64, (64, 42)), (1000, (WIDTH, HEIGHT))])
def test_pictures_are_no_wider_than_wanted(max_width: int | None, size: tuple[int, int]) -> None:
    made = framing(max_width=max_width)
    message = made.pack(frame(0), picture=True)
    assert (made.width, made.height) == (message.width, message.height) == size
    assert decode_jpeg(message.picture).shape == (size[1], size[0], 3)


def test_quality_is_the_clients_or_the_servers() -> None:
    sizes = [len(framing(jpeg_quality=quality).pack(frame(1), picture=True).picture) for quality in (5, None, 100)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 1
