"""What an imported avatar shows, against SyncTalk_2D's inference written down step by step."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_dataset as tiny

from lipstream.audio.mel import mel_spectrogram
from lipstream.avatar.bundle import open_bundle
from lipstream.avatar.terms import Terms
from lipstream.avatar.verify import verify
from lipstream.errors import AvatarError, InputError, LipstreamError
from lipstream.evaluate.faces import load_subject
from lipstream.pipeline.avatar import Avatar, open_avatar
from lipstream.pipeline.avatar import verify as verify_behaviour
from lipstream.pipeline.offline import render, render_reference
from lipstream.runtime.engines import load_engine
from lipstream.train.synctalk.importing import Sources, import_avatar, ping_pong
from lipstream.types import Engine, Float32, Image, Pcm
from lipstream.video.clip import Clip

SPEECH = Path(__file__).parents[2] / "assets" / "speech"
SOUND: Pcm = (0.3 * np.sin(np.arange(14_000) ** 1.3 / 40)).astype(np.float32)  # 71 rows of mel
TERMS = Terms("a drawing", "none needed", "CC0-1.0", "a test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn dataset, imported with its encoder."""
    root = tmp_path_factory.mktemp("imported")
    dataset = tiny.write_dataset(root / "dataset")
    (root / "bundle").mkdir()
    import_avatar(Sources(dataset, tiny.GENERATOR, tiny.ENCODER), root / "bundle", "drawn", TERMS)
    return root / "bundle"


@pytest.fixture(scope="module")
def avatar(folder: Path) -> Avatar:
    return open_avatar(folder, SPEECH, engine="openvino", precision="f32")


def inferred(clip: Clip, network: Engine, encoder: Engine) -> list[Image]:
    """SyncTalk_2D's inference of SOUND, frame by frame, over the pictures as a bundle keeps them."""
    mel = mel_spectrogram(SOUND)
    windows = []
    for window in range(int((len(mel) - 16) / 80.0 * 25.0) + 2):
        start = int(80.0 * window / 25.0)
        windows.append(mel[start : start + 16] if start + 16 <= len(mel) else mel[-16:])
    batch = np.stack([window.T for window in windows])[:, None]  # one batch, or the last bits would differ
    encoded = encoder.run({"mel_spectrogram": batch})["audio_features"]
    rows = [encoded[0], *encoded, encoded[-1]]
    shown, picture, step = [], 0, 0
    for frame in range(len(rows)):
        if picture > tiny.PICTURES - 2:
            step = -1
        if picture < 1:
            step = 1
        picture += step
        around = [
            rows[row] if 0 <= row < len(rows) else np.zeros(512, np.float32) for row in range(frame - 8, frame + 8)
        ]
        context = np.stack(around).reshape(1, 32, 16, 16)
        image = clip.image(picture if step > 0 else 2 * tiny.PICTURES - 2 - picture)  # on the way back it lies there
        shown.append(pasted(image, tiny.rectangle(picture), network, context))
    return shown


def pasted(image: Image, rectangle: list[int], network: Engine, context: Float32) -> Image:
    left, top, right, bottom = rectangle
    face = image[top:bottom, left:right]
    height, width = face.shape[:2]
    large = cv2.resize(face, (328, 328), interpolation=cv2.INTER_CUBIC)
    real = large[4:324, 4:324].copy()
    masked = cv2.rectangle(real.copy(), (5, 5, 310, 305), (0, 0, 0), -1)
    both = np.concatenate([real.transpose(2, 0, 1), masked.transpose(2, 0, 1)]).astype(np.float32) / 255.0
    seen = {"input": both[None].astype(np.float32), "audio": context.astype(np.float32)}
    painted = network.run(seen)["output"][0].transpose(1, 2, 0) * 255
    large[4:324, 4:324] = np.array(painted, dtype=np.uint8)
    image[top:bottom, left:right] = cv2.resize(large, (width, height), interpolation=cv2.INTER_CUBIC)
    return image


