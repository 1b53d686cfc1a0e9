"""The routes as an OpenAPI 3.1 document, for programs and for the page at /docs."""

from collections.abc import Mapping
from typing import Any

from lipstream import __version__
from lipstream.serve.wires.asked import DEFAULT_AVATAR

Json = dict[str, Any]

_OPEN: list[Json] = [{}]
_KEY: list[Json] = [{"key": []}]
_NAME: Json = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
_NUMBERS: Json = {"type": "array", "items": {}, "description": "Numbers, flat or nested."}
_BINARY: Json = {"type": "string", "format": "binary"}
_ERRORS = {
    "400": "Something sent cannot be used.",
    "401": "No key, or an unknown one.",
    "403": "A key without that scope, or a page of another site.",
    "404": "There is no such avatar.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "503": "The server is full, or a limit of the key is reached; ask again after Retry-After seconds.",
}
_ERROR: Json = {
    "type": "object",
    "required": ["error", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "What was got, what was expected, what to do."},
        "request_id": {"type": "string", "description": "As in the header x-request-id and in the server's log."},
    },
}


def document() -> Json:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lipstream",
            "version": __version__,
            "description": "Audio in, video of a person whose lips follow it out. Every answer has an x-request-id, "
            "the client's own if it sent one. Where the server asks for keys: `authorization: Bearer KEY`.",
        },
        "components": {
            "schemas": {"Error": _ERROR, "Avatar": _avatar()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": _KEY,
        "paths": {**_speaking(), **_sockets(), **_live(), **_avatars(), **_operating(), **_pages()},
    }


def _speaking() -> Json:
    return {
        "/v1/generate": {
            "post": _operation(
                "Make an avatar speak",
                "25 pictures a second, as many as the sound lasts. The answer leaves while it is made: an MP4 in "
                "fragments (H.264, AAC), which plays as it arrives, or one JPEG a picture. An answer that breaks off "
                "is incomplete.",
                _ok({"video/mp4": _BINARY, "multipart/x-mixed-replace": _BINARY}),
                parameters=[
                    _query("avatar", {"type": "string", "default": DEFAULT_AVATAR}, "Who speaks."),
                    _query("format", {"enum": ["mp4", "jpeg"]}, "If not given, the header Accept counts; else mp4."),
                    _query("gain", {"type": "number", "minimum": 0, "maximum": 2, "default": 1}, "Of the mouth."),
                    _query("token", {"type": "string"}, "A one-use token, in place of a key."),
                ],
                body={
                    "audio/*": _BINARY,
                    "multipart/form-data": {
                        "type": "object",
                        "required": ["audio"],
                        "properties": {"audio": _BINARY},
                    },
                },
            )
        },
        "/v1/legacy/infer": {
            "post": _operation(
                "Paint the mouths of a batch",
                "The reference's InferBatch as JSON, to compare with gRPC, which is many times faster.",
                _ok({"application/json": _legacy_answer()}),
                body={"application/json": _legacy_request()},
            )
        },
        "/v1/tokens": {
            "post": _operation(
                "Get a token for a browser",
                "It admits once, within a minute, to what needs scope infer, as the parameter token of the URL.",
                _ok(_json({"token": {"type": "string"}, "expires_in_s": {"type": "integer"}})),
            )
        },
    }


def _sockets() -> Json:
    opened: Json = {
        "101": {"description": "The socket is open."},
        "426": {"description": "No WebSocket was asked for."},
    }
    stream = "Sound in, pictures and their sound back, while it is spoken; subprotocol lipstream.v1."
    old = "Messages of the reference system's WebSocket servers."
    more = " docs/protocol.md has its messages."
    return {
        "/v1/stream": {"get": _operation("A WebSocket: speak live", stream + more, opened, security=_KEY)},
        "/ws": {"get": _operation("A WebSocket: clients of old", old + more, opened, security=_KEY)},
    }


def _live() -> Json:
    sdp: Json = {"application/sdp": {"type": "string"}}
    created: Json = {"201": {"description": "The answer; DELETE of its Location ends it.", "content": _schemas(sdp)}}
    session = {**_NAME, "name": "session", "description": "As the answer to a talker named it: lipstream-session."}
    connection = {**_NAME, "name": "connection"}
    ended: Json = {"200": {"description": "It is over.", "content": {}}}
    return {
        "/v1/webrtc": {
            "get": _operation(
                "What to speak over WebRTC with",
                "The configuration of a browser's RTCPeerConnection: servers for what cannot go straight.",
                _ok(_json({"iceServers": {"type": "array", "items": {"type": "object"}}})),
            ),
            "post": _operation(
                "Speak with an avatar over WebRTC",
                "Sound both ways, its picture back: an offer in, an answer out. docs/webrtc.md has the messages of the "
                "data channel.",
                created,
                parameters=[
                    _query("avatar", {"type": "string", "default": DEFAULT_AVATAR}, "Who speaks."),
                    _query("source", {"enum": ["microphone", "tts"]}, "Where the sound comes from; microphone."),
                    _query("gain", {"type": "number", "minimum": 0, "maximum": 2, "default": 1}, "Of the mouth."),
                    _query("echo", {"enum": ["0", "1"]}, "Whether the sound comes back with the pictures; 1."),
                    _query("sound_in", {"type": "string"}, "What is done to the sound: any of echo,noise,gain."),
                    _query("token", {"type": "string"}, "A one-use token, in place of a key."),
                ],
                body=sdp,
            ),
        },
        "/v1/webrtc/{connection}": {
            "delete": _operation("Hang up", "Whoever knows its name may.", ended, parameters=[connection])
        },
        "/v1/whep/{session}": {
            "post": _operation(
                "Watch a session", "WHEP: an offer in, an answer out.", created, parameters=[session], body=sdp
            )
        },
        "/v1/whep/{session}/{connection}": {
            "delete": _operation("Watch no more", "", ended, parameters=[session, connection])
        },
    }


def _avatars() -> Json:
    many = {"avatars": {"type": "array", "items": {"$ref": "#/components/schemas/Avatar"}}}
    one = {"application/json": {"$ref": "#/components/schemas/Avatar"}}
    return {
        "/v1/avatars": {"get": _operation("All avatars", "Loaded or not.", _ok(_json(many)))},
        "/v1/avatars/{name}": {"get": _operation("One avatar", "All of it.", _ok(one), parameters=[_NAME])},
        "/v1/avatars/{name}/poster.jpg": {
            "get": _operation("A picture of it", "A JPEG.", _ok({"image/jpeg": _BINARY}), parameters=[_NAME])
        },
    }


def _operating() -> Json:
    status = _json({"status": {"type": "string"}})
    ready = {**_ok(status), "503": {"description": "Not yet, or not any more."}}
    return {
        "/health/live": {"get": _operation("Whether the process lives", "", _ok(status), security=_OPEN)},
        "/health/ready": {"get": _operation("Whether it serves", "", ready, security=_OPEN)},
        "/metrics": {
            "get": _operation("What it measured", "For Prometheus; scope admin.", _ok({"text/plain": _BINARY}))
        },
    }


def _pages() -> Json:
    html = _ok({"text/html": _BINARY})
    return {
        "/": {"get": _operation("Speak with an avatar", "A page, for people.", html, security=_OPEN)},
        "/page/{file}": {
            "get": _operation(
                "Its files", "Scripts, styles.", html, parameters=[{**_NAME, "name": "file"}], security=_OPEN
            )
        },
        "/docs": {"get": _operation("These routes", "A page.", html, security=_OPEN)},
        "/openapi.json": {"get": _operation("These routes", "This document.", _ok(_json({})), security=_OPEN)},
    }


def _operation(summary: str, description: str, responses: Json, *, body: Json | None = None, **more: object) -> Json:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    errors = {} if "security" in more else {code: {"description": _ERRORS[code], "content": error} for code in _ERRORS}
    operation = {"summary": summary, "description": description, "responses": {**errors, **responses}, **more}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _schemas(body)}
    return operation


