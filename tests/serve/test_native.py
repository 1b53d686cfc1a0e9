import io
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import av
import grpc
import numpy as np
import pytest
from pictures import alike, picture, same
from running import PATIENCE_S, Running

from lipstream.pipeline.avatar import Avatar
from lipstream.pipeline.offline import render
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import NOBODY, Call
from lipstream.serve.core import Core, Painted, Speech
from lipstream.serve.live.floor import Live
from lipstream.serve.manifests import Manifests
from lipstream.serve.wires.header import Headers
from lipstream.serve.wires.native import Native
from lipstream.types import FRAME_SAMPLES, Pcm
from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pb.lipstream_v1_pb2_grpc import SpeechStub
from lipstream.wire.pcm import int16_bytes

SHORT = 12 * FRAME_SAMPLES


@pytest.fixture
def stub(served: Running) -> SpeechStub:
    return SpeechStub(served.channel)


def generated(stub: SpeechStub, audio: bytes, **header: Any) -> tuple[list[pb.GenerateResponse], pb.Status]:  # noqa: ANN401  a field of the header
    """All parts but the last, and the status."""
    request = pb.GenerateRequest(header=pb.Header(**header), audio=audio)
    *parts, last = stub.Generate(request, timeout=PATIENCE_S)
    assert last.WhichOneof("part") == "status"
    return parts, last.status


def test_frames_are_those_of_the_offline_render_with_their_sound(stub: SpeechStub, hello: Pcm, tiny: Avatar) -> None:
    sent = int16_bytes(hello)
    parts, status = generated(stub, sent, avatar="tiny")
    frames = list(render(hello, tiny))
    assert [part.frame.index for part in parts] == list(range(len(frames))) == list(range(52))
    for part, frame in zip(parts, frames, strict=True):
        assert (part.frame.width, part.frame.height, part.frame.filler) == (128, 128, False)
        assert len(part.frame.audio) == 1280
        assert same(part.frame.image, frame.image)
    assert b"".join(part.frame.audio for part in parts)[: len(sent)] == sent
    assert (status.frames, status.filler_frames, status.samples) == (52, 0, len(hello))
    assert 0 < status.first_frame_ms <= status.total_ms
    opened = [float(picture(part.frame.image)[86:100, 58:70].mean()) for part in parts]
    assert max(opened) - min(opened) > 5  # the mouth moves


def test_raw_frames_of_the_default_avatar_from_anywhere_in_its_clip(stub: SpeechStub, tiny: Avatar) -> None:
    audio = np.zeros(3 * FRAME_SAMPLES, "<f4").tobytes()
    parts, _ = generated(stub, audio, audio_format=pb.AUDIO_FORMAT_FLOAT32, format=pb.FORMAT_RAW, first_clip_frame=7)
    rest = list(render(np.zeros(SHORT, np.float32), tiny))
    for part, frame in zip(parts, rest[7:10], strict=True):
        image = np.frombuffer(part.frame.image, np.uint8).reshape(part.frame.height, part.frame.width, 3)
        assert alike(image, frame.image)


def test_an_mp4_has_every_frame_and_the_sound_as_it_was_sent(stub: SpeechStub, hello: Pcm) -> None:
    at_48_khz = np.repeat(hello[: 2 * 16_000], 3)
    parts, status = generated(stub, int16_bytes(at_48_khz), avatar="tiny", format=pb.FORMAT_MP4, sample_rate_hz=48_000)
    assert len(parts) >= 2  # it plays as it arrives
    mp4 = b"".join(part.mp4 for part in parts)
    with av.open(io.BytesIO(mp4), "r") as container:
        assert sum(1 for _ in container.decode(video=0)) == 50 == status.frames
    with av.open(io.BytesIO(mp4), "r") as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert abs(len(sound) - 2 * 48_000) <= 2048
    delays = [np.corrcoef(sound[4000 + late : 90_000], at_48_khz[4000 : 90_000 - late])[0, 1] for late in (0, 1024)]
    assert max(delays) > 0.9  # AAC begins with 1,024 samples that players skip


def test_jpeg_quality_and_gain_make_a_difference(stub: SpeechStub, hello: Pcm) -> None:
    audio = int16_bytes(hello[:SHORT])
    plain, _ = generated(stub, audio)
    again, _ = generated(stub, audio, gain=1.0, lookahead_ms=452)
    assert plain == again
    fine, _ = generated(stub, audio, jpeg_quality=95)
    assert sum(len(part.frame.image) for part in fine) > 1.3 * sum(len(part.frame.image) for part in plain)
    closed, _ = generated(stub, audio, gain=0)
    assert closed != plain


def test_the_look_ahead_is_what_was_asked_for(
    core: Core, avatars: Avatars, live: Live, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Speech] = []

    def note(_: Core, speech: Speech, *__: object) -> Iterator[Painted]:
        asked.append(speech)
        return iter(())

    monkeypatch.setattr(Core, "speak", note)
    native = Native(core, live, Headers(avatars, Manifests(home)))
    for header in (pb.Header(), pb.Header(lookahead_ms=172)):
        list(native.generate(pb.GenerateRequest(header=header, audio=b"\0\0"), Call("1", NOBODY, {}, Future())))
    assert [speech.lookahead_ms for speech in asked] == [452, 172]


@pytest.mark.parametrize(
    ("header", "code", "error"),
    [
        ({"avatar": "nobody"}, grpc.StatusCode.NOT_FOUND, "There is no avatar 'nobody'"),
        ({"avatar": "../tiny"}, grpc.StatusCode.INVALID_ARGUMENT, "An avatar cannot be called '../tiny'"),
        ({"audio_format": 9}, grpc.StatusCode.INVALID_ARGUMENT, "audio_format is 9; expected one of 0, 1, 2"),
        ({"format": -1}, grpc.StatusCode.INVALID_ARGUMENT, "format is -1"),
        ({"quality": 17}, grpc.StatusCode.INVALID_ARGUMENT, "quality is 17"),
        ({"quality": 1}, grpc.StatusCode.INVALID_ARGUMENT, "quality is low, and this server loads .* quality medium"),
        ({"gain": 2.5}, grpc.StatusCode.INVALID_ARGUMENT, "The gain is 2.5; expected 0"),
        ({"gain": float("nan")}, grpc.StatusCode.INVALID_ARGUMENT, "The gain is nan"),
        ({"lookahead_ms": 100}, grpc.StatusCode.INVALID_ARGUMENT, "lookahead_ms is 100; expected 172 to 452"),
        ({"lookahead_ms": 0}, grpc.StatusCode.INVALID_ARGUMENT, "lookahead_ms is 0"),
        ({"jpeg_quality": 101}, grpc.StatusCode.INVALID_ARGUMENT, "jpeg_quality is 101; expected 1 to 100"),
        ({"first_clip_frame": -1}, grpc.StatusCode.INVALID_ARGUMENT, "first_clip_frame is -1; expected 0 or more"),
        ({"sample_rate_hz": 4000}, grpc.StatusCode.INVALID_ARGUMENT, "sample_rate_hz is 4,000; expected 8,000"),
    ],
)
def test_headers_that_cannot_be_met_are_refused(
    stub: SpeechStub, header: dict[str, Any], code: grpc.StatusCode, error: str
) -> None:
    with pytest.raises(grpc.RpcError, match=error) as caught:
        generated(stub, b"\0\0" * SHORT, **({"avatar": "tiny"} | header))
    assert caught.value.code() is code


@pytest.mark.parametrize(
    ("audio", "header", "error"),
    [
        (b"", {}, "audio holds no sample"),
        (b"\0\0", {"sample_rate_hz": 192_000}, "audio holds no sample"),  # a twelfth of one at 16 kHz
        (b"\0\0\0", {}, "audio has 3 bytes"),
        (b"\0\0\xc0\x7f", {"audio_format": 2}, "audio holds NaN"),
        (b"\0\0" * 8000 * 601, {"sample_rate_hz": 8000}, r"audio lasts 601.0 s; expected at most 600 s"),
    ],
)
def test_audio_that_cannot_be_spoken_is_refused(
    stub: SpeechStub, audio: bytes, header: dict[str, Any], error: str
) -> None:
    with pytest.raises(grpc.RpcError, match=error) as caught:
        generated(stub, audio, **header)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_quality_that_means_the_same_network_is_served(stub: SpeechStub) -> None:
    """The tiny avatar has no `standard` network, so that `high` is what it runs as `medium`."""
    for quality in (pb.QUALITY_MEDIUM, pb.QUALITY_HIGH):
        assert generated(stub, b"\0\0", avatar="tiny", quality=quality)[1].frames == 1


def test_one_sample_is_one_frame(stub: SpeechStub) -> None:
    parts, status = generated(stub, b"\0\x40")
    assert (len(parts), status.samples) == (1, 1)
    assert parts[0].frame.audio == b"\0\x40" + bytes(1278)


def test_who_leaves_lets_go_of_the_avatar(stub: SpeechStub, avatars: Avatars, hello: Pcm) -> None:
    minute = pb.GenerateRequest(audio=int16_bytes(np.resize(hello, 60 * 16_000)))
    answers: Iterator[pb.GenerateResponse] = stub.Generate(minute, timeout=PATIENCE_S)
    assert next(answers).frame.index == 0
    answers.cancel()  # type: ignore[attr-defined]  # grpc's iterator is a call too
    generated(stub, b"\0\0")
    used = avatars.named("tiny")
    assert used.frames < 60 * 25
