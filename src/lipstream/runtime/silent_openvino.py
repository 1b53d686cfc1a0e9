"""OpenVINO in, OpenVINO that reports to nobody out; everything that needs it imports it from here."""

import sys

# Importing openvino would tell Google Analytics of it, in a forked process; it does without where this is missing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # type: ignore[import-untyped]  # noqa: E402  it ships no annotations

__all__ = ["ov"]
