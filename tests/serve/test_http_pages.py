import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_site import Site, site
from starlette.routing import Route

from lipstream import __version__
from lipstream.clock import now_ms
from lipstream.serve.avatars import Avatars
from lipstream.serve.core import Core
from lipstream.serve.http.app import routes
from lipstream.serve.http.openapi import document
from lipstream.serve.webrtc.desk import Desk
from lipstream.serve.webrtc.settings import DEFAULT_SETTINGS


@pytest.fixture
def tiny_site(core: Core, avatars: Avatars, tiny_path: Path) -> Iterator[Site]:
    with site(core, avatars, tiny_path) as made:
        yield made


def test_every_route_is_described_and_no_other(tiny_site: Site) -> None:
    described = {(path, method) for path, operations in document()["paths"].items() for method in operations}
    served = {
        (route.path, method.lower())
        for route in routes(tiny_site.parts, Desk(tiny_site.parts.live, DEFAULT_SETTINGS, now_ms))
        if isinstance(route, Route)
        for method in (route.methods or ())
        if method != "HEAD"
    }
    assert described == served


def test_the_document_holds_together(tiny_site: Site) -> None:
    answer = tiny_site.client.get("/openapi.json")
    assert (answer.json()["openapi"], answer.json()["info"]["version"]) == ("3.1.0", __version__)
    schemas = answer.json()["components"]["schemas"]
    assert set(re.findall(r"#/components/schemas/(\w+)", answer.text)) == set(schemas)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_nothing_from_elsewhere(tiny_site: Site, path: str) -> None:
    page = tiny_site.client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe-eval" not in page.headers["content-security-policy"]
    assert not re.search(r"(src|href)=\"(http|//)|<script>|\bon\w+=\"", page.text)
    assert __version__ in page.text


def test_the_page_of_routes_names_them_all(tiny_site: Site) -> None:
    page = tiny_site.client.get("/docs").text
    for path in document()["paths"]:
        assert f" {path}</code>" in page
    assert "gain" in page


@pytest.mark.parametrize("path", ["/v1/stream", "/ws"])
def test_a_socket_that_is_asked_by_plain_http_says_so(tiny_site: Site, path: str) -> None:
    answer = tiny_site.client.get(path)
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert "`Upgrade: websocket`" in answer.json()["error"]


def test_links_of_the_first_page_lead_somewhere(tiny_site: Site) -> None:
    client = tiny_site.client
    links = re.findall(r'(?:href|src)="([^"#]+)"', client.get("/").text)
    assert len(links) >= 5
    assert {client.get(link).status_code for link in links} == {200}


def test_health_follows_the_server(tiny_site: Site) -> None:
    assert tiny_site.client.get("/health/ready").json() == {"status": "ready"}
    draining = tiny_site.but(ready=lambda: False).client
    answer = draining.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
    assert draining.get("/health/live").status_code == 200


def test_metrics_are_what_was_measured(tiny_site: Site) -> None:
    answer = tiny_site.client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert answer.text == "lipstream_up 1\n"
    assert answer.headers["content-type"] == "text/plain; asked=application/openmetrics-text"
