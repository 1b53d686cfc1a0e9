"""An avatar loaded for measuring in, all its figures out: each group measured, or the reason why not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lipstream
from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.figures import Evaluation, Measured
from lipstream.evaluate.real import compare, find_recordings, real_figures
from lipstream.evaluate.reconstruction import run_truth, truth_figures
from lipstream.evaluate.silence import measure_silence
from lipstream.evaluate.truth import ARRAYS
from lipstream.pipeline.avatar import Avatar


@dataclass(frozen=True, slots=True)
class Material:
    """What an avatar is measured against; what is absent is noted as not measured."""

    truth: Path | None = None
    """Folder of rendered truth; None: the avatar's own files, if they hold one."""
    data: Path | None = None
    """Folder of real recordings, as LIPSTREAM_DATA names it."""


class _AbsentError(Exception):
    """Why a group of figures cannot be measured here."""


def evaluate(subject: Subject, material: Material, progress: Progress) -> Evaluation:
    """Measure an avatar.

    Args:
        subject: from `load_subject`.
        material: what to measure it against.
        progress: told how far it is.

    Raises:
        LipstreamError: the material is damaged.
    """
    measured: list[Measured] = []
    not_measured: dict[str, str] = {}
    for group, measure in GROUPS.items():
        try:
            measured.append(measure(subject, material, progress))
        except _AbsentError as reason:
            not_measured[group] = str(reason)
    return Evaluation(
        subject.avatar.name,
        _setting(subject.avatar),
        tuple(figure for group in measured for figure in group.figures),
        not_measured,
        plots=tuple(plot for group in measured for plot in group.plots),
        tables=tuple(table for group in measured for table in group.tables),
    )


def _truth(subject: Subject, material: Material, progress: Progress) -> Measured:
    folder = material.truth or subject.bundle.folder
    if not (folder / ARRAYS).is_file():
        raise _AbsentError(f"there is no {ARRAYS} in {folder}; name a folder of rendered truth with --truth")
    return Measured(truth_figures(*run_truth(subject, folder, progress)))


def _real(subject: Subject, material: Material, progress: Progress) -> Measured:
    if material.data is None:
        raise _AbsentError("LIPSTREAM_DATA is unset; it names the folder of real recordings")
    recordings = find_recordings(material.data)
    if not recordings:
        raise _AbsentError(f"{material.data} holds no recordings in talking_head/grid_s1 or grid_10_speakers")
    return Measured(real_figures(compare(subject, recordings, progress)))


def _silence(subject: Subject, _: Material, progress: Progress) -> Measured:
    return Measured(measure_silence(subject, progress))


GROUPS: dict[str, Callable[[Subject, Material, Progress], Measured]] = {
    "truth": _truth,
    "real": _real,
    "silence": _silence,
}
"""Group of figures to what measures it."""


def _setting(avatar: Avatar) -> dict[str, str]:
    return {
        "version": lipstream.__version__,
        "engine": avatar.engine,
        "precision": avatar.precision,
        "quality": avatar.quality,
    }
