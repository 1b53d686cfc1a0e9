import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_site import BRIEF_BYTES, Site, Visit, site
from socket_visit import Denied, visiting

from lipstream.clock import now_ms
from lipstream.errors import BusyError
from lipstream.serve.access import Guard
from lipstream.serve.avatars import Avatars
from lipstream.serve.call import Allowance
from lipstream.serve.core import Core
from lipstream.serve.http.incoming import HttpLimits
from lipstream.serve.keys import Key, KeyFile, Scope, new_secret, sha256_of, write_keys
from lipstream.serve.origins import Origins
from lipstream.serve.quotas import Quotas
from lipstream.serve.tokens import Tokens

OPEN = ["/", "/docs", "/openapi.json", "/health/live", "/health/ready"]


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


def test_a_request_keeps_the_id_that_the_client_gave_it(tiny_site: Site) -> None:
    answer = tiny_site.client.get("/v1/avatars", headers={"x-request-id": "my-call_1.2"})
    assert answer.headers["x-request-id"] == "my-call_1.2"
    (told,) = tiny_site.answered
    assert (told.request_id, told.method, told.status, told.client) == (
        "my-call_1.2",
        "/v1/avatars",
        "OK",
        "testclient",
    )


@pytest.mark.parametrize("sent", ["", "two words", "a" * 101, "a<b>"])
def test_an_id_that_could_mislead_is_replaced(tiny_site: Site, sent: str) -> None:
    first, second = (tiny_site.client.get("/", headers={"x-request-id": sent}).headers["x-request-id"] for _ in "12")
    assert sent != first != second
    assert first.isalnum()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/v1/avatars/", 404), ("GET", "/v1/generate", 405), ("POST", "/", 405)],
)
def test_a_route_that_is_none_is_told_so(tiny_site: Site, method: str, path: str, status: int) -> None:
    answer = tiny_site.client.request(method, path)
    assert answer.status_code == status
    assert "/docs" in answer.json()["error"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert tiny_site.answered[0].status == "UNIMPLEMENTED"


def test_a_socket_where_there_is_no_route_is_told_so(tiny_site: Site) -> None:
    async def visit() -> None:
        async with visiting(tiny_site.app, "/nowhere") as visitor:
            assert await visitor.hear() == Denied(404)

    asyncio.run(visit())


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "", "localhost@evil.example"])
def test_another_host_is_refused(tiny_site: Site, host: str) -> None:
    for path in ("/v1/avatars", "/health/live", "/metrics"):
        assert tiny_site.client.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080", "lips.example"])
def test_its_own_names_are_answered(tiny_site: Site, host: str) -> None:
    named = tiny_site.but(origins=Origins(hosts=("lips.example",)))
    assert named.client.get("/health/live", headers={"host": host}).status_code == 200


def test_pages_of_other_sites_are_refused_unless_listed(tiny_site: Site) -> None:
    foreign = {"origin": "https://page.example"}
    answer = tiny_site.client.post("/v1/generate", headers=foreign)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert tiny_site.client.get("/", headers={"origin": "http://localhost"}).status_code == 200
    listed = tiny_site.but(origins=Origins(origins=("https://page.example",)))
    answer = listed.client.get("/v1/avatars", headers=foreign)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, foreign["origin"])
    assert listed.client.options("/v1/generate", headers=foreign).status_code == 204
    assert listed.client.options("/v1/generate").status_code == 405


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(tiny_site: Site) -> None:
    small = tiny_site.but(limits=HttpLimits(max_body_bytes=1000))
    visit = Visit("/v1/generate", body=[b"x"], headers={"content-length": "1001"}).make(small.app)
    assert visit.status == 413
    answer = small.client.post("/v1/generate", content=b"x" * 1001)
    assert answer.status_code == 413
    assert "at most 1,000 bytes" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/v1/generate", "/v1/legacy/infer"])
@pytest.mark.parametrize("kind", ["audio/wav", "multipart/form-data; boundary=x"])
def test_a_body_that_never_ends_is_read_no_further_than_the_limit(tiny_site: Site, path: str, kind: str) -> None:
    small = tiny_site.but(limits=HttpLimits(max_body_bytes=1000))
    head = b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n'
    parts = [head, *[b"y" * 100] * 50]
    visit = Visit(path, body=parts, headers={"content-type": kind, "content-length": "10"})
    visit.make(small.app)
    assert visit.status == 413
    assert small.parts.allowance.held_bytes == 0


