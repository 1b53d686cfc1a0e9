from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from running import Running, running

from lipstream.clock import now_ms
from lipstream.errors import AccessError, BusyError, UnknownCallerError
from lipstream.serve.access import Guard
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.keys import Key, KeyFile, new_secret, sha256_of, write_keys
from lipstream.serve.quotas import Quotas
from lipstream.serve.rpc import Calls
from lipstream.serve.tokens import Tokens
from lipstream.serve.wires import monolithic
from lipstream.wire.pb import monolithic_pb2 as pb
from lipstream.wire.pb.monolithic_pb2_grpc import MonolithicServiceStub

ADMIN, TALKER = new_secret(), new_secret()


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    path = tmp_path / "keys.yaml"
    admin = Key(name="admin", sha256=sha256_of(ADMIN), scopes=frozenset({"infer", "admin"}))
    talker = Key(name="talker", sha256=sha256_of(TALKER), scopes=frozenset({"infer"}), max_concurrent=1)
    write_keys(path, [admin, talker])
    return Guard(KeyFile(path), Tokens(), Quotas(), now_ms)


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_without_keys_everybody_may_do_everything() -> None:
    with Guard(None, Tokens(), Quotas(), now_ms).admit({}, "127.0.0.1") as visitor:
        visitor.require("admin")
        assert visitor.name == "127.0.0.1"


def test_a_key_tells_who_it_is_and_what_he_may_do(guard: Guard) -> None:
    with guard.admit(bearer(TALKER), "anywhere") as visitor:
        assert visitor.name == "talker"
        visitor.require("infer")
        with pytest.raises(AccessError, match="this needs admin"):
            visitor.require("admin")
    for headers in ({}, bearer("ls_wrong")):
        with pytest.raises(UnknownCallerError), guard.admit(headers, "anywhere"):
            pass


def test_a_key_is_held_to_its_limits_while_it_is_used(guard: Guard) -> None:
    with guard.admit(bearer(TALKER), "a"):
        with pytest.raises(BusyError, match="talker has 1 requests under way"), guard.admit(bearer(TALKER), "a"):
            pass
        with guard.admit(bearer(ADMIN), "a"):
            pass
    with guard.admit(bearer(TALKER), "a"):
        pass


def test_a_token_admits_once_and_to_less(guard: Guard) -> None:
    with guard.admit(bearer(ADMIN), "a") as visitor:
        token = guard.token_for(visitor)
    with guard.admit({}, "a", token) as visitor:
        assert (visitor.name, visitor.scopes) == ("admin", frozenset({"infer"}))
    with pytest.raises(UnknownCallerError), guard.admit({}, "a", token):
        pass


@pytest.fixture
def guarded(core: Core, avatars: Avatars, guard: Guard) -> Iterator[Running]:
    with ThreadPoolExecutor(2) as workers:
        calls = Calls(workers, Allowance(2**30), guard.admit)
        with running(calls, {monolithic.SERVICE: monolithic.Monolithic(core, avatars)}) as server:
            yield server


def test_calls_are_refused_without_a_key_or_its_scope(guarded: Running) -> None:
    stub = MonolithicServiceStub(guarded.channel)

    def code(secret: str | None) -> grpc.StatusCode:
        metadata = [("authorization", f"Bearer {secret}")] if secret else []
        try:
            stub.LoadModel(pb.LoadModelRequest(model_id="tiny"), metadata=metadata)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    assert code(None) is grpc.StatusCode.UNAUTHENTICATED
    assert code("ls_wrong") is grpc.StatusCode.UNAUTHENTICATED
    assert code(TALKER) is grpc.StatusCode.PERMISSION_DENIED
    assert code(ADMIN) is grpc.StatusCode.OK
    request = pb.CompositeBatchRequest(model_id="tiny", batch_size=1)
    assert stub.InferBatchComposite(request, metadata=[("x-api-key", TALKER)]).success
