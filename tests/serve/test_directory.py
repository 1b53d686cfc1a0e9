import grpc
import pytest
from running import PATIENCE_S, Running

from lipstream.wire.pb import lipstream_v1_pb2 as pb
from lipstream.wire.pb.lipstream_v1_pb2_grpc import AvatarsStub, SpeechStub


@pytest.fixture
def stub(served: Running) -> AvatarsStub:
    return AvatarsStub(served.channel)


def test_all_that_can_be_named_are_listed(stub: AvatarsStub) -> None:
    answer = stub.List(pb.ListAvatarsRequest(), timeout=PATIENCE_S)
    assert answer.default_avatar == "tiny"
    damaged, tiny = answer.avatars
    assert damaged == pb.Avatar(name="other")  # known, but without a bundle in this test
    assert (tiny.name, tiny.aliases, tiny.loaded, tiny.device) == ("tiny", ["default_model"], False, "")
    assert (tiny.width, tiny.height) == (128, 128)
    assert tiny.clip_frames > 0
    assert tiny.qualities == [pb.QUALITY_LOW, pb.QUALITY_MEDIUM]
    assert tiny.licence
    assert tiny.subject


def test_an_avatar_is_loaded_once_and_unloaded_once(stub: AvatarsStub) -> None:
    loaded = stub.Load(pb.LoadAvatarRequest(name="default_model"), timeout=PATIENCE_S)
    assert (loaded.avatar.name, loaded.avatar.loaded, loaded.avatar.device) == ("tiny", True, "cpu")
    assert loaded.avatar.memory_bytes == 2**20
    assert stub.Get(pb.GetAvatarRequest(), timeout=PATIENCE_S).avatar == loaded.avatar
    again = stub.Load(pb.LoadAvatarRequest(name="tiny", device="cpu"), timeout=PATIENCE_S)
    assert (again.avatar, again.load_ms) == (loaded.avatar, 0)
    assert stub.Unload(pb.UnloadAvatarRequest(name="tiny"), timeout=PATIENCE_S).was_loaded
    assert not stub.Unload(pb.UnloadAvatarRequest(name="tiny"), timeout=PATIENCE_S).was_loaded
    assert not stub.Get(pb.GetAvatarRequest(name="tiny"), timeout=PATIENCE_S).avatar.loaded


def test_what_is_told_of_the_use_is_true(stub: AvatarsStub, served: Running) -> None:
    assert not stub.Stats(pb.StatsRequest(), timeout=PATIENCE_S).avatars
    speech = pb.GenerateRequest(audio=bytes(2 * 640 * 3))
    for _ in range(2):
        assert len(list(SpeechStub(served.channel).Generate(speech, timeout=PATIENCE_S))) == 4
    stats = stub.Stats(pb.StatsRequest(), timeout=PATIENCE_S)
    (tiny,) = stats.avatars
    assert (tiny.name, tiny.loaded, tiny.requests, tiny.frames, tiny.in_use) == ("tiny", True, 2, 6, 0)
    assert tiny.last_used_unix_ms == 1_700_000_000_123
    assert (stats.hits, stats.misses, stats.evictions) == (1, 1, 0)
    assert (stats.loaded_avatars, stats.max_avatars, stats.max_memory_bytes) == (1, 2, 0)
    assert stats.memory_bytes == tiny.memory_bytes == 2**20
    assert stats.uptime_ms > 0


@pytest.mark.parametrize(
    ("method", "request_of", "name", "code"),
    [
        ("Get", pb.GetAvatarRequest, "nobody", grpc.StatusCode.NOT_FOUND),
        ("Get", pb.GetAvatarRequest, "../tiny", grpc.StatusCode.INVALID_ARGUMENT),
        ("Load", pb.LoadAvatarRequest, "nobody", grpc.StatusCode.NOT_FOUND),
        ("Load", pb.LoadAvatarRequest, "", grpc.StatusCode.INVALID_ARGUMENT),
        ("Unload", pb.UnloadAvatarRequest, "nobody", grpc.StatusCode.NOT_FOUND),
        ("Unload", pb.UnloadAvatarRequest, "", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_names_that_nobody_has_are_refused(
    stub: AvatarsStub, method: str, request_of: type[pb.GetAvatarRequest], name: str, code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request_of(name=name), timeout=PATIENCE_S)
    assert caught.value.code() is code


def test_a_device_that_is_not_there_is_refused(stub: AvatarsStub) -> None:
    with pytest.raises(grpc.RpcError, match="cuda:7") as caught:
        stub.Load(pb.LoadAvatarRequest(name="tiny", device="cuda:7"), timeout=PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