def test_an_import_shows_the_pixels_of_the_inference(avatar: Avatar) -> None:
    network = load_engine("openvino", tiny.GENERATOR, precision="f32")
    encoder = load_engine("openvino", tiny.ENCODER, precision="f32")
    expected = inferred(avatar.clip, network, encoder)
    frames = list(render_reference(SOUND, avatar))
    assert len(frames) == len(expected) == int((71 - 16) / 80 * 25) + 4
    for frame, image in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame.image, image)
    np.testing.assert_array_equal(np.concatenate([frame.audio for frame in frames]), SOUND[: 640 * 21])
    assert not np.array_equal(frames[3].image, avatar.clip.image(4))


def test_without_the_inference_s_count_there_is_a_frame_for_every_40_ms(avatar: Avatar) -> None:
    frames = list(render(SOUND, avatar))
    assert len(frames) == 22
    reference = list(render_reference(SOUND, avatar))
    for frame, other in zip(frames[9:11], reference[9:11], strict=True):  # far from the ends they hear the same
        difference = np.abs(frame.image.astype(int) - other.image)  # features to 1e-5, and then cut off to levels
        assert difference.max() <= 4
        assert difference.mean() < 0.05


def test_a_bundle_says_what_it_is(folder: Path) -> None:
    bundle = open_bundle(folder)
    verify(bundle)
    assert verify_behaviour(bundle) == ["standard float", "speech encoder"]
    manifest = bundle.manifest
    assert (manifest.driver, manifest.hidden, manifest.name) == ("features", (5, 5, 310, 305), "drawn")
    assert (manifest.subject, manifest.consent, manifest.licence) == ("a drawing", "none needed", "CC0-1.0")
    assert manifest.provenance["made_by"] == "a test"
    assert (manifest.timeline.frames, manifest.timeline.first) == (8, 1)
    assert manifest.networks["standard"].tensors == {"visual": "input", "image": "output"}
    assert bundle.rectangles is not None
    assert bundle.rectangles[[0, 4, 5]].tolist() == [tiny.rectangle(0), tiny.rectangle(4), tiny.rectangle(3)]
    assert bundle.speech_features is not None
    np.testing.assert_array_equal(bundle.speech_features, tiny.features())


def test_the_clip_is_the_dataset_there_and_back_again(avatar: Avatar) -> None:
    assert ping_pong(5) == [0, 1, 2, 3, 4, 3, 2, 1]
    assert ping_pong(2) == [0, 1]
    for place, index in enumerate(ping_pong(tiny.PICTURES)):
        error = np.square(avatar.clip.image(place).astype(float) - tiny.draw(index)).mean()
        assert error < 6.5  # 40 dB, through JPEG and H.264


def test_pictures_may_count_from_1(folder: Path, tmp_path: Path) -> None:
    dataset = tiny.write_dataset(tmp_path / "dataset", first=1)
    (tmp_path / "bundle").mkdir()
    import_avatar(Sources(dataset, tiny.GENERATOR), tmp_path / "bundle", "drawn", TERMS)
    mine, other = open_bundle(tmp_path / "bundle"), open_bundle(folder)
    np.testing.assert_array_equal(mine.transforms, other.transforms)
    clip = Clip(mine.frames_path.read_bytes())
    assert len(clip) == 8
    assert cv2.PSNR(clip.image(4), tiny.draw(4)) > 40


@pytest.mark.parametrize("packed", [False, True])
def test_packages_bring_a_video_rectangles_and_networks(tmp_path: Path, packed: bool) -> None:
    source = tiny.write_package(tmp_path / "outer" / "package")
    if packed:
        source = Path(shutil.make_archive(str(tmp_path / "package"), "zip", tmp_path / "outer"))
    (tmp_path / "bundle").mkdir()
    import_avatar(Sources(source), tmp_path / "bundle", "drawn", TERMS)
    avatar = open_avatar(tmp_path / "bundle", SPEECH, engine="openvino")
    assert len(list(render(SOUND[:3_200], avatar))) == 5
    assert avatar.face.bounds(avatar.clip.image(0), 4) == tuple(tiny.rectangle(4))
    assert avatar.speech_features is None


