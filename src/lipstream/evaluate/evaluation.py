"""An avatar loaded for measuring in, all its figures out: each group measured, or the reason why not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lipstream
from lipstream.evaluate.aligned import find_aligned, measure_aligned
from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.figures import Evaluation, Measured
from lipstream.evaluate.gain import measure_gain
from lipstream.evaluate.lookahead import measure_lookahead
from lipstream.evaluate.parity import measure_parity
from lipstream.evaluate.real import Recording, compare, find_recordings, measured_real
from lipstream.evaluate.reconstruction import run_truth
from lipstream.evaluate.seam import measure_seam
from lipstream.evaluate.silence import measure_silence
from lipstream.evaluate.swap import measure_swap
from lipstream.evaluate.truth import ARRAYS, TruthClip, read_truth
from lipstream.evaluate.truth_figures import measured_truth
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
    return measured_truth(run_truth(subject, _required_truth(subject, material), progress))


def _real(subject: Subject, material: Material, progress: Progress) -> Measured:
    data = _required_data(material)
    recordings = find_recordings(data)
    if not recordings:
        raise _AbsentError(f"{data} holds no recordings in talking_head")
    return measured_real(compare(subject, recordings, progress))


def _aligned(subject: Subject, material: Material, progress: Progress) -> Measured:
    data = _required_data(material)
    recordings = find_aligned(data)
    if not recordings:
        raise _AbsentError(f"{data} holds no recordings with phone times in aligned_speech")
    return measure_aligned(subject, recordings, progress)


def _silence(subject: Subject, material: Material, progress: Progress) -> Measured:
    return measure_silence(subject, _known_clips(subject, material), material.data, progress)


def _seam(subject: Subject, material: Material, progress: Progress) -> Measured:
    rendered = any(clip.rendered for clip in _known_clips(subject, material))
    return measure_seam(subject, _truth_folder(subject, material) if rendered else None, progress)


def _swap(subject: Subject, material: Material, progress: Progress) -> Measured:
    folder = _required_truth(subject, material)
    if not any(clip.rendered for clip in read_truth(folder)):
        raise _AbsentError(f"{folder} holds no rendered clip, which a driving mouth is taken from")
    return measure_swap(subject, folder, progress)


def _lookahead(subject: Subject, material: Material, progress: Progress) -> Measured:
    clips, recordings = _known_clips(subject, material), _recordings(material)
    if not clips and not recordings:
        raise _AbsentError("there is neither rendered truth nor, in LIPSTREAM_DATA, a recording of a real speaker")
    return measure_lookahead(subject, clips, recordings, progress)


def _gain(subject: Subject, material: Material, progress: Progress) -> Measured:
    return measure_gain(subject, read_truth(_required_truth(subject, material)), progress)


def _parity(subject: Subject, _: Material, progress: Progress) -> Measured:
    return measure_parity(subject, progress)


def _truth_folder(subject: Subject, material: Material) -> Path | None:
    folder = material.truth or subject.bundle.folder
    return folder if (folder / ARRAYS).is_file() else None


def _required_data(material: Material) -> Path:
    if material.data is None:
        raise _AbsentError("LIPSTREAM_DATA is unset; it names the folder of real recordings")
    return material.data


def _required_truth(subject: Subject, material: Material) -> Path:
    folder = _truth_folder(subject, material)
    if folder is None:
        where = material.truth or subject.bundle.folder
        raise _AbsentError(f"there is no {ARRAYS} in {where}; name a folder of rendered truth with --truth")
    return folder


def _known_clips(subject: Subject, material: Material) -> list[TruthClip]:
    folder = _truth_folder(subject, material)
    return [] if folder is None else read_truth(folder)


def _recordings(material: Material) -> list[Recording]:
    return [] if material.data is None else find_recordings(material.data)


GROUPS: dict[str, Callable[[Subject, Material, Progress], Measured]] = {
    "truth": _truth,
    "real": _real,
    "aligned": _aligned,
    "silence": _silence,
    "seam": _seam,
    "swap": _swap,
    "lookahead": _lookahead,
    "gain": _gain,
    "parity": _parity,
}
"""Group of figures to what measures it."""


def _setting(avatar: Avatar) -> dict[str, str]:
    return {
        "version": lipstream.__version__,
        "engine": avatar.engine,
        "precision": avatar.precision,
        "quality": avatar.quality,
    }