def test_bodies_of_all_clients_together_are_limited(tiny_site: Site) -> None:
    allowance = Allowance(1000)
    allowance.take(900)
    answer = tiny_site.but(allowance=allowance).client.post("/v1/generate", content=b"x" * 200)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert allowance.held_bytes == 900


def test_a_body_that_stops_arriving_is_not_waited_for(tiny_site: Site) -> None:
    slow = tiny_site.but(limits=HttpLimits(stall_s=0.01))
    visit = Visit("/v1/generate", body=[b"x"], complete=False, stalls=True)
    visit.make(slow.app)
    # The client takes nothing either, but what is left of the answer is small enough for the socket.
    assert visit.status == 408


def keys(tmp_path: Path, **secrets: tuple[str, frozenset[Scope]]) -> KeyFile:
    path = tmp_path / "keys.yaml"
    write_keys(
        path, [Key(name=name, sha256=sha256_of(secret), scopes=scopes) for name, (secret, scopes) in secrets.items()]
    )
    return KeyFile(path)


def test_keys_let_in_and_scopes_limit(tiny_site: Site, tmp_path: Path) -> None:
    mine, hers = new_secret(), new_secret()
    known = keys(tmp_path, me=(mine, frozenset({"infer"})), her=(hers, frozenset({"admin"})))
    guarded = tiny_site.but(guard=Guard(known, Tokens(), Quotas(), now_ms))
    client = guarded.client
    for path in OPEN:
        assert client.get(path).status_code == 200
    answer = client.get("/v1/avatars")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("/v1/avatars", headers={"authorization": "Bearer no"}).status_code == 401
    assert client.get("/v1/avatars", headers={"authorization": f"Bearer {mine}"}).status_code == 200
    assert guarded.answered[-1].client == "me"
    assert client.get("/v1/avatars", headers={"x-api-key": hers}).status_code == 403
    assert client.get("/metrics", headers={"x-api-key": mine}).status_code == 403
    assert client.get("/metrics", headers={"x-api-key": hers}).status_code == 200
    assert client.post("/v1/generate", content=b"x").status_code == 401


def test_a_token_lets_a_browser_in_once(tiny_site: Site, tmp_path: Path, hello_path: Path) -> None:
    mine = new_secret()
    known = keys(tmp_path, me=(mine, frozenset({"infer", "admin"})))
    client = tiny_site.but(guard=Guard(known, Tokens(), Quotas(), now_ms)).client
    issued = client.post("/v1/tokens", headers={"authorization": f"Bearer {mine}"})
    assert issued.headers["cache-control"] == "no-store"
    assert issued.json()["expires_in_s"] == 60
    path = f"/v1/generate?format=jpeg&token={issued.json()['token']}"
    assert client.post(path, content=hello_path.read_bytes()[:BRIEF_BYTES]).status_code == 200
    assert client.post(path, content=hello_path.read_bytes()[:BRIEF_BYTES]).status_code == 401
    other = client.post("/v1/tokens", headers={"authorization": f"Bearer {mine}"}).json()["token"]
    assert client.get(f"/metrics?token={other}").status_code == 403
    last = client.post("/v1/tokens", headers={"authorization": f"Bearer {mine}"}).json()["token"]
    assert client.post(f"/v1/tokens?token={last}").status_code == 401  # or it would last for ever


def test_a_key_counts_until_its_answer_is_sent(tiny_site: Site, tmp_path: Path, hello_path: Path) -> None:
    mine = new_secret()
    known = keys(tmp_path, me=(mine, frozenset({"infer"})))
    quotas, running = Quotas(), []
    guarded = tiny_site.but(guard=Guard(known, Tokens(), quotas, now_ms))
    (key,) = known.keys()

    def note(_: object) -> bool:
        running.append(quotas.running(key))
        return False

    headers = {"authorization": f"Bearer {mine}"}
    Visit("/v1/generate?format=jpeg", body=[hello_path.read_bytes()[:BRIEF_BYTES]], headers=headers, until=note).make(
        guarded.app
    )
    assert set(running) == {1}
    assert quotas.running(key) == 0


def test_a_server_that_cannot_issue_a_token_says_so(tiny_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise BusyError("Too many.")

    monkeypatch.setattr(Tokens, "issue", full)
    assert tiny_site.client.post("/v1/tokens").status_code == 503
