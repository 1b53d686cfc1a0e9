"""Nothing in, what a speed was measured on out: processor, memory, versions."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import lipstream

TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
PACKAGES = ("numpy", "openvino", "onnxruntime", "onnxruntime-gpu", "torch", "opencv-python-headless", "av", "soxr")


def machine() -> dict[str, object]:
    """The machine as a plain dictionary for a report."""
    fields = _processor_fields()
    flags = set(fields.get("flags", "").split())
    return {
        "processor": fields.get("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instructions": [flag for flag in TELLING_FLAGS if flag in flags],
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Version of every package that decides speed, of those installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def install_mb() -> float:
    """Megabytes on disk of lipstream and of every installed package that it needs without an extra."""
    needed, own = _needed_packages(), Path(lipstream.__file__).parent
    files = [path for path in own.rglob("*") if path.is_file()]
    for package in needed:
        files += [Path(str(file.locate())) for file in distribution(package).files or ()]
    return sum(path.stat().st_size for path in set(files) if path.is_file()) / 1e6


def _needed_packages() -> set[str]:
    """Names of the packages that lipstream needs, and of those that they need."""
    needed: set[str] = set()
    waiting = ["lipstream"]
    while waiting:
        try:
            requirements = distribution(waiting.pop()).requires or []
        except PackageNotFoundError:  # for another platform or version of Python
            continue
        names = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requirements if "extra ==" not in line}
        waiting += sorted(names - needed)
        needed |= names
    return {name for name in needed if _is_installed(name)}


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _processor_fields() -> dict[str, str]:
    """The first processor's entry of Linux's table; empty elsewhere."""
    table = Path("/proc/cpuinfo")
    if not table.is_file():
        return {}
    first = table.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _memory_gb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
