"""An avatar's generators in, how far every engine and precision strays from float32 out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lipstream.avatar.bundle import Bundle, FilePrecision, Quality
from lipstream.errors import AvatarError, EngineError, MissingExtraError
from lipstream.evaluate.faces import Progress, Subject
from lipstream.evaluate.figures import Figure, Measured, Table
from lipstream.evaluate.measures import psnr_db
from lipstream.evaluate.speaking import idle_pictures
from lipstream.evaluate.speed.stages import VARIANTS
from lipstream.runtime.engines import load_engine
from lipstream.runtime.golden import read_golden
from lipstream.types import Codes, Float32, Image, Patches, Visual

PICTURES = 8
WIDEST = 1.25  # of the golden mouth


@dataclass(frozen=True, slots=True)
class Stray:
    """One engine and precision against the exact one."""

    network: str
    """`fast` or `standard`."""
    how: str
    """Engine and precision, such as `openvino bf16`."""
    file: FilePrecision
    """What its weights are."""
    psnr_db: float
    """Mean over the pictures, in the mask."""
    levels: float
    """Greatest difference of a pixel in the mask, of 255."""


@dataclass(frozen=True, slots=True)
class Absent:
    """One engine and precision that does not run here."""

    network: str
    """`fast` or `standard`."""
    how: str
    """Engine and precision."""
    reason: str
    """Why."""


def measure_parity(subject: Subject, progress: Progress) -> Measured:
    """Run the generators on every engine that is installed, the same pictures and mouths on each.

    Raises:
        AvatarError: the bundle's golden values are damaged.
    """
    bundle = subject.bundle
    places = list(np.linspace(0, len(subject.avatar.clip), PICTURES, endpoint=False).astype(int))
    visual = subject.avatar.face.visual(list(idle_pictures(subject.avatar, places)), places)
    results: list[Stray | Absent] = []
    for done, network in enumerate(bundle.manifest.networks):
        progress("parity", done, len(bundle.manifest.networks))
        results += strays_of(bundle, network, visual, subject.weight)
    progress("parity", len(bundle.manifest.networks), len(bundle.manifest.networks))
    return Measured(parity_figures(results), tables=[parity_table(results)])


def strays_of(bundle: Bundle, network: Quality, visual: Visual, weight: Float32) -> Iterator[Stray | Absent]:
    """Compare every variant of one network with the first that runs.

    Args:
        bundle: the avatar's files.
        network: `fast` or `standard`.
        visual: what the generator sees, `[b, 6, 320, 320]` float32 in 0..1.
        weight: the mask, `[320, 320]` float32 in 0..1.

    Yields:
        Of each variant but the first how far it strays, or why it does not run.
    """
    golden = read_golden(bundle.golden_path)[f"generator.{network}"].inputs["code"][0]
    codes = np.linspace(0, WIDEST, len(visual), dtype=np.float32)[:, None] * golden
    exact: Patches | None = None
    for engine, precision, file in VARIANTS:
        how = f"{engine} {'int8' if file == 'int8' else precision}"
        try:
            found = _patches(bundle, network, (engine, precision, file), visual, codes)
        except (AvatarError, EngineError, MissingExtraError) as reason:
            yield Absent(network, how, str(reason))
            continue
        if exact is None:
            exact, exact_how = found, how
        else:
            yield Stray(network, f"{how} against {exact_how}", file, *compared(found, exact, weight))


def _patches(
    bundle: Bundle, network: Quality, variant: tuple[str, str, FilePrecision], visual: Visual, codes: Codes
) -> Patches:
    engine, precision, file = variant
    loaded = load_engine(engine, bundle.network_path(network, file), precision=precision)
    names = bundle.manifest.networks[network].tensors
    inputs = {names.get("visual", "visual"): visual, names.get("code", "code"): codes}
    return loaded.run(inputs)[names.get("image", "image")]


def compared(found: Patches, exact: Patches, weight: Float32) -> tuple[float, float]:
    """Compare generated crops where the mask weighs over one half.

    Args:
        found: `[b, 3, H, W]` float32 in 0..1.
        exact: the same.
        weight: the mask, `[H, W]` float32 in 0..1.

    Returns:
        Mean PSNR in dB, and the greatest difference of a pixel in levels of 255.
    """
    pairs = list(zip(_pictures(found), _pictures(exact), strict=True))
    apart = np.abs(found - exact)[:, :, weight > 0.5]
    mean = float(np.mean([psnr_db(one, other, weight) for one, other in pairs]))
    return mean, 255.0 * float(apart.max())


def _pictures(patches: Patches) -> Sequence[Image]:
    return list(np.clip(np.rint(patches * 255), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1))


def parity_figures(results: Sequence[Stray | Absent]) -> list[Figure]:
    """The worst of the floating-point variants, and of int8."""
    figures = []
    for file in ("float", "int8"):
        some = [one for one in results if isinstance(one, Stray) and one.file == file]
        if some:
            worst = min(some, key=lambda stray: stray.psnr_db)
            figures.append(Figure(f"parity.{file}_psnr_db", worst.psnr_db, f"the worst, {worst.network}: {worst.how}"))
    return figures


def parity_table(results: Sequence[Stray | Absent]) -> Table:
    """Every variant, and why some were not measured."""
    rows = tuple(
        (one.network, one.how, f"not measured: {one.reason}", "")
        if isinstance(one, Absent)
        else (one.network, one.how, round(one.psnr_db, 1), round(one.levels, 1))
        for one in results
    )
    title = "Engines and precisions, mouth region of the generated crops"
    return Table(title, ("network", "engine", "PSNR, dB", "greatest difference, levels"), rows)
