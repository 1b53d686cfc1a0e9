"""A video and the sound it was made from in, an error unless it is what the README promises."""

import sys

import av

video_path, audio_path = sys.argv[1:]
with av.open(audio_path) as sound:
    seconds = float(sound.duration / av.time_base)
with av.open(video_path) as container:
    picture, voice = container.streams.video[0], container.streams.audio[0]
    frames = sum(1 for _ in container.decode(picture))
    facts = {
        "H.264": picture.codec_context.name == "h264",
        "yuv420p": picture.codec_context.pix_fmt == "yuv420p",
        "25 frames a second": picture.average_rate == 25,
        "at least 720 x 720": min(picture.width, picture.height) >= 720,
        "AAC": voice.codec_context.name == "aac",
        "as long as the sound": abs(frames / 25 - seconds) < 0.05,
    }
wrong = [fact for fact, holds in facts.items() if not holds]
if wrong:
    sys.exit(f"{video_path} is not {', '.join(wrong)}")
sys.stdout.write(f"{video_path}: {frames} frames, {', '.join(facts)}\n")
