"""The keys of `lipstream serve`: what each means, its unit, its range and its default."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from lipstream.config.environment import LogLevel

_ORIGIN = re.compile(r"https?://[^/\s*@]+")
_STUN = re.compile(r"stun:[^\s:?]+(:\d{1,5})?")
_TURN = re.compile(r"turns?:[^\s:?]+(:\d{1,5})?(\?transport=(udp|tcp))?")
_ADDRESS = re.compile(r"[^\s/@]+:\d{1,5}")


def _split(value: object) -> object:
    """A list as the environment writes it: `50051,50053`."""
    if isinstance(value, str):
        return [part.strip() for part in value.strip("[] ").split(",") if part.strip()]
    return [value] if isinstance(value, int) else value


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:  # ~nobody
        raise ValueError(str(error)) from error


def _host(text: str) -> str:
    """A name, or an address that can be one."""
    if ":" in text or not re.search("[A-Za-z]", text):
        ip_address(text.strip("[]"))
    return text


def _matching(pattern: re.Pattern[str]) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(text)
        return text

    return AfterValidator(check)


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
File = Annotated[Path, AfterValidator(_at_home)]
Ports = Annotated[tuple[Port, ...], BeforeValidator(_split), Field(min_length=1, max_length=16)]
MorePorts = Annotated[tuple[Port, ...], BeforeValidator(_split), Field(max_length=16)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_split)]
Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Origins = Annotated[tuple[Annotated[str, _matching(_ORIGIN)], ...], BeforeValidator(_split)]
Devices = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$")], ...],
    BeforeValidator(_split),
    Field(min_length=1),
]
VideoCodecs = Annotated[tuple[Literal["H264", "VP8"], ...], BeforeValidator(_split), Field(min_length=1, max_length=2)]
SoundSteps = Annotated[tuple[Literal["echo", "noise", "gain"], ...], BeforeValidator(_split)]
TlsMode = Annotated[
    Literal["off", "self-signed", "files"],
    BeforeValidator(lambda value: "off" if value is False else value),  # YAML reads a bare `off` as false
]


class _Tree(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class Server(_Tree):
    """Where it listens and how much it takes."""

    role: Literal["all", "inference", "compositing"] = "all"
    """all, or one half of a pair of processes: inference (the networks), compositing (the pictures)"""
    inference_url: Annotated[str, _matching(_ADDRESS)] | None = None
    """HOST:PORT of the inference process; for role compositing alone"""
    inference_ca: File | None = None
    """a PEM file: who signed the inference process's certificate; if set, the way there is encrypted"""
    inference_key_file: File | None = None
    """a file with the key that the inference process asks for, and nothing else"""
    host: Annotated[str, StringConstraints(pattern=r"^[^\s/]+$"), AfterValidator(_host)] = "127.0.0.1"
    """the address to listen on, as 0.0.0.0 or ::1; other than loopback it needs auth.keys_file or auth.insecure"""
    grpc_port: Ports = (50051, 50053)
    """the TCP ports of gRPC, 1 to 16 of them, each 0 to 65535; 0 takes a free one"""
    http_port: Port = 8080
    """the TCP port of HTTP, 0 to 65535; 0 takes a free one"""
    compat_port: MorePorts = ()
    """further TCP ports for WebSocket clients of the reference system, up to 16, each 0 to 65535; 0 takes a free one"""
    max_message_mb: Annotated[int, Field(ge=1, le=2047)] = 200
    """the largest message, 1 to 2047 MB of 1,048,576 bytes"""
    max_bytes_in_flight_mb: Annotated[int, Field(ge=1, le=1_048_576)] = 1024
    """the most that all messages being worked on may hold, 1 to 1048576 MB; at least max_message_mb"""
    max_calls: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """the most gRPC calls at once, streams among them, 1 to 100000; further ones are told to come again"""
    max_audio_s: Annotated[float, Field(gt=0, le=86_400)] = 600
    """the longest sound of a request, and that of a session which waits, above 0, at most 86400 seconds"""
    drain_s: Annotated[float, Field(ge=0, le=3600)] = 10
    """how long what runs may take to end after SIGTERM, 0 to 3600 seconds"""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """threads that parse, blend and encode, 0 to 256; 0 means four a CPU core"""


class Tls(_Tree):
    """How connections are encrypted."""

    mode: TlsMode = "off"
    """off, self-signed (a certificate made at start, its fingerprint printed) or files"""
    certificate: File | None = None
    """a PEM file: the certificate, then those that signed it; for mode files"""
    key: File | None = None
    """a PEM file: the certificate's private key, not encrypted; for mode files"""
    client_ca: File | None = None
    """a PEM file: who signs the clients' certificates; if set, only such clients are let in"""


