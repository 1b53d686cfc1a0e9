"""The generator's task reads packed crops, sees what the renderer sees, and a step of it lowers the error."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream.avatar.bundle import open_bundle
from lipstream.render.face import FaceRenderer
from lipstream.render.mask import read_mask
from lipstream.render.reference import nearest, read_references
from lipstream.types import ARTICULATION, Image
from lipstream.video.clip import Clip

torch = pytest.importorskip("torch", reason="needs the extra: pip install '.[train]'")

from lipstream.errors import InputError  # noqa: E402
from lipstream.nets.generator import Generator, configuration  # noqa: E402
from lipstream.train.generator import Crops, GeneratorTask, Surrounds  # noqa: E402
from lipstream.train.loop import LoopConfig, train  # noqa: E402


class NoEngine:
    """Stands where a generator would; looking at driving pictures needs none."""

    def run(self, inputs: object) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        raise AssertionError(f"nothing is generated here, got {inputs}")


@pytest.fixture(scope="module")
def surrounds(tiny_path: Path) -> Surrounds:
    bundle = open_bundle(tiny_path)
    poses = np.array(bundle.manifest.references.poses, np.float32)
    references = read_references(bundle.references_path.read_bytes(), len(poses))
    mask = read_mask(bundle.mask_path.read_bytes())
    clip = Clip(bundle.frames_path.read_bytes())
    return Surrounds.cut(clip, bundle.transforms, mask, references, nearest(bundle.poses, poses))


def write_crops(folder: Path, images: list[Image]) -> tuple[Path, Path]:
    video, arrays = folder / "crops.mp4", folder / "crops.npz"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = 320, 320, "yuv444p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    codes = np.random.default_rng(0).random((len(images), len(ARTICULATION)), np.float32)
    mouth = np.full((len(images), 2), 190, np.float32)
    np.savez(arrays, codes=codes, frame_index=np.arange(len(images)) % 12, mouth=mouth)
    return video, arrays


@pytest.fixture
def crops(tmp_path: Path) -> Crops:
    images = [np.full((320, 320, 3), (90, 120, 40 * k), np.uint8) for k in range(6)]
    return Crops.read(*write_crops(tmp_path, images))


@pytest.fixture
def closed(tiny_path: Path, tmp_path: Path) -> Crops:
    """Crops that show just what the reference does."""
    bundle = open_bundle(tiny_path)
    reference = read_references(bundle.references_path.read_bytes(), len(bundle.manifest.references.poses))[0]
    return Crops.read(*write_crops(tmp_path, [reference] * 4))


def test_sees_what_the_renderer_sees(surrounds: Surrounds, tiny_path: Path) -> None:
    bundle = open_bundle(tiny_path)
    clip, renderer = Clip(bundle.frames_path.read_bytes()), FaceRenderer(bundle, NoEngine())
    for index in (0, 5, 11):
        seen = renderer.visual([clip.image(index)], [index])
        np.testing.assert_allclose(surrounds.visual([index]).numpy(), seen, atol=1e-6)


def test_reads_packed_crops(crops: Crops) -> None:
    assert crops.images.shape == (6, 3, 320, 320)
    assert abs(int(crops.images[3, 2].mean()) - 120) <= 2  # BGR: the last channel is red
    assert crops.frame_index == [0, 1, 2, 3, 4, 5]


def test_refuses_crops_without_codes(tmp_path: Path) -> None:
    video, arrays = write_crops(tmp_path, [np.zeros((320, 320, 3), np.uint8)] * 3)
    np.savez(arrays, codes=np.zeros((2, 12), "f"), frame_index=[0, 1], mouth=np.zeros((2, 2), "f"))
    with pytest.raises(InputError, match="3 crops"):
        Crops.read(video, arrays)


def test_learns_to_show_what_the_reference_shows(surrounds: Surrounds, closed: Crops, tmp_path: Path) -> None:
    task = GeneratorTask(surrounds, closed, training=np.arange(4), held_out=np.arange(2), batch_size=2)
    torch.manual_seed(0)
    module = Generator(configuration("fast", surrounds.mask.box))
    before = task.evaluate(module)["psnr_db"]
    config = LoopConfig(steps=20, learning_rate=1e-3, evaluate_every=20, warmup_steps=5, average=0.0, half=False)
    train(module, task, tmp_path / "run", config)
    assert task.evaluate(module)["psnr_db"] > before + 0.5
