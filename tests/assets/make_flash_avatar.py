"""Makes an avatar that flashes in the frame in which somebody claps, and twenty claps; to hold picture against sound.

It is the tiny avatar with other networks: the speech networks hear the loudness of the middle of a frame and of nothing
beside it, and the generator paints its area white from a threshold on that a soft voice stays below. There has to be a
voice, since without one the mouth rests. Run it with `pip install ".[train]"`:

    python tests/assets/make_flash_avatar.py FOLDER     # FOLDER/avatars/flash, FOLDER/speech and FOLDER/claps.wav
"""

import sys
import wave
from pathlib import Path

import make_tiny_avatar as tiny
import numpy as np
from onnx import helper

from lipstream.audio.read import read_pcm
from lipstream.avatar.arrays import Array
from lipstream.types import ARTICULATION, SAMPLE_RATE_HZ, Pcm

HERE = Path(__file__).parent
CLAPS = 20
CLAP_EVERY_S = 1.23  # no multiple of a frame: the claps fall everywhere in their frames
CLAP_SAMPLES = 320  # 20 ms
VOICE_LEVEL = 0.05
CLAP_HZ = 3000


def claps() -> Pcm:
    """Twenty claps over a soft voice, `[L]` float32; clap i begins CLAP_EVERY_S (i + 1) after the start."""
    voice = read_pcm(HERE.parents[1] / "examples" / "hello.wav")
    pcm = np.resize(
        voice * np.float32(VOICE_LEVEL / np.abs(voice).max()), round((CLAPS + 1) * CLAP_EVERY_S * SAMPLE_RATE_HZ)
    )
    clap = np.sin(2 * np.pi * CLAP_HZ / SAMPLE_RATE_HZ * np.arange(CLAP_SAMPLES)).astype(np.float32)
    for index in range(CLAPS):
        begin = round((index + 1) * CLAP_EVERY_S * SAMPLE_RATE_HZ)
        pcm[begin : begin + CLAP_SAMPLES] = 0.9 * clap
    return pcm


def speech_encoder_model() -> bytes:
    """512 features that repeat how loud the middle of the window is in the clap's bands, 0 to 1."""
    constants: dict[str, Array | np.generic] = {
        "from": np.array([50, 7], np.int64),  # bands from 2.7 kHz on, two rows of 12.5 ms
        "to": np.array([60, 9], np.int64),
        "axes": np.array([2, 3], np.int64),
        "quietest": np.float32(4),
        "eighth": np.float32(0.125),
        "shape": np.array([-1, 1], np.int64),
        "repeats": np.array([1, 512], np.int64),
    }
    nodes = [
        helper.make_node("Slice", ["mel", "from", "to", "axes"], ["middle"]),
        helper.make_node("ReduceMean", ["middle", "axes"], ["level"], keepdims=0),
        helper.make_node("Add", ["level", "quietest"], ["above"]),
        helper.make_node("Mul", ["above", "eighth"], ["loudness"]),
        helper.make_node("Reshape", ["loudness", "shape"], ["one"]),
        helper.make_node("Tile", ["one", "repeats"], ["features"]),
    ]
    return tiny.model("flash speech encoder", nodes, constants, mel="in 1 80 16", features="out 512")


def articulation_model() -> bytes:
    """A code of zeros, but for jaw and lip_gap: 1 where the frame's middle has a clap, 0 where it has a voice."""
    opens = np.zeros((1, len(ARTICULATION)), np.float32)
    opens[:, :2] = 1
    constants: dict[str, Array | np.generic] = {
        "context": np.array([-1, 16, 512], np.int64),
        "from": np.array([7, 0], np.int64),  # row 7 is the window of which the middle of the frame is the middle
        "to": np.array([8, 1], np.int64),
        "axes": np.array([1, 2], np.int64),
        "flat": np.array([-1, 1], np.int64),
        "threshold": np.float32(0.45),
        "steepness": np.float32(20),
        "closed": np.float32(0),
        "open": np.float32(1),
        "opens": opens,
    }
    nodes = [
        helper.make_node("Reshape", ["audio", "context"], ["rows"]),
        helper.make_node("Slice", ["rows", "from", "to", "axes"], ["middle"]),
        helper.make_node("Reshape", ["middle", "flat"], ["loudness"]),
        helper.make_node("Sub", ["loudness", "threshold"], ["above"]),
        helper.make_node("Mul", ["above", "steepness"], ["steep"]),
        helper.make_node("Clip", ["steep", "closed", "open"], ["flash"]),
        helper.make_node("MatMul", ["flash", "opens"], ["code"]),
    ]
    return tiny.model("flash articulation", nodes, constants, audio="in 32 16 16", code="out 12")


def generator_model() -> bytes:
    """The reference crop, white by as much as `lip_gap` says."""
    constants: dict[str, Array | np.generic] = {
        "colours": np.array([0], np.int64),
        "colours_end": np.array([3], np.int64),
        "gap": np.array([ARTICULATION.index("lip_gap")], np.int64),
        "gap_end": np.array([ARTICULATION.index("lip_gap") + 1], np.int64),
        "axis": np.array([1], np.int64),
        "per_picture": np.array([-1, 1, 1, 1], np.int64),
        "black": np.float32(0),
        "white": np.float32(1),
    }
    nodes = [
        helper.make_node("Slice", ["visual", "colours", "colours_end", "axis"], ["pattern"]),
        helper.make_node("Slice", ["code", "gap", "gap_end", "axis"], ["gap_code"]),
        helper.make_node("Reshape", ["gap_code", "per_picture"], ["flash"]),
        helper.make_node("Add", ["pattern", "flash"], ["bright"]),
        helper.make_node("Clip", ["bright", "black", "white"], ["image"]),
    ]
    return tiny.model("flash generator", nodes, constants, visual="in 6 320 320", code="in 12", image="out 3 320 320")


def make_flash(folder: Path) -> None:
    """Write avatar, speech networks and claps into the folder `folder`."""
    tiny.make_avatar(folder / "avatars" / "flash", generator_model(), generator_model())
    tiny.make_speech(folder / "speech", speech_encoder_model(), articulation_model())
    with wave.open(str(folder / "claps.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((claps() * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    make_flash(Path(sys.argv[1]))
