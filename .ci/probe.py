"""A video and the sound it was made from in, an error unless it is what the README promises."""

import sys

import av
import numpy as np
from av.audio.resampler import AudioResampler

import lipstream

LEAST_LEVEL = 0.01  # of the sound, root mean square: speech has ten times that
LEAST_MOTION = 4.0  # times that of the leading silence: 5.8 where she speaks, 3.3, from compression, with --gain 0
SILENT_FRAMES = 3  # examples/hello.wav begins with six, and lips move before sound is heard
MOUTH = slice(490, 620), slice(270, 450)  # of iris's picture


def samples(path: str) -> np.ndarray:
    """The sound of a file, mono at 16 kHz, float32 in -1..1."""
    resampler = AudioResampler("flt", "mono", 16_000)
    with av.open(path) as container:
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([part.to_ndarray()[0] for part in [*parts, *resampler.resample(None)]])


def motion(pictures: list[np.ndarray]) -> float:
    """How far the mouth is from that of the same face saying nothing, speech over leading silence."""
    silence = np.zeros(len(pictures) * 640, np.float32)
    still = lipstream.render(silence, lipstream.load_avatar("iris"))
    away = [
        np.abs(seen[MOUTH] - one.image[MOUTH].astype(int)).mean() for seen, one in zip(pictures, still, strict=True)
    ]
    return float(np.mean(away[SILENT_FRAMES:]) / np.mean(away[:SILENT_FRAMES]))


video_path, audio_path = sys.argv[1:]
with av.open(audio_path) as sound:
    seconds = float(sound.duration / av.time_base)
with av.open(video_path) as container:
    picture, voice = container.streams.video[0], container.streams.audio[0]
    pictures = [frame.to_ndarray(format="bgr24") for frame in container.decode(picture)]
    level, moved = float(np.sqrt(np.mean(np.square(samples(video_path))))), motion(pictures)
    facts = {
        "H.264": picture.codec_context.name == "h264",
        "yuv420p": picture.codec_context.pix_fmt == "yuv420p",
        "25 frames a second": picture.average_rate == 25,
        "at least 720 x 720": min(picture.width, picture.height) >= 720,
        "AAC": voice.codec_context.name == "aac",
        "as long as the sound": abs(len(pictures) / 25 - seconds) < 0.05,
        f"loud enough ({level:.3f})": level >= LEAST_LEVEL,
        f"moving its mouth with speech ({moved:.1f} times silence)": moved >= LEAST_MOTION,
    }
wrong = [fact for fact, holds in facts.items() if not holds]
if wrong:
    sys.exit(f"{video_path} is not {', '.join(wrong)}")
sys.stdout.write(f"{video_path}: {len(pictures)} frames, {', '.join(facts)}\n")
