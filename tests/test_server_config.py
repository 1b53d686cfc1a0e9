import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
import yaml
from annotated_types import Ge, Gt, Le
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lipstream.config.compose import FIELDS, compose
from lipstream.config.former_keys import DROPPED, RENAMED
from lipstream.config.server import ServerConfig, is_loopback
from lipstream.config.show import to_yaml
from lipstream.errors import InputError


def written(folder: Path, text: str) -> Path:
    path = folder / "lipstream.yaml"
    path.write_text(text)
    return path


def faults(folder: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        compose(written(folder, text), environment or {}, {})
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_nothing_given_is_a_server_on_loopback() -> None:
    config = compose(None, {}, {}).config
    assert config.server.host == "127.0.0.1"
    assert config.server.grpc_port == (50051, 50053)
    assert config.server.http_port == 8080
    assert config.registry.aliases == {"default_model": "iris"}
    assert config.auth.keys_file is None


def test_flags_beat_environment_beats_file_beats_default(tmp_path: Path) -> None:
    path = written(tmp_path, "server: {http_port: 1, drain_s: 1, workers: 1}")
    environment = {"LIPSTREAM_SERVER__HTTP_PORT": "2", "LIPSTREAM_SERVER__DRAIN_S": "2"}
    composed = compose(path, environment, {"server.http_port": 3, "server.host": None})
    server = composed.config.server
    assert (server.http_port, server.drain_s, server.workers, server.max_message_mb) == (3, 2, 1, 200)
    assert composed.origins == {
        "server.http_port": "flag for server.http_port",
        "server.drain_s": "LIPSTREAM_SERVER__DRAIN_S",
        "server.workers": f"{path}:1",
    }


def test_the_environment_writes_lists_with_commas_and_trees_with_underscores() -> None:
    environment = {
        "LIPSTREAM_SERVER__GRPC_PORT": "1, 2",
        "LIPSTREAM_REGISTRY__ALIASES__FACE": "iris",
        "LIPSTREAM_AUTH__INSECURE": "true",
        "LIPSTREAM_REGISTRY__PRELOAD": "",
        "LIPSTREAM_HOME": "/x",
        "LIPSTREAM_LOG": "debug",
        "PATH": "/bin",
    }
    config = compose(None, environment, {}).config
    assert config.server.grpc_port == (1, 2)
    assert config.registry.aliases == {"face": "iris"}
    assert config.auth.insecure
    assert config.registry.preload == ("iris",)


def test_aliases_of_file_and_environment_are_joined_and_may_be_none(tmp_path: Path) -> None:
    path = written(tmp_path, "registry: {aliases: {my.face: iris}}")
    config = compose(path, {"LIPSTREAM_REGISTRY__ALIASES__B": "me"}, {}).config
    assert config.registry.aliases == {"my.face": "iris", "b": "me"}
    assert compose(written(tmp_path, "registry: {aliases: {}}"), {}, {}).config.registry.aliases == {}


def test_one_port_is_a_list_of_one(tmp_path: Path) -> None:
    assert compose(written(tmp_path, "server: {grpc_port: 7}"), {}, {}).config.server.grpc_port == (7,)


def test_paths_start_from_the_files_folder(tmp_path: Path) -> None:
    config = compose(written(tmp_path, "auth: {keys_file: keys.yaml}"), {}, {}).config
    assert config.auth.keys_file == tmp_path / "keys.yaml"
    config = compose(written(tmp_path, "auth: {keys_file: ~/keys.yaml}"), {}, {}).config
    assert config.auth.keys_file == Path("~/keys.yaml").expanduser()
    config = compose(None, {"LIPSTREAM_AUTH__KEYS_FILE": "keys.yaml"}, {}).config
    assert config.auth.keys_file == Path("keys.yaml")


def test_a_bare_off_of_yaml_is_off(tmp_path: Path) -> None:
    assert compose(written(tmp_path, "tls:\n  mode: off\n"), {}, {}).config.tls.mode == "off"


def test_anchors_and_empty_trees_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "server: &s {http_port: 9}\nbatching:\noutput: {}\n")
    assert compose(path, {}, {}).config.server.http_port == 9
    assert compose(written(tmp_path, ""), {}, {}).config == ServerConfig()


def test_the_keys_of_old_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
server: {port: ":50053", max_message_size_mb: 100}
gpus: {assignment_strategy: least-loaded}
capacity: {max_models: 40, max_memory_gb: 20, eviction_policy: lru, idle_timeout_minutes: 5}
output: {format: jpeg, jpeg_quality: 80}
logging: {log_level: debug, sample_rate: 10}
""",
    )
    composed = compose(path, {}, {})
    config = composed.config
    assert (config.server.grpc_port, config.server.max_message_mb) == ((50053,), 100)
    assert config.devices.assignment_strategy == "least-loaded"
    assert (config.registry.max_models, config.registry.max_memory_mb) == (40, 20 * 1024)
    assert (config.registry.eviction_policy, config.registry.idle_timeout_minutes) == ("lru", 5)
    assert (config.output.jpeg_quality, config.logging.level, config.logging.sample_rate) == (80, "debug", 10)
    assert composed.origins["registry.max_models"] == f"{path}:4, capacity.max_models"


def test_keys_of_old_without_meaning_are_refused_with_the_reason(tmp_path: Path) -> None:
    text = """
