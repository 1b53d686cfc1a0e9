"""The page, its files and the OpenAPI document in, what a browser shows out; nothing is loaded from elsewhere."""

from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from lipstream import __version__
from lipstream.serve.call import Call
from lipstream.serve.http.openapi import Json, document

_POLICY = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>lipstream {version}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }}
code, pre {{ font: 14px ui-monospace, monospace; background: #8882; padding: 0 .2em; overflow-x: auto }}
section {{ border-top: 1px solid #8886; padding: .5rem 0 }}
</style>
{content}
</html>
"""
PAGE = Path(__file__).parents[1] / "page"
"""The page's own files."""
_FILES = StaticFiles(directory=PAGE)
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # it is asked for again after an update, and answered by 304 otherwise
}


async def index(request: Request, call: Call) -> Response:  # noqa: ARG001
    """The page on which an avatar speaks with its visitor."""
    page = (PAGE / "index.html").read_text("utf-8").replace("{version}", __version__)
    return HTMLResponse(page, headers=_PAGE_HEADERS)


async def file(request: Request, call: Call) -> Response:  # noqa: ARG001
    """One of the page's scripts, styles and sounds."""
    response = await _FILES.get_response(request.path_params["file"], request.scope)
    response.headers.update(_PAGE_HEADERS)
    return response


async def docs(request: Request, call: Call) -> Response:  # noqa: ARG001
    """The routes, to read."""
    described = document()
    sections = [
        _section(method.upper(), path, operation)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    ]
    return _page(f"<h1>Routes</h1><p>{escape(described['info']['description'])}</p>{''.join(sections)}")


async def openapi(request: Request, call: Call) -> Response:  # noqa: ARG001
    """The routes, for programs."""
    return JSONResponse(document())


def _page(content: str) -> Response:
    return HTMLResponse(_PAGE.format(version=__version__, content=content), headers=_POLICY)


def _section(method: str, path: str, operation: Json) -> str:
    rows = [
        f"<code>{escape(one['name'])}</code> {escape(_of_parameter(one))}" for one in operation.get("parameters", ())
    ]
    rows += [f"takes {_content(operation['requestBody'])}"] if "requestBody" in operation else []
    rows += [
        f"{code}: {escape(one['description'])} {_content(one) if code == '200' else ''}"
        for code, one in sorted(operation["responses"].items())
    ]
    listed = "".join(f"<li>{row}</li>" for row in rows)
    return (
        f"<section><h2><code>{method} {escape(path)}</code></h2><p>{escape(operation['summary'])}. "
        f"{escape(operation['description'])}</p><ul>{listed}</ul></section>"
    )


def _of_parameter(parameter: Json) -> str:
    schema = parameter["schema"]
    kind = schema.get("type") or " or ".join(schema["enum"])
    default = f", default {schema['default']}" if "default" in schema else ""
    return f"({kind}{default}) {parameter.get('description', '')}"


def _content(holder: Json) -> str:
    """Media types, with the fields of those that have some."""
    return "; ".join(
        f"<code>{escape(media_type)}</code>{_fields(one['schema'])}" for media_type, one in holder["content"].items()
    )


def _fields(schema: Json) -> str:
    rows = [
        f"<li><code>{escape(name)}</code> {escape(one.get('description', ''))}</li>"
        for name, one in schema.get("properties", {}).items()
    ]
    return f"<ul>{''.join(rows)}</ul>" if rows else ""
