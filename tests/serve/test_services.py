import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from running import PATIENCE_S, Running

from lipstream.errors import InputError
from lipstream.serve.access import scope_of
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.serve.live.floor import Live
from lipstream.serve.remote import Remote
from lipstream.serve.services import services
from lipstream.types import Pcm
from lipstream.wire.pb import inference_pb2, monolithic_pb2, optimized_lipsyncsrv_pb2
from lipstream.wire.pb.inference_pb2_grpc import InferenceServiceStub
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub

ALL = {
    "lipstream.v1.Speech",
    "lipstream.v1.Avatars",
    "monolithic.MonolithicService",
    "optimized_lipsyncsrv.OptimizedLipSyncService",
    "lipsync.LipSync",
    "lipsync.LipSyncComposite",
    "lipsync.MultiTenantLipSync",
    "inference.InferenceService",
    "compositing.CompositingService",
    "lipsyncsrv.LipSyncService",
}
ADMIN_VERBS = ("Load", "Unload")
CLIENTS, ROUNDS = 6, 2


def test_every_role_serves_its_contracts(core: Core, avatars: Avatars, live: Live, served: Running, home: Path) -> None:
    remote = Remote(core.registry, served.channel, "there:1", core.now_ms)
    assert {one.full_name for one in services("all", core, avatars, live, home=home)} == ALL
    (networks,) = services("inference", core, avatars, live, home=home)
    assert networks.full_name == "inference.InferenceService"
    (pictures,) = services("compositing", core, avatars, live, home=home, remote=remote)
    assert pictures.full_name == "compositing.CompositingService"
    with pytest.raises(InputError, match="--inference-url"):
        services("compositing", core, avatars, live, home=home)


def test_whatever_loads_or_unloads_needs_admin(core: Core, avatars: Avatars, live: Live, home: Path) -> None:
    for service, target in services("all", core, avatars, live, home=home).items():
        for method in service.methods:
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
            needed = "admin" if method.name.startswith(ADMIN_VERBS) else "infer"
            assert scope_of(getattr(target, name)) == needed, method.full_name


def test_clients_at_once_get_their_own_frames_and_nobody_elses(served: Running, hello: Pcm) -> None:
    """Recordings, pictures and contracts differ from client to client; each gets what it gets when it is alone."""

    def ask(client: int) -> list[bytes]:
        pcm, first = np.roll(hello, 2900 * client) * np.float32(1 - 0.1 * client), 2 * client
        match client % 3:
            case 0:
                whole = monolithic_pb2.CompositeBatchRequest(
                    model_id="tiny", batch_size=6, start_frame_idx=first, raw_audio=pcm.tobytes()
                )
                answer = MonolithicServiceStub(served.channel).InferBatchComposite(whole, timeout=PATIENCE_S)
                return list(answer.composited_frames)
            case 1:
                chunks = [pcm[start : start + 640].tobytes() for start in range(0, 640 * 21, 640)]
                patches = optimized_lipsyncsrv_pb2.BatchInferenceWithAudioRequest(
                    model_name="tiny", frame_count=6, start_frame_id=first, audio_chunks=chunks
                )
                stub = OptimizedLipSyncServiceStub(served.channel)
                responses = stub.GenerateBatchWithAudio(patches, timeout=PATIENCE_S).responses
                return [one.prediction_data for one in responses]
            case _:
                mouths = inference_pb2.InferBatchRequest(model_id="tiny", batch_size=6, raw_audio=pcm.tobytes())
                outputs = InferenceServiceStub(served.channel).InferBatch(mouths, timeout=PATIENCE_S).outputs
                return [one.data for one in outputs]

    alone = [ask(client) for client in range(CLIENTS)]
    assert all(len(frames) == 6 for frames in alone)
    assert len({b"".join(frames) for frames in alone}) == CLIENTS
    with ThreadPoolExecutor(CLIENTS) as clients:
        together: list[tuple[int, Future[list[bytes]]]] = [
            (client, clients.submit(ask, client)) for _ in range(ROUNDS) for client in range(CLIENTS)
        ]
        for client, answer in together:
            assert answer.result(PATIENCE_S) == alone[client]


def test_every_call_survives_messages_of_nobody(
    served: Running, core: Core, avatars: Avatars, live: Live, home: Path
) -> None:
    whole = b"\n\x04tiny\x12\x03abc\x1a\x03abc\x28\x01"  # names and bytes where most requests have them
    for service in services("all", core, avatars, live, home=home):
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            for sent in (b"\xff\xff\xff", b"", whole, whole[:3], whole[:-1], whole * 2):
                code = answer_of(served.channel, path, sent, streams=method.client_streaming)
                assert code not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN), (path, sent)
                if sent == b"\xff\xff\xff":
                    assert code is grpc.StatusCode.INVALID_ARGUMENT, path


def answer_of(channel: grpc.Channel, path: str, sent: bytes, *, streams: bool) -> grpc.StatusCode:
    """Status of a call with these bytes."""
    try:
        if streams:
            both: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
            assert len(list(both(iter([sent]), timeout=PATIENCE_S))) == 1
        else:
            one: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
            one(sent, timeout=PATIENCE_S)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK
