"""A composed configuration in, the YAML file that says the same out, with where each value is from."""

import yaml

from lipstream.config.compose import Composed


def to_yaml(composed: Composed) -> str:
    """Every key with its value and, as a comment, its origin; holds no secret, because no key of it does.

    Keys and certificates are named by file, never written into a configuration.
    """
    lines: list[str] = []
    for tree, branch in composed.config.model_dump(mode="json").items():
        lines.append(f"{tree}:")
        for key, value in branch.items():
            origin = _origin(f"{tree}.{key}", composed)
            lines.append(f"  {key}: {_flow(value)}  # {origin}")
    return "\n".join(lines) + "\n"


def _flow(value: object) -> str:
    """A value in one line; the end that YAML puts after a bare one is cut off."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()


def _origin(key: str, composed: Composed) -> str:
    """Where a value was written; of a mapping, where its entries were."""
    origins = [origin for name, origin in composed.origins.items() if name == key or name.startswith(f"{key}.")]
    return ", ".join(dict.fromkeys(origins)) or "default"