server: {queue_size: 50}
onnx: {library_path: /x, intra_op_threads: 4}
models_root: /models
models:
  sanders: {num_frames: 3305}
"""
    says = faults(tmp_path, text)
    assert says[0] == (
        "lipstream.yaml:2: server.queue_size is not used here: the queue is bounded in time; set batching.max_queue_ms."
    )
    assert [line.split(" is not", 1)[0] for line in says[1:]] == [
        "lipstream.yaml:3: onnx",
        "lipstream.yaml:4: models_root",
        "lipstream.yaml:6: models",
    ]


@pytest.mark.parametrize("key", [*DROPPED, *RENAMED])
def test_no_key_of_old_is_one_of_ours(key: str) -> None:
    assert key not in FIELDS
    assert key not in RENAMED or RENAMED[key].key in FIELDS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("server: {htp_port: 1}", "there is no key server.htp_port; did you mean server.http_port?"),
        ("server: {jpeg_quality: 1}", "there is no key server.jpeg_quality; did you mean output.jpeg_quality?"),
        ("capacity: {max_model: 1}", "there is no key capacity.max_model; did you mean capacity.max_models?"),
        ("output: {zzz: 1}", "there is no key output.zzz; output has format, jpeg_quality."),
        ("cluster: {zzz: 1}", "there is no key cluster.zzz; the file has server, tls, auth, registry"),
        ("server: 5", "server is 5, expected keys below it: role,"),
        ("server: {http_port: 99999}", "server.http_port is 99999, expected the TCP port of HTTP, 0 to 65535;"),
        ("server: {grpc_port: [1, x]}", "server.grpc_port is [1, 'x'], expected the TCP ports of gRPC"),
        ("server: {http_port: yes}", "server.http_port is True, expected the TCP port of HTTP"),
        ("registry: {aliases: {a: yes}}", "registry.aliases.a is True, expected other names"),
        ("server: {grpc_port: []}", "server.grpc_port is [], expected"),
        ("server: {drain_s: .nan}", "server.drain_s is nan, expected how long"),
        ("server: {host: 300.1.1.1}", "server.host is '300.1.1.1', expected the address to listen on, as 0.0.0.0"),
        ("server: {host: 'fe80::g'}", "server.host is 'fe80::g', expected the address"),
        ("server: {host: }", "server.host is None, expected the address"),
        ("server: {port: '0.0.0.0:50053'}", "expected :PORT; the address goes into server.host."),
        ("capacity: {max_memory_gb: much}", "capacity.max_memory_gb is 'much', expected a number of GB."),
        ("registry: {eviction_policy: fifo}", "registry.eviction_policy is 'fifo', expected which avatar leaves"),
        ("registry: {preload: [../x]}", "registry.preload is ['../x'], expected avatars"),
        ("registry: {aliases: {a b: iris}}", "registry.aliases.a b is 'iris', expected other names"),
        ("registry: {aliases: {a: b c}}", "registry.aliases.a is 'b c', expected other names"),
        ("registry: {aliases: 5}", "registry.aliases is 5, expected other names"),
        ("auth: {origins: ['*']}", "auth.origins is ['*'], expected web origins"),
        ("devices: {names: [tpu]}", "devices.names is ['tpu'], expected auto, or any of cpu"),
        ("- a\n- b", "expected `key: value`"),
        ("server: {http_port: 1, http_port: 2}", "server.http_port is given already by lipstream.yaml:1; remove one"),
        ("server: {grpc_port: 1, port: 2}", "server.grpc_port is given already by lipstream.yaml:1; remove one"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    (line,) = faults(tmp_path, text)
    assert line.startswith("lipstream.yaml:1: ")
    assert says in line


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = "server:\n  http_port: x\n  hots: y\ntls:\n  mode: maybe\n"
    environment = {"LIPSTREAM_SERVER_DRAIN_S": "3", "LIPSTREAM_BATCHING__MAX_BATCH": "0"}
    assert [line.split(": ", 1)[0] for line in faults(tmp_path, text, environment)] == [
        "lipstream.yaml:3",
        "LIPSTREAM_SERVER_DRAIN_S",
        "lipstream.yaml:2",
        "lipstream.yaml:5",
        "LIPSTREAM_BATCHING__MAX_BATCH",
    ]


def test_a_variable_with_one_underscore_is_corrected() -> None:
    with pytest.raises(InputError, match=r"^LIPSTREAM_TLS_MODE: .* did you mean LIPSTREAM_TLS__MODE\?$"):
        compose(None, {"LIPSTREAM_TLS_MODE": "off"}, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("server: {host: 0.0.0.0}", "can be reached by others, but nothing asks for a key"),
        ("server: {max_message_mb: 2000}", "so that no large message could ever be taken"),
        ("server: {role: compositing}", "needs server.inference_url"),
        ("server: {inference_url: 'a:1'}", "read by role compositing alone"),
        ("server: {inference_ca: c}", "need server.inference_url"),
        ("server: {inference_key_file: c}", "need server.inference_url"),
        ("tls: {mode: files, key: k}", "needs both tls.certificate and tls.key"),
        ("tls: {certificate: c}", "read in tls.mode files alone, and it is off"),
        ("tls: {client_ca: c}", "tls.client_ca needs tls.mode"),
    ],
)
def test_values_that_do_not_fit_together_are_refused(text: str, says: str, tmp_path: Path) -> None:
    (line,) = faults(tmp_path, text)
    assert says in line


@pytest.mark.parametrize("leave", ["auth: {insecure: true}", "auth: {keys_file: keys.yaml}"])
def test_another_address_needs_keys_or_leave(leave: str, tmp_path: Path) -> None:
    assert compose(written(tmp_path, f"server: {{host: '::'}}\n{leave}"), {}, {}).config.server.host == "::"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.example.org"])  # noqa: S104
def test_what_others_reach_is_known(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: [1", r":1: this is not YAML"),
        (b"\xff\xfe\x00", "is not text"),
        (b"a: \x00", "is not YAML"),
        (b"a: 2020-13-45", "is not YAML"),
        (b"a: " + b"[" * 3000, "nested too deeply"),
        (b"a: &x {b: *x}", "nested too deeply"),
        (b"a: !!python/object:os.x 1", r":1: this is not YAML"),
        (b"---\na: 1\n---\nb: 2", r":3: this is not YAML"),
    ],
)
def test_what_is_no_yaml_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "lipstream.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        compose(path, {}, {})


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml cannot be read \(No such file or directory\); expected a YAML"):
        compose(tmp_path / "none.yaml", {}, {})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9) | st.integers(), below, max_size=3),
    max_leaves=6,
)
KNOWN = st.sampled_from([*FIELDS, *RENAMED, *DROPPED, "registry.aliases.a", "server", "live.x"])


@given(
    text=st.text(max_size=60) | st.dictionaries(KNOWN, VALUES, max_size=4).map(lambda keys: yaml.safe_dump(tree(keys)))
)
def test_whatever_is_written_is_read_or_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(InputError):
        compose(path, {}, {})


@given(
    environment=st.dictionaries(
        KNOWN.map(lambda key: "LIPSTREAM_" + key.upper().replace(".", "__")), st.text(max_size=9), max_size=4
    )
)
def test_whatever_the_environment_holds_is_read_or_refused(environment: dict[str, str]) -> None:
    with contextlib.suppress(InputError):
        compose(None, environment, {})


def tree(keys: Mapping[str, object]) -> dict[str, object]:
    """Dotted keys as YAML nests them; a value that stands where a tree should is written over."""
    root: dict[str, object] = {}
    for key, value in keys.items():
        *above, last = key.split(".")
        branch = root
        for name in above:
            below = branch.get(name)
            branch[name] = below = below if isinstance(below, dict) else {}
            branch = below
        branch[last] = value
    return root


def test_what_is_shown_reads_back_as_the_same(tmp_path: Path) -> None:
    text = (
        "server: {grpc_port: [7, 8]}\nauth: {keys_file: /k.yaml}\ntls: {mode: self-signed}\noutput: {jpeg_quality: 9}"
    )
    composed = compose(written(tmp_path, text), {"LIPSTREAM_REGISTRY__ALIASES__A": "iris"}, {})
    shown = to_yaml(composed)
    assert compose(written(tmp_path, shown), {}, {}).config == composed.config
    assert set(yaml.safe_load(shown)) == set(ServerConfig.model_fields)
    assert f"  grpc_port: [7, 8]  # {tmp_path}/lipstream.yaml:1\n" in shown
    assert "  aliases: {a: iris}  # LIPSTREAM_REGISTRY__ALIASES__A\n" in shown
    assert "  http_port: 8080  # default\n" in shown


def test_nothing_can_be_changed() -> None:
    config = ServerConfig()
    with pytest.raises(ValidationError):
        config.server.http_port = 1


@pytest.mark.parametrize("key", FIELDS)
def test_every_key_says_what_it_means_and_its_range(key: str) -> None:
    field = FIELDS[key]
    assert field.description
    for limit in _limits(field):
        assert re.search(rf"\b{limit}\b", field.description), f"{key}: {limit} is not in its description"


def _limits(field: object) -> list[int]:
    """The numbers that bound a field, whether it may be null or not."""
    metadata = list(getattr(field, "metadata", []))
    for part in get_args(getattr(field, "annotation", None)):
        for inner in getattr(part, "__metadata__", ()):
            metadata += getattr(inner, "metadata", [inner])
    found = [getattr(one, {Ge: "ge", Gt: "gt", Le: "le"}[type(one)]) for one in metadata if type(one) in (Ge, Gt, Le)]
    return [int(limit) for limit in found]


def test_a_device_may_be_preferred_and_hits_fade_in_ten_minutes(tmp_path: Path) -> None:
    config = compose(written(tmp_path, "devices: {assignment_strategy: preferred}"), {}, {}).config
    assert (config.devices.assignment_strategy, config.registry.half_life_minutes) == ("preferred", 10)