class Auth(_Tree):
    """Who is let in."""

    keys_file: File | None = None
    """the file that `lipstream keys` writes; if set, every request needs a key of it"""
    insecure: bool = False
    """true lets an address that others can reach listen without keys"""
    hosts: Words = ()
    """names under which browsers may call this server, besides localhost and numeric addresses"""
    origins: Origins = ()
    """web origins, as https://example.org, whose pages may call this server; none unless named"""


class Registry(_Tree):
    """Which avatars are kept in memory."""

    max_models: Annotated[int, Field(ge=1, le=10_000)] = 8
    """the most avatars in memory, 1 to 10000"""
    max_memory_mb: Annotated[int, Field(ge=1, le=16_777_216)] | None = None
    """the most memory of all avatars, 1 to 16777216 MB of 1,048,576 bytes; null for no limit"""
    eviction_policy: Literal["lfu", "lru"] = "lfu"
    """which avatar leaves when there is no room: lfu (the least used) or lru (the longest unused)"""
    half_life_minutes: Annotated[float, Field(gt=0, le=525_600)] = 10
    """for lfu: after how many minutes a use counts half, above 0, at most 525600"""
    idle_timeout_minutes: Annotated[float, Field(ge=0, le=525_600)] = 60
    """after how many unused minutes an avatar is unloaded, 0 to 525600; 0 means never"""
    preload: Names = ("iris",)
    """avatars loaded and warmed up before the server is ready"""
    aliases: Mapping[Name, Name] = Field(default={"default_model": "iris"})
    """other names of avatars, as default_model: iris"""
    quality: Literal["low", "medium", "high", "auto"] = "auto"
    """low is fastest, high is best, auto is medium"""


class Batching(_Tree):
    """How frames of all clients share calls of the network."""

    max_batch: Annotated[int, Field(ge=1, le=256)] = 16
    """the most frames in one call, 1 to 256; 1 turns sharing off"""
    window_ms: Annotated[float, Field(ge=0, le=1000)] = 4
    """how long a frame may wait for others to share its call, 0 to 1000 ms"""
    max_queue_ms: Annotated[int, Field(ge=10, le=600_000)] = 10_000
    """how much video may wait to be painted before more is refused, 10 to 600000 ms, of which a frame is 40"""


class DeviceChoice(_Tree):
    """What the networks run on."""

    names: Devices = ("auto",)
    """auto, or any of cpu, cuda, cuda:0, cuda:1, ..."""
    assignment_strategy: Literal["round-robin", "least-loaded", "preferred"] = "round-robin"
    """which device the next avatar goes to: round-robin, least-loaded, or preferred (the first named with room)"""
    workers: Annotated[int, Field(ge=1, le=16)] = 1
    """copies of an avatar's network on its device, 1 to 16"""
    engine: Literal["auto", "openvino", "onnx", "torch"] = "auto"
    """auto (the first that works here), openvino, onnx or torch"""


class LiveSessions(_Tree):
    """What sessions may take in which an avatar speaks while it is spoken to."""

    max_sessions: Annotated[int, Field(ge=0, le=100_000)] = 0
    """the most open at once, 0 to 100000; 0 means as many as this machine holds, measured at the start"""
    idle_timeout_s: Annotated[float, Field(ge=0, le=604_800)] = 300
    """after how many seconds a session ends to which nothing comes, 0 to 604800; 0 means never"""
    max_duration_s: Annotated[float, Field(ge=0, le=604_800)] = 43_200
    """after how many seconds a session ends, 0 to 604800; 0 means never"""
    adaptive: bool = True
    """whether sessions do less while frames are late: a smaller network, then 12.5 pictures a second"""


