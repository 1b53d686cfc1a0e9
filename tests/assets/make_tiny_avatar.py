"""Makes the avatar of a few KB and the two tiny speech networks that the tests run the real way through.

The avatar's head is drawn, its mouth always closed; its generator copies the reference crop and darkens an ellipse that
opens with `lip_gap`. The speech networks turn loudness into an open jaw. Run it with `pip install ".[train]"`:

    python tests/assets/make_tiny_avatar.py FOLDER      # FOLDER/avatars/tiny and FOLDER/speech
"""

import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from lipstream.avatar.arrays import Array
from lipstream.avatar.bundle import file_entries
from lipstream.avatar.manifest import Manifest, Mask, Network, References, SpeechManifest, Timeline
from lipstream.types import ARTICULATION, CROP_SIZE, Affine, Float32, Image, UInt8

FRAMES = 12
SIZE = 128  # pixels of a square frame
CROP_LEFT, CROP_TOP, CROP_SCALE = 24, 40, 4  # the crop shows 80 x 80 pixels of the head at rest
MOUTH = (160, 208)  # crop pixels, the frame's (64, 92)
REFERENCE_FRAMES = (3, 9)  # the head's furthest rolls; without perspective their crops are alike


def draw_head(*, eyes_open: bool) -> Image:
    """Draw the head at rest four times as large as the frames show it, `[512, 512, 3]` uint8 BGR."""
    image = np.full((SIZE * CROP_SCALE, SIZE * CROP_SCALE, 3), (150, 140, 120), np.uint8)

    def ellipse(centre: tuple[int, int], axes: tuple[int, int], colour: tuple[int, int, int]) -> None:
        cv2.ellipse(image, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    ellipse((256, 240), (184, 216), (40, 50, 70))  # hair
    ellipse((256, 272), (152, 192), (150, 180, 220))  # face
    for x in (192, 320):
        if eyes_open:
            ellipse((x, 224), (28, 16), (250, 250, 250))
            ellipse((x, 224), (12, 12), (90, 60, 30))
        else:
            cv2.line(image, (x - 28, 228), (x + 28, 228), (90, 110, 150), 4, cv2.LINE_AA)
    cv2.ellipse(image, (256, 304), (24, 12), 0, 0, 180, (110, 140, 190), 4, cv2.LINE_AA)  # nose
    ellipse((256, 368), (52, 14), (110, 110, 200))  # lips
    cv2.line(image, (208, 368), (304, 368), (60, 60, 120), 4, cv2.LINE_AA)
    return image


def head_motion(index: int) -> tuple[Affine, float]:
    """Where picture `index` shows the head: rest pixels to frame pixels `[2, 3]`, and the roll in degrees."""
    phase = 2 * np.pi * index / FRAMES
    roll_degrees = 2.0 * float(np.sin(phase))
    motion = cv2.getRotationMatrix2D((64.0, 110.0), roll_degrees, 1.0)
    motion[:, 2] += (1.5 * np.sin(phase), 1.0 * np.cos(phase))
    return motion.astype(np.float32), roll_degrees


def crop_transform(motion: Affine) -> Affine:
    """The frame-to-crop transform of a head moved by `motion`, `[2, 3]` float32."""
    offset = 0.5 * CROP_SCALE - 0.5  # pixel centres lie at whole numbers
    to_crop = np.array(
        [[CROP_SCALE, 0, offset - CROP_SCALE * CROP_LEFT], [0, CROP_SCALE, offset - CROP_SCALE * CROP_TOP]], np.float64
    )
    inverse = np.vstack([cv2.invertAffineTransform(motion.astype(np.float64)), (0, 0, 1)])
    return np.asarray(to_crop @ inverse, np.float32)


def draw_frame(index: int) -> Image:
    """Draw picture `index` of the driving clip, `[128, 128, 3]` uint8 BGR; the eyes blink in two of them."""
    head = cv2.resize(draw_head(eyes_open=index not in (4, 5)), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.warpAffine(head, head_motion(index)[0], (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def draw_reference() -> Image:
    """Draw the head at rest as the crop shows it, `[320, 320, 3]` uint8 BGR."""
    top, left = CROP_TOP * CROP_SCALE, CROP_LEFT * CROP_SCALE
    return draw_head(eyes_open=True)[top : top + CROP_SIZE, left : left + CROP_SIZE]


def draw_mask() -> UInt8:
    """The soft generated area, `[320, 320]` uint8."""
    mask = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)
    cv2.ellipse(mask, (MOUTH[0], MOUTH[1] + 8), (90, 75), 0, 0, 360, 255, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 8), np.uint8)


def write_clip(path: Path, frames: list[Image]) -> None:
    """Write H.264 yuv420p, one closed group of pictures of at most 12."""
    options = {"crf": "18", "g": "12", "bf": "0", "x264-params": "open-gop=0:scenecut=0:threads=1"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        stream.codec_context.color_range, stream.codec_context.colorspace = 1, 1  # limited, bt709
        stream.codec_context.time_base = Fraction(1, 25)
        for index, image in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(image, "bgr24").reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            picture.pts, picture.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def model(name: str, nodes: list[onnx.NodeProto], constants: dict[str, Array | np.generic], **tensors: str) -> bytes:
    """A model of which `tensors` gives name to "in 6 320 320" or "out 12" (the batch is dynamic)."""
    infos: dict[str, list[onnx.ValueInfoProto]] = {"in": [], "out": []}
    for tensor, text in tensors.items():
        side, *shape = text.split()
        info = helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["batch", *map(int, shape)])
        infos[side].append(info)
    initialisers = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, infos["in"], infos["out"], initialisers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


def generator_model(*, quantised: bool) -> bytes:
    """The reference crop, darkened in an ellipse around the mouth that opens with `lip_gap`."""
    grid = np.arange(CROP_SIZE, dtype=np.float32)
    constants: dict[str, Array | np.generic] = {
        "colours": np.array([0], np.int64),
        "colours_end": np.array([3], np.int64),
        "gap": np.array([ARTICULATION.index("lip_gap")], np.int64),
        "gap_end": np.array([ARTICULATION.index("lip_gap") + 1], np.int64),
        "channel_axis": np.array([1], np.int64),
        "per_picture": np.array([-1, 1, 1, 1], np.int64),
        "across": (((grid - MOUTH[0]) / 48) ** 2).reshape(1, 1, 1, -1),
        "down": ((grid - MOUTH[1]) ** 2).reshape(1, 1, -1, 1),
        "closed": np.float32(9),
        "opening": np.float32(900),
        "one": np.float32(1),
        "softness": np.float32(6),
        "darkness": np.float32(0.8),
        "level": np.float32(1 / 255),
        "zero_point": np.uint8(0),
    }
    nodes = [helper.make_node("Slice", ["visual", "colours", "colours_end", "channel_axis"], ["pattern"])]
    pattern = "pattern"
    if quantised:
        pattern = "pattern_int8"
        nodes += [
            helper.make_node("QuantizeLinear", ["pattern", "level", "zero_point"], ["levels"]),
            helper.make_node("DequantizeLinear", ["levels", "level", "zero_point"], [pattern]),
        ]
    else:
        del constants["level"], constants["zero_point"]
    nodes += [
        helper.make_node("Slice", ["code", "gap", "gap_end", "channel_axis"], ["gap_code"]),
        helper.make_node("Relu", ["gap_code"], ["gap_positive"]),
        helper.make_node("Reshape", ["gap_positive", "per_picture"], ["gap_picture"]),
        helper.make_node("Mul", ["gap_picture", "opening"], ["opened"]),
        helper.make_node("Add", ["opened", "closed"], ["height"]),  # square of half the opening's height
        helper.make_node("Div", ["down", "height"], ["vertical"]),
        helper.make_node("Add", ["vertical", "across"], ["radius"]),
        helper.make_node("Sub", ["one", "radius"], ["inside"]),
        helper.make_node("Mul", ["inside", "softness"], ["inside_soft"]),
        helper.make_node("Sigmoid", ["inside_soft"], ["ellipse"]),
        helper.make_node("Mul", ["ellipse", "darkness"], ["dark"]),
        helper.make_node("Mul", ["dark", "gap_picture"], ["dark_open"]),
        helper.make_node("Sub", ["one", "dark_open"], ["light"]),
        helper.make_node("Mul", [pattern, "light"], ["shaded"]),
        helper.make_node("Clip", ["shaded", "", "one"], ["image_high"]),
        helper.make_node("Relu", ["image_high"], ["image"]),
    ]
    return model("tiny generator", nodes, constants, visual="in 6 320 320", code="in 12", image="out 3 320 320")


def speech_encoder_model() -> bytes:
    """512 features that repeat the loudness, 0..1, of four bands of 20 mel rows; 0 in digital silence."""
    constants: dict[str, Array | np.generic] = {
        "bands": np.array([-1, 4, 320], np.int64),
        "last": np.array([2], np.int64),
        "quietest": np.float32(4),
        "eighth": np.float32(0.125),
        "repeats": np.array([1, 128], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["mel", "bands"], ["banded"]),
        helper.make_node("ReduceMean", ["banded", "last"], ["level"], keepdims=0),
        helper.make_node("Add", ["level", "quietest"], ["above"]),
        helper.make_node("Mul", ["above", "eighth"], ["loudness"]),
        helper.make_node("Tile", ["loudness", "repeats"], ["features"]),
    ]
    return model("tiny speech encoder", nodes, constants, mel="in 1 80 16", features="out 512")


def articulation_model() -> bytes:
    """A code whose every value follows the loudness of the windows around a frame's middle."""
    rows = np.zeros((1, 1, 16), np.float32)
    rows[0, 0, 6:9] = (0.25, 0.5, 0.25)  # row 7 is the window of which the middle of the frame is the middle
    strength = np.zeros((4, len(ARTICULATION)), np.float32)
    strength[:, :2] = 0.6  # jaw and lip_gap
    strength[:, 2:] = np.linspace(-0.1, 0.2, 4)[:, None]
    constants: dict[str, Array | np.generic] = {
        "context": np.array([-1, 16, 512], np.int64),
        "rows": rows,
        "bands": np.array([-1, 128, 4], np.int64),
        "repeat": np.array([1], np.int64),
        "strength": strength,
    }
    nodes = [
        helper.make_node("Reshape", ["audio", "context"], ["feature_rows"]),
        helper.make_node("MatMul", ["rows", "feature_rows"], ["middle"]),
        helper.make_node("Reshape", ["middle", "bands"], ["banded"]),
        helper.make_node("ReduceMean", ["banded", "repeat"], ["loudness"], keepdims=0),
        helper.make_node("MatMul", ["loudness", "strength"], ["code"]),
    ]
    return model("tiny articulation", nodes, constants, audio="in 32 16 16", code="out 12")


def _save(path: Path, arrays: Mapping[str, Array]) -> None:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # numpy types its own keywords only


def _run(model: bytes, **inputs: Float32) -> Float32:
    with np.errstate(over="ignore"):  # far from the mouth the sigmoid is 0
        (output,) = ReferenceEvaluator(onnx.load_from_string(model)).run(None, inputs)
    return np.asarray(output, np.float32)


def _parameters(model: bytes) -> int:
    return sum(int(np.prod(tensor.dims)) for tensor in onnx.load_from_string(model).graph.initializer)


def _masked_visual(reference: Image, crop: Image, mask: UInt8) -> UInt8:
    """Generator input in levels, `[1, 6, 320, 320]` uint8."""
    masked = np.rint(crop * (1 - mask[..., None] / 255)).astype(np.uint8)
    return np.concatenate([reference, masked], axis=2).transpose(2, 0, 1)[None]


def make_avatar(folder: Path, generator: bytes, generator_int8: bytes) -> None:
    """Write an avatar with that generator into the new folder `folder`, whose name is also the avatar's."""
    folder.mkdir(parents=True)
    motions = [head_motion(index) for index in range(FRAMES)]
    frames = [draw_frame(index) for index in range(FRAMES)]
    transforms = np.stack([crop_transform(motion) for motion, _ in motions])
    poses = np.array([(0, 0, roll) for _, roll in motions], np.float32)
    reference = draw_reference()
    coarse = reference[8::16, 8::16].repeat(16, 0).repeat(16, 1)  # compresses to a few KB
    mask = draw_mask()
    write_clip(folder / "frames.mp4", frames)
    np.savez_compressed(folder / "crops.npz", transforms=transforms, poses=poses)
    cv2.imwrite(str(folder / "references.png"), np.vstack([reference] * len(REFERENCE_FRAMES)))
    cv2.imwrite(str(folder / "mask.png"), mask)
    cv2.imwrite(str(folder / "poster.jpg"), frames[0])
    (folder / "generator.fast.onnx").write_bytes(generator)
    (folder / "generator.fast.int8.onnx").write_bytes(generator_int8)
    write_generator_golden(folder / "golden.npz", generator, _masked_visual(coarse, coarse, mask // 64 * 64))
    manifest = Manifest(
        name=folder.name,
        frame_width=SIZE,
        frame_height=SIZE,
        licence="Apache-2.0",
        subject="a drawn face, nobody's",
        consent="not needed: no person is shown",
        provenance={"made_by": "tests/assets/make_tiny_avatar.py"},
        references=References(poses=[(0.0, 0.0, round(motions[index][1], 4)) for index in REFERENCE_FRAMES]),
        mask=Mask(),
        timeline=Timeline(frames=FRAMES),
        networks={
            "fast": Network(
                files={"float": "generator.fast.onnx", "int8": "generator.fast.int8.onnx"},
                parameters=_parameters(generator),
                gflop=0.0,
            )
        },
        files=file_entries(folder.iterdir()),
    )
    (folder / "avatar.json").write_text(manifest.model_dump_json(indent=2, exclude_none=True) + "\n")


def write_generator_golden(path: Path, generator: bytes, visual: UInt8) -> None:
    """Write the golden pair of an open mouth: visual as uint8 levels, image as float16."""
    code = np.linspace(0, 1.1, len(ARTICULATION), dtype=np.float32)[None]
    code[0, ARTICULATION.index("lip_gap")] = 0.7
    image = _run(generator, visual=visual.astype(np.float32) / np.float32(255), code=code)
    golden: dict[str, Array] = {"visual": visual, "code": code, "image": image.astype(np.float16)}
    _save(path, {f"generator.fast/{name}": array for name, array in golden.items()})


def make_speech(folder: Path, encoder: bytes, articulation: bytes) -> None:
    """Write two speech networks into the new folder `folder`."""
    folder.mkdir(parents=True)
    (folder / "speech_encoder.onnx").write_bytes(encoder)
    (folder / "articulation.onnx").write_bytes(articulation)
    mel = np.linspace(-4, 3, 2 * 80 * 16, dtype=np.float32).reshape(2, 1, 80, 16)
    audio = np.linspace(0, 1, 32 * 16 * 16, dtype=np.float32).reshape(1, 32, 16, 16)
    golden = {
        "speech_encoder/mel": mel,
        "speech_encoder/features": _run(encoder, mel=mel),
        "articulation/audio": audio,
        "articulation/code": _run(articulation, audio=audio),
    }
    _save(folder / "golden.npz", golden)
    manifest = SpeechManifest(
        provenance={"made_by": "tests/assets/make_tiny_avatar.py"},
        networks={
            "speech_encoder": Network(
                files={"float": "speech_encoder.onnx"}, parameters=_parameters(encoder), gflop=0.0
            ),
            "articulation": Network(
                files={"float": "articulation.onnx"}, parameters=_parameters(articulation), gflop=0.0
            ),
        },
        files=file_entries(folder.iterdir()),
    )
    (folder / "speech.json").write_text(manifest.model_dump_json(indent=2, exclude_none=True) + "\n")


def make_tiny(folder: Path) -> None:
    """Write the avatar `tiny` and the tiny speech networks into the folder `folder`."""
    make_avatar(folder / "avatars" / "tiny", generator_model(quantised=False), generator_model(quantised=True))
    make_speech(folder / "speech", speech_encoder_model(), articulation_model())


if __name__ == "__main__":
    make_tiny(Path(sys.argv[1]))