def test_of_numbered_checkpoints_the_newest_is_taken(tmp_path: Path) -> None:
    source = tiny.write_package(tmp_path / "package")
    (source / "models" / "generator.onnx").unlink()
    for name in ("9.pth", "99.pth", "best.pth"):
        (source / "models" / name).write_bytes(b"x")
    (tmp_path / "bundle").mkdir()
    with pytest.raises(LipstreamError, match=r"99\.pth|train"):  # damaged, or unread where there is no torch
        import_avatar(Sources(source), tmp_path / "bundle", "drawn", TERMS)


def test_older_packages_bring_bounds(tmp_path: Path) -> None:
    source = tiny.write_package(tmp_path / "package")
    shutil.rmtree(source / "cache")
    (source / "full_body_video.mp4").rename(source / "video.mp4")
    (source / "face_bounds").mkdir()
    for index in range(tiny.PICTURES):
        np.save(source / "face_bounds" / f"{index}.npy", np.array([*tiny.rectangle(index), 71 + index]))
    (tmp_path / "bundle").mkdir()
    import_avatar(Sources(source), tmp_path / "bundle", "drawn", TERMS)
    rectangles = open_bundle(tmp_path / "bundle").rectangles
    assert rectangles is not None
    assert rectangles[3].tolist() == tiny.rectangle(3)


def test_an_avatar_without_an_encoder_shows_features_alone(tmp_path: Path) -> None:
    dataset = tiny.write_dataset(tmp_path / "dataset")
    (tmp_path / "bundle").mkdir()
    import_avatar(Sources(dataset, tiny.GENERATOR), tmp_path / "bundle", "mute", TERMS)
    avatar = open_avatar(tmp_path / "bundle", SPEECH, engine="openvino")
    for hear in (render, render_reference):
        with pytest.raises(InputError, match=r"Avatar mute has no speech encoder.*import it again with --encoder"):
            list(hear(SOUND, avatar))
    contexts = np.ones((2, 32, 16, 16), np.float32)
    assert avatar.drive.of_contexts(contexts) is contexts
    assert not avatar.drive.rest.any()


def test_a_gain_is_refused(avatar: Avatar) -> None:
    with pytest.raises(InputError, match=r"drawn was imported .* gain is 1\.5, expected 1"):
        list(render(SOUND, avatar, gain=1.5))


def test_it_is_not_measured(folder: Path) -> None:
    with pytest.raises(AvatarError, match=r"drawn was imported .* only avatars driven by articulation are measured"):
        load_subject(folder, SPEECH, Blind())


class Blind:
    """Finds no face."""

    def detect(self, image: Image) -> None:
        """None in any picture."""


def test_at_rest_it_hears_silence(avatar: Avatar) -> None:
    silence = next(iter(render_silence(avatar)))
    np.testing.assert_allclose(avatar.drive.rest, silence, atol=1e-5)


def render_silence(avatar: Avatar) -> Float32:
    contexts = avatar.speech().push(np.zeros(32_000, np.float32))
    return contexts[15:16]


def refused(tmp_path: Path, dataset: Path, checkpoint: Path = tiny.GENERATOR, encoder: Path | None = None) -> str:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(LipstreamError) as caught:
        import_avatar(Sources(dataset, checkpoint, encoder), tmp_path / "bundle", "drawn", TERMS)
    return str(caught.value)


def rename(folder: Path, old: str, new: str) -> None:
    (folder / old).rename(folder / new)


