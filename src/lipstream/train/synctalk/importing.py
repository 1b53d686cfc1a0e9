"""A dataset and checkpoints of SyncTalk_2D in, an avatar bundle that shows what they showed out."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lipstream.audio.window import own_contexts
from lipstream.avatar.arrays import Array, read_features
from lipstream.avatar.bundle import FEATURES_NAME, MANIFEST_NAME, file_entries
from lipstream.avatar.manifest import MAX_FRAMES, Manifest, Timeline
from lipstream.avatar.rectangles import BORDER_PIXELS, STRETCHED_SIZE, Rectangles
from lipstream.avatar.terms import Terms
from lipstream.errors import AvatarError, InputError
from lipstream.train.footage import FRAMES_CRF, write_video
from lipstream.train.synctalk.checkpoint import Imported, import_encoder, import_generator
from lipstream.train.synctalk.mode import FEATURES, MODE, check_mode
from lipstream.train.synctalk.package import opened
from lipstream.train.synctalk.pictures import Pictures, read_pictures
from lipstream.train.synctalk.rectangles import read_squares, within
from lipstream.types import CROP_SIZE, FEATURE_SIZE, MEL_BINS, WINDOW_ROWS, Features, Float32, Image
from lipstream.video.colour import to_video_frame

HIDDEN = (5, 5, 310, 305)
"""Left, top, width, height of what the generator does not see."""
MAX_PICTURES = MAX_FRAMES // 2 + 1  # shown there and back again
FIRST_PICTURE = 1
"""SyncTalk_2D's inference begins with the second picture."""
GENERATORS = ("models/generator.onnx", "checkpoint/model_best.onnx", "checkpoint/best_trainloss.pth")
ENCODERS = ("models/audio_encoder.onnx", "models/audio_encoder.pth")
GENERATOR_NAME, ENCODER_NAME = "generator.standard.onnx", "speech_encoder.onnx"


@dataclass(frozen=True)
class Sources:
    """What is imported."""

    dataset: Path
    """A dataset's folder, or a package as folder or zip."""
    checkpoint: Path | None = None
    """The generator as `.pth` or `.onnx`; None takes the one in the package."""
    encoder: Path | None = None
    """The audio encoder as `.pth` or `.onnx`; None takes the one in the package, if it has one."""


