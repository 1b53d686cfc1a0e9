import numpy as np
import pytest

from lipstream.audio.opus import DELAY_SAMPLES, MOST_PACKET_BYTES, OpusDecoder, OpusEncoder
from lipstream.errors import InputError
from lipstream.types import FRAME_SAMPLES, OPUS_RATE_HZ, Pcm


def test_sound_comes_back_a_packet_a_frame_so_much_later(hello: Pcm) -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    frames = [hello[start : start + FRAME_SAMPLES] for start in range(0, 30 * FRAME_SAMPLES, FRAME_SAMPLES)]
    packets = [encoder.encode(frame) for frame in frames]
    blocks = [decoder.decode(packet) for packet in packets]
    assert all(0 < len(packet) < 400 for packet in packets)
    assert [len(block) for block in blocks] == [OPUS_RATE_HZ // 25] * len(frames)
    heard = np.concatenate(blocks)[:: OPUS_RATE_HZ // 16_000]
    said = np.concatenate(frames)
    likeness = [np.dot(heard[delay:], said[: len(said) - delay]) for delay in range(3 * DELAY_SAMPLES)]
    assert abs(int(np.argmax(likeness)) - DELAY_SAMPLES) <= 2


def test_a_new_decoder_may_begin_anywhere(hello: Pcm) -> None:
    encoder = OpusEncoder()
    packets = [encoder.encode(hello[start : start + FRAME_SAMPLES]) for start in range(0, 6400, FRAME_SAMPLES)]
    assert len(OpusDecoder().decode(packets[5])) == 1920


@pytest.mark.parametrize("packet", [b"", b"\xff\xff\xff\x00garbage", bytes(MOST_PACKET_BYTES + 1)])
def test_what_is_no_packet_is_refused_and_the_next_one_decoded(packet: bytes, hello: Pcm) -> None:
    decoder = OpusDecoder()
    with pytest.raises(InputError, match=r"Opus packet"):
        decoder.decode(packet)
    assert len(decoder.decode(OpusEncoder().encode(hello[:FRAME_SAMPLES]))) == 1920


def test_random_bytes_break_nothing() -> None:
    decoder, random = OpusDecoder(), np.random.default_rng(1)
    for size in random.integers(1, 200, 200):
        try:
            block = decoder.decode(random.bytes(size))
        except InputError:
            continue
        assert np.isfinite(block).all()
        assert len(block) <= 2 * 5760
        assert np.abs(block).max(initial=0.0) <= 1
