"""A YAML file, environment variables and flags in, their single values with where each was written out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lipstream.errors import InputError, reason_of

PREFIX = "LIPSTREAM_"
RESERVED = ("LIPSTREAM_HOME", "LIPSTREAM_DATA", "LIPSTREAM_LOG")
"""Variables that are no keys of the server."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value as somebody wrote it."""

    key: str
    """Dotted: `server.http_port`."""
    value: object
    """Not yet checked."""
    origin: str
    """`lipstream.yaml:3`, the variable's name, or the flag."""
    folder: Path | None = None
    """What a relative path in it starts from; None is the current folder."""


def from_flags(flags: Mapping[str, object]) -> list[Setting]:
    """Settings of flags by dotted key; those that are None were not given."""
    return [Setting(key, value, f"flag for {key}") for key, value in flags.items() if value is not None]


def from_environment(environment: Mapping[str, str]) -> list[Setting]:
    """Settings of variables: `LIPSTREAM_SERVER__HTTP_PORT` is `server.http_port`; an empty one counts as unset."""
    return [
        Setting(name.removeprefix(PREFIX).lower().replace("__", "."), value, name)
        for name, value in sorted(environment.items())
        if name.startswith(PREFIX) and name not in RESERVED and value
    ]


def from_file(path: Path) -> list[Setting]:
    """Settings of a YAML file, each with its line.

    Raises:
        InputError: it cannot be read, is no YAML, or is no mapping; the message says the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); expected a YAML file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text ({reason_of(error)}); expected a YAML file.") from error
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        return [] if root is None else list(_walk(root, "", loader, path))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}:{line}: this is not YAML ({error.problem or error.context}).") from error
    except InputError:
        raise
    except (yaml.YAMLError, ValueError) as error:  # ValueError: the 45th of a month
        raise InputError(f"{path} is not YAML ({reason_of(error)}).") from error
    except RecursionError as error:
        raise InputError(f"{path} is nested too deeply; expected trees of keys, three deep at most.") from error


def _walk(node: yaml.Node, above: str, loader: yaml.SafeLoader, path: Path) -> Iterator[Setting]:
    """The values in a mapping, those of mappings in it included."""
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{path}:{node.start_mark.line + 1}: expected `key: value`, or a tree such as `server:`.")
    loader.flatten_mapping(node)  # what `<<: *anchor` stands for
    for key_node, value_node in node.value:
        key = above + str(loader.construct_object(key_node, deep=True))
        if isinstance(value_node, yaml.MappingNode) and value_node.value:
            yield from _walk(value_node, f"{key}.", loader, path)
        else:
            value = loader.construct_object(value_node, deep=True)
            yield Setting(key, value, f"{path}:{key_node.start_mark.line + 1}", path.parent)