class WebRtc(_Tree):
    """How browsers speak with avatars and watch them over WebRTC; needs the extra webrtc."""

    codecs: VideoCodecs = ("H264", "VP8")
    """of pictures, H264 and VP8 or one of them; the first that a browser knows is used"""
    bitrate_kbps: Annotated[int, Field(ge=100, le=50_000)] = 2500
    """of pictures, 100 to 50000 thousand bits a second"""
    stun_url: Annotated[str, _matching(_STUN)] | None = None
    """stun:HOST:PORT, a server that tells this one its address behind a NAT"""
    turn_url: Annotated[str, _matching(_TURN)] | None = None
    """turn:HOST:PORT?transport=tcp or the like, a server that passes on what cannot go straight"""
    turn_username: Annotated[str, StringConstraints(pattern=r'^[^\s"]+$')] | None = None
    """the name this server and the browsers have there"""
    turn_credential_file: File | None = None
    """a file with the password for it and nothing else; browsers are told it"""
    public_address: Annotated[str, AfterValidator(lambda text: str(ip_address(text)))] | None = None
    """the address of a NAT that keeps ports (1:1), as of a cloud's machines"""
    connect_timeout_s: Annotated[float, Field(ge=1, le=600)] = 10
    """after how many seconds a connection is given up that does not come about, 1 to 600"""
    idle_timeout_s: Annotated[float, Field(ge=1, le=600)] = 10
    """after how many seconds without a packet the other side is taken for gone, 1 to 600"""
    max_viewers: Annotated[int, Field(ge=0, le=100_000)] = 100
    """who watch at the same time, of all sessions, 0 to 100000"""
    sound_in: SoundSteps = ()
    """what is done to a microphone's sound unless a request says: any of echo, noise, gain; needs the extra audio"""


class Output(_Tree):
    """How frames are returned where the contract leaves it open."""

    format: Literal["jpeg", "raw"] = "jpeg"
    """of frames in packages monolithic and compositing: jpeg, or raw (height x width x 3 bytes, blue green red)"""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 75
    """quality of JPEG pictures, 1 to 100"""


class Logging(_Tree):
    """What is told."""

    level: LogLevel = "info"
    """the least severe that is shown: debug, info, warning or error"""
    format: Literal["text", "json"] = "text"
    """text, or json (an object a line)"""
    slow_request_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 1000
    """a request slower than this is logged as a warning, 0 to 3600000 ms; 0 means none is"""
    sample_rate: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """log one in so many requests, 0 to 1000000; 0 means every one; failed and slow ones always"""


class ServerConfig(_Tree):
    """All of it."""

    server: Server = Server()
    tls: Tls = Tls()
    auth: Auth = Auth()
    registry: Registry = Registry()
    batching: Batching = Batching()
    devices: DeviceChoice = DeviceChoice()
    live: LiveSessions = LiveSessions()
    webrtc: WebRtc = WebRtc()
    output: Output = Output()
    logging: Logging = Logging()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = list(_contradictions(self))
        if faults:
            raise ValueError("\n".join(faults))
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens on `host`."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _contradictions(config: ServerConfig) -> list[str]:
    """What is wrong with values that are each allowed."""
    server, tls, auth, webrtc = config.server, config.tls, config.auth, config.webrtc
    files_given = tls.certificate is not None and tls.key is not None
    any_file = tls.certificate is not None or tls.key is not None
    rules = {
        f"server.host {server.host} can be reached by others, but nothing asks for a key: set auth.keys_file "
        "(`lipstream keys new` makes it), or auth.insecure to let everybody in.": (
            not is_loopback(server.host) and auth.keys_file is None and not auth.insecure
        ),
        "server.max_bytes_in_flight_mb is less than server.max_message_mb, so that no large message could ever be "
        "taken; raise it.": server.max_bytes_in_flight_mb < server.max_message_mb,
        "server.role compositing needs server.inference_url, the HOST:PORT of the inference process.": (
            server.role == "compositing" and server.inference_url is None
        ),
        f"server.inference_url is read by role compositing alone, and server.role is {server.role}.": (
            server.role != "compositing" and server.inference_url is not None
        ),
        "server.compat_port needs the networks, and server.role compositing has none; leave it out.": (
            server.role == "compositing" and bool(server.compat_port)
        ),
        "server.inference_ca and server.inference_key_file need server.inference_url.": (
            server.inference_url is None and (server.inference_ca is not None or server.inference_key_file is not None)
        ),
        "webrtc.turn_url needs webrtc.turn_username and webrtc.turn_credential_file.": webrtc.turn_url is not None
        and (webrtc.turn_username is None or webrtc.turn_credential_file is None),
        "tls.mode files needs both tls.certificate and tls.key.": tls.mode == "files" and not files_given,
        f"tls.certificate and tls.key are read in tls.mode files alone, and it is {tls.mode}.": (
            tls.mode != "files" and any_file
        ),
        "tls.client_ca needs tls.mode self-signed or files, and it is off.": (
            tls.mode == "off" and tls.client_ca is not None
        ),
    }
    return [sentence for sentence, broken in rules.items() if broken]
