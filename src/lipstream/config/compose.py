"""Settings of a file, the environment and flags in; one checked configuration, and where each value is from, out.

pydantic-settings is not used: it takes the environment of the process only, and tells neither lines nor origins.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lipstream.config.former_keys import DROPPED, RENAMED, dropped_key
from lipstream.config.server import ServerConfig
from lipstream.config.sources import PREFIX, Setting, from_environment, from_file, from_flags
from lipstream.errors import InputError

FIELDS: dict[str, FieldInfo] = {
    f"{tree}.{key}": field
    for tree, branch in ServerConfig.model_fields.items()
    if isinstance(branch.annotation, type) and issubclass(branch.annotation, BaseModel)
    for key, field in branch.annotation.model_fields.items()
}
"""Every key there is, dotted."""
PATHS = {key for key, field in FIELDS.items() if "Path" in str(field.annotation)}
"""Keys whose relative values start from the folder of the file that holds them."""
SWITCHES = {key for key, field in FIELDS.items() if field.annotation is bool} | {"tls.mode"}
"""Keys that may be true or false; YAML reads a bare yes or off as one of these, and pydantic that as 1 or 0."""
MAPPINGS = ("registry.aliases.",)
"""Below these, the keys are names of the user's own."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What a server runs with."""

    config: ServerConfig
    """Every value."""
    origins: Mapping[str, str]
    """Where the values that are not the default were written, by dotted key."""


def compose(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]) -> Composed:
    """Compose the server's configuration: flags beat environment beats file beats default.

    Args:
        file: a YAML file of trees of keys, or None.
        environment: normally `os.environ`.
        flags: values by dotted key; None means not given.

    Raises:
        InputError: every fault there is, one a line, each with its file and line, variable or flag.
    """
    faults: list[str] = []
    chosen: dict[str, Setting] = {}
    for settings in (from_file(file) if file else [], from_environment(environment), from_flags(flags)):
        for setting in _one_source(settings, faults):
            chosen[setting.key] = setting
    config = _validated(chosen, faults)
    if config is None or faults:
        raise InputError("\n".join(faults))
    return Composed(config, {key: setting.origin for key, setting in chosen.items()})


def _one_source(settings: Iterable[Setting], faults: list[str]) -> Iterator[Setting]:
    """The settings of one source under their present names; what is wrong with the others goes to `faults`."""
    seen: dict[str, str] = {}
    for setting in settings:
        dropped = dropped_key(setting.key)
        name = dropped or (RENAMED[setting.key].key if setting.key in RENAMED else setting.key)
        if name in seen and not dropped:
            faults.append(f"{setting.origin}: {name} is given already by {seen[name]}; remove one of them.")
        elif name not in seen:
            try:
                yield from _present(setting)
            except InputError as error:
                faults.append(f"{setting.origin}: {error}")
        seen.setdefault(name, setting.origin)


def _present(setting: Setting) -> Iterator[Setting]:
    """A setting under its present name, its paths made absolute; nothing for a tree that is left empty.

    Raises:
        InputError: the key means nothing, or its value cannot be carried over.
    """
    key, value = setting.key, setting.value
    if key in ServerConfig.model_fields and value in (None, {}):
        return
    if dropped := dropped_key(key):
        raise InputError(f"{dropped} is not used here: {DROPPED[dropped]}.")
    if key in RENAMED:
        try:
            value = RENAMED[key].convert(value)
        except ValueError as error:
            raise InputError(f"{key} is {value!r}, {error}.") from error
        setting = replace(setting, key=RENAMED[key].key, value=value, origin=f"{setting.origin}, {key}")
    elif key not in FIELDS and not key.startswith(MAPPINGS):
        raise InputError(_unknown(setting))
    if isinstance(value, bool) and setting.key not in SWITCHES:
        raise InputError(_expected(setting))
    if setting.folder is not None and setting.key in PATHS and isinstance(value, str) and not value.startswith("~"):
        setting = replace(setting, value=setting.folder / value)
    yield setting


def _unknown(setting: Setting) -> str:
    """A sentence on a key that is not there, with the one that was probably meant."""
    key = setting.key
    tree, _, leaf = key.rpartition(".")
    if key in ServerConfig.model_fields:
        return f"{key} is {setting.value!r}, expected keys below it: {', '.join(_below(key))}."
    near = difflib.get_close_matches(key, [*FIELDS, *RENAMED], n=1, cutoff=0.75) or [
        name for name in FIELDS if name.endswith(f".{leaf}")
    ]
    if near:
        return f"there is no key {key}; did you mean {_written(near[0], setting)}?"
    there = _below(tree) or [*ServerConfig.model_fields]
    return f"there is no key {key}; {tree if _below(tree) else 'the file'} has {', '.join(there)}."


def _below(tree: str) -> list[str]:
    return [name.removeprefix(f"{tree}.") for name in FIELDS if name.startswith(f"{tree}.")]


def _written(key: str, setting: Setting) -> str:
    """A key as the setting's source writes it."""
    return PREFIX + key.upper().replace(".", "__") if setting.origin.startswith(PREFIX) else key


def _validated(chosen: Mapping[str, Setting], faults: list[str]) -> ServerConfig | None:
    """The configuration, every key that is left out at its default; None if `faults` says what is wrong."""
    try:
        return ServerConfig.model_validate(_nested(chosen.values()))
    except ValidationError as error:
        wrong = {_place(fault["loc"], chosen): fault for fault in error.errors()}
    for place, fault in wrong.items():
        if place is not None:
            faults.append(f"{chosen[place].origin}: {_expected(chosen[place])}")
        elif not faults:  # what does not fit together may do so once the rest is mended
            faults.extend(f"{_origin(line, chosen)}{line}" for line in str(fault["ctx"]["error"]).splitlines())
    return None


def _expected(setting: Setting) -> str:
    """A sentence on a value that its key does not take."""
    description = FIELDS[".".join(setting.key.split(".")[:2])].description
    return f"{setting.key} is {_shown(setting.value)}, expected {description}."


def _place(location: tuple[str | int, ...], chosen: Mapping[str, Setting]) -> str | None:
    """The key that a fault is in, or below it the name of the user's own; None for a fault of the whole."""
    names = [".".join(map(str, location[:length])) for length in (3, 2)]
    return next((name for name in names if name in chosen), None)


def _origin(sentence: str, chosen: Mapping[str, Setting]) -> str:
    """Where the key that opens a sentence was written, to put before it."""
    setting = chosen.get(sentence.split(maxsplit=1)[0])
    return f"{setting.origin}: " if setting else ""


def _shown(value: object) -> str:
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _nested(settings: Iterable[Setting]) -> dict[str, dict[str, object]]:
    """Dotted keys as trees; a key of the user's own may hold dots itself."""
    trees: dict[str, dict[str, object]] = {}
    for setting in settings:
        tree, key, *own = setting.key.split(".", maxsplit=2)
        branch = trees.setdefault(tree, {})
        if own:
            before = branch.get(key)
            branch[key] = {**(before if isinstance(before, dict) else {}), own[0]: setting.value}
        else:
            branch[key] = setting.value
    return trees