def write(folder: Path, name: str, content: str | bytes) -> None:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: rename(data, "aud_ave.npy", "aud_hu.npy"), "mode 'hubert'"),
        (lambda data: rename(data, "aud_ave.npy", "aud_wenet.npy"), "mode 'wenet'"),
        (lambda data: write(data, "onnx_dist_config.json", '{"asr": "hubert"}'), "mode 'hubert'"),
        (lambda data: write(data, "aud_ave.npy", b"x"), "aud_ave.npy cannot be read as a .npy array"),
        (lambda data: shutil.rmtree(data / "full_body_img"), "holds no pictures"),
        (lambda data: shutil.rmtree(data / "landmarks"), "does not say where the face is"),
        (lambda data: (data / "full_body_img" / "2.jpg").unlink(), "has 3.jpg where 2 was expected"),
        (lambda data: (data / "landmarks" / "4.lms").unlink(), "5 pictures and 4 of landmarks"),
        (lambda data: write(data, "full_body_img/3.jpg", b"x"), "3.jpg is not a picture"),
        (lambda data: write(data, "full_body_img/0.jpg", b""), "0.jpg is not a picture"),
        (lambda data: write(data, "landmarks/1.lms", "1 2\n3 4\n"), "expected 110 lines of x and y"),
        (lambda data: write(data, "landmarks/1.lms", "nan nan\n" * 110), "expected 110 lines of x and y"),
        (lambda data: write(data, "landmarks/1.lms", "9999 9999\n" * 110), "Picture 1 is cut at"),
        (
            lambda data: write(data, "full_body_img/4.jpg", cv2.imencode(".jpg", tiny.draw(0)[:64])[1].tobytes()),
            "160 x 64",
        ),
    ],
)
def test_what_is_wrong_with_a_dataset_is_said(spoil: object, says: str, tmp_path: Path) -> None:
    dataset = tiny.write_dataset(tmp_path / "dataset")
    assert callable(spoil)
    spoil(dataset)
    assert says in refused(tmp_path, dataset)


@pytest.mark.parametrize(
    ("checkpoint", "encoder", "says"),
    [
        (tiny.ENCODER, None, "has no input 'visual' of [batch, 6, 320, 320], but mel_spectrogram"),
        (tiny.GENERATOR, tiny.GENERATOR, "has no input 'mel' of [batch, 1, 80, 16]"),
        (Path("gone.onnx"), None, "There is no file gone.onnx"),
        (Path(__file__), None, "expected .pth or .onnx"),
    ],
)
def test_networks_that_do_not_fit_are_refused(
    checkpoint: Path, encoder: Path | None, says: str, tmp_path: Path
) -> None:
    assert says in refused(tmp_path, tiny.write_dataset(tmp_path / "dataset"), checkpoint, encoder)


def test_a_damaged_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_bytes(tiny.GENERATOR.read_bytes()[:-20])
    dataset = tiny.write_dataset(tmp_path / "dataset")
    assert "is not an intact ONNX file" in refused(tmp_path, dataset, tmp_path / "damaged.onnx")


@pytest.mark.slow
@pytest.mark.skipif("LIPSTREAM_DATA" not in os.environ, reason="LIPSTREAM_DATA names the folder of real data")
def test_a_real_dataset_is_imported(tmp_path: Path) -> None:
    dataset = Path(os.environ["LIPSTREAM_DATA"]) / "reference" / "synctalk_dataset"
    import_avatar(Sources(dataset, tiny.GENERATOR, tiny.ENCODER), tmp_path, "sanders", TERMS)
    avatar = open_avatar(tmp_path, SPEECH, engine="openvino")
    assert (len(avatar.clip), avatar.clip.width, avatar.clip.height) == (1_044, 1_280, 720)
    assert avatar.speech_features is not None
    assert avatar.speech_features.shape == (522, 512)
    for number in (0, 200, 522, 900):
        true = cv2.imread(str(dataset / "full_body_img" / f"{ping_pong(523)[number] + 1}.jpg"))
        assert true is not None
        assert cv2.PSNR(true, avatar.clip.image(number)) > 40