def _ok(content: Mapping[str, Json]) -> Json:
    return {"200": {"description": "It.", "content": _schemas(content)}}


def _schemas(content: Mapping[str, Json]) -> Json:
    return {media_type: {"schema": schema} for media_type, schema in content.items()}


def _json(properties: Json) -> Json:
    return {"application/json": {"type": "object", "properties": properties}}


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _avatar() -> Json:
    whole, text = {"type": "integer"}, {"type": "string"}
    return {
        "type": "object",
        "required": ["name", "loaded"],
        "properties": {
            "name": text,
            "loaded": {"type": "boolean"},
            "device": {"type": ["string", "null"]},
            "memory_bytes": whole,
            "poster": text,
            "width": whole,
            "height": whole,
            "mouth": {"type": "object", "properties": dict.fromkeys(("left", "top", "width", "height"), whole)},
            "clip_frames": whole,
            "fps": whole,
            "qualities": {"type": "array", "items": text},
            "licence": text,
            "subject": text,
        },
    }


def _legacy_request() -> Json:
    return {
        "type": "object",
        "required": ["batch_size"],
        "properties": {
            "model_id": {"type": "string", "default": DEFAULT_AVATAR},
            "batch_size": {"type": "integer", "minimum": 1, "maximum": 25},
            "visual_frames": {**_NUMBERS, "description": "[b or 1, 6, 320, 320], flat or nested; or none."},
            "audio_features": {**_NUMBERS, "description": "[b or 1, 32, 16, 16], flat or nested; or none."},
            "start_frame_idx": {"type": "integer", "minimum": 0, "default": 0},
        },
    }


def _legacy_answer() -> Json:
    return {
        "type": "object",
        "properties": {
            "output_frames": {**_NUMBERS, "description": "[b, 3, 320, 320] BGR in 0..1, flat."},
            "inference_time_ms": {"type": "number"},
            "success": {"type": "boolean"},
            "error": {"type": "string"},
        },
    }