def import_avatar(
    sources: Sources, folder: Path, name: str, terms: Terms, progress: Callable[[int, int], None] = lambda _, __: None
) -> Manifest:
    """Make a bundle.

    Args:
        sources: what is imported.
        folder: empty, of the bundle.
        name: of the avatar.
        terms: who is shown, and on what terms.
        progress: told how many of how many pictures are encoded.

    Returns:
        Its manifest.

    Raises:
        InputError: a source is missing, damaged, of another mode or size, or does not fit the others.
        MissingExtraError: a `.pth` is given and torch is not installed.
        EngineError: a network does not run.
        OSError: the bundle cannot be written.
    """
    with opened(sources.dataset) as dataset, tempfile.TemporaryDirectory(prefix="lipstream-pictures-") as spare:
        check_mode(dataset)
        checkpoint = _checkpoint(sources, dataset)
        encoder = sources.encoder or _inside(dataset, ENCODERS)
        pictures = read_pictures(dataset, Path(spare))
        height, width = (side // 2 * 2 for side in pictures.image(0).shape[:2])  # video wants even sides
        squares = read_squares(dataset)
        _check_count(sources.dataset, len(pictures), len(squares))
        squares = within(squares, width, height)
        features = _own_features(dataset)
        first = _checked(pictures, 0, width, height)
        generator = import_generator(checkpoint, folder / GENERATOR_NAME, _golden_inputs(first, squares[0], features))
        hears = None if encoder is None else import_encoder(encoder, folder / ENCODER_NAME, _golden_mel())
        order = ping_pong(len(pictures))
        _write_clip(folder, pictures, order, (width, height), progress)
        np.savez_compressed(folder / "crops.npz", rectangles=squares[order].astype(np.float32))
        _write_rest(folder, first, features, generator, hears)
        source = {"imported_from": "SyncTalk_2D", "feature_mode": MODE, "checkpoint_sha256": _sha256(checkpoint)}
    manifest = Manifest(
        name=name,
        frame_width=width,
        frame_height=height,
        licence=terms.licence,
        subject=terms.subject,
        consent=terms.consent,
        provenance={"made_by": terms.made_by, **source},
        driver="features",
        hidden=HIDDEN,
        timeline=Timeline(frames=len(order), first=FIRST_PICTURE),
        networks={"standard": generator.network},
        speech_encoder=None if hears is None else hears.network,
        files=file_entries(folder.iterdir()),
    )
    text = manifest.model_dump_json(indent=2, exclude_none=True, exclude={"references", "mask", "articulation"})
    (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")
    return manifest


def _checkpoint(sources: Sources, dataset: Path) -> Path:
    checkpoint = sources.checkpoint or _inside(dataset, GENERATORS) or _newest(dataset)
    if checkpoint is None:
        raise InputError(f"{sources.dataset} holds no generator; name one with --checkpoint best.pth or model.onnx.")
    return checkpoint


def _check_count(dataset: Path, pictures: int, squares: int) -> None:
    if pictures != squares or not 2 <= pictures <= MAX_PICTURES:
        raise InputError(
            f"{dataset} has {pictures} pictures and {squares} of landmarks or rectangles; expected 2 to "
            f"{MAX_PICTURES}, and as many of each."
        )


def ping_pong(pictures: int) -> list[int]:
    """The clip's pictures: there and back again, neither end twice, as SyncTalk_2D's inference shows them."""
    return [*range(pictures), *range(pictures - 2, 0, -1)]


def _inside(dataset: Path, names: tuple[str, ...]) -> Path | None:
    return next((dataset / name for name in names if (dataset / name).is_file()), None)


def _newest(dataset: Path) -> Path | None:
    """The checkpoint of the highest number, which SyncTalk_2D's inference takes too."""
    found = [path for folder in ("models", "checkpoint") for path in (dataset / folder).glob("*.pth")]
    return max((path for path in found if path.stem.isdecimal()), key=lambda path: int(path.stem), default=None)


def _own_features(dataset: Path) -> Features | None:
    path = dataset / FEATURES[MODE]
    if not path.is_file():
        return None
    try:
        return read_features(path)
    except AvatarError as error:
        raise InputError(f"{error} Expected [rows, 512] as SyncTalk_2D saves them.") from error


def _checked(pictures: Pictures, index: int, width: int, height: int) -> Image:
    """A picture of the size of all, contiguous."""
    image = pictures.image(index)
    if image.shape[0] // 2 * 2 != height or image.shape[1] // 2 * 2 != width:
        raise InputError(
            f"{pictures.files[index]} has {image.shape[1]} x {image.shape[0]} pixels, others {width} x {height}; "
            "expected all of one size."
        )
    return np.ascontiguousarray(image[:height, :width])


def _write_clip(
    folder: Path, pictures: Pictures, order: list[int], size: tuple[int, int], progress: Callable[[int, int], None]
) -> None:
    def shown() -> Iterator[Image]:
        for done, index in enumerate(order):
            progress(done, len(order))
            yield _checked(pictures, index, *size)
        progress(len(order), len(order))

    write_video(folder / "frames.mp4", (to_video_frame(image) for image in shown()), FRAMES_CRF)


def _write_rest(
    folder: Path, first: Image, features: Features | None, generator: Imported, encoder: Imported | None
) -> None:
    golden: dict[str, Array] = {
        f"generator.standard/{name}": values.astype(np.float16) if name == "image" else values
        for name, values in generator.golden.items()
    }
    # As levels, a quarter of the size: they are exactly that.
    golden["generator.standard/visual"] = np.rint(generator.golden["visual"] * 255).astype(np.uint8)
    golden |= {f"speech_encoder/{name}": values for name, values in (encoder.golden if encoder else {}).items()}
    np.savez_compressed(folder / "golden.npz", **golden)  # type: ignore[arg-type]  # numpy types its own keywords only
    cv2.imwrite(str(folder / "poster.jpg"), first, [cv2.IMWRITE_JPEG_QUALITY, 90])
    if features is not None:
        np.save(folder / FEATURES_NAME, features)


def _golden_inputs(image: Image, rectangle: Rectangles, features: Features | None) -> Mapping[str, Float32]:
    """A pair of the first picture's views, `[2, 6, 320, 320]`, with what is said there and later."""
    left, top, right, bottom = rectangle
    stretched = cv2.resize(
        image[top:bottom, left:right], (STRETCHED_SIZE, STRETCHED_SIZE), interpolation=cv2.INTER_CUBIC
    )
    inner = slice(BORDER_PIXELS, BORDER_PIXELS + CROP_SIZE)
    crop = stretched[inner, inner].transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    masked = crop.copy()
    x, y, width, height = HIDDEN
    masked[:, y : y + height, x : x + width] = 0
    visual = np.concatenate([crop, masked])[None].repeat(2, axis=0)
    if features is None:
        features = np.linspace(0, 1, 40 * FEATURE_SIZE, dtype=np.float32).reshape(40, FEATURE_SIZE)
    return {"visual": visual, "audio": own_contexts(features, [0, len(features) // 2])}


def _golden_mel() -> Mapping[str, Float32]:
    windows = np.linspace(-4, 3, 2 * MEL_BINS * WINDOW_ROWS, dtype=np.float32)
    return {"mel": windows.reshape(2, 1, MEL_BINS, WINDOW_ROWS)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
