"""A WAV file in, spoken as if into a microphone; the MP4 of an avatar that speaks along out. docs/protocol.md, by hand.

python live_client.py hello.wav out.mp4 iris 127.0.0.1:8080 [microphone | tts | file]      (pip install websockets av)
"""

import asyncio
import json
import struct
import sys
import wave
from fractions import Fraction

import av
import numpy as np
import websockets

SOUND, FRAME = b"\x01\0\0\0", struct.Struct("<BBHIQHHHH")  # headers of what goes up, and of what comes down


async def speak(socket: websockets.ClientConnection, audio: wave.Wave_read, *, paced: bool) -> None:
    """Send the file in pieces of 40 ms, in real time if it is to be live."""
    while piece := audio.readframes(audio.getframerate() // 25):
        await socket.send(SOUND + piece)
        await asyncio.sleep(0.04 if paced else 0)
    await socket.send(json.dumps({"type": "end"}))


async def watch(socket: websockets.ClientConnection, path: str) -> None:
    """Write the frames that come until everything was shown, each picture with its sound."""
    decoder = av.CodecContext.create("mjpeg", "r")
    with av.open(path, "w") as file:
        video, sound = file.add_stream("libx264", rate=25), file.add_stream("aac", rate=16_000, layout="mono")
        async for message in socket:
            if isinstance(message, str):
                sys.stderr.write(f"{message}\n")
                if (event := json.loads(message))["type"] == "started":
                    video.width, video.height = event["width"], event["height"]
                if event["type"] == "ended":
                    break
                continue
            _, _, sound_bytes, index, *_ = FRAME.unpack_from(message)
            if jpeg := message[FRAME.size + sound_bytes :]:  # none: the picture before is shown on
                (picture,) = decoder.decode(av.Packet(jpeg))
            heard = av.AudioFrame.from_ndarray(np.frombuffer(message, "<i2", 640, FRAME.size)[None], "s16", "mono")
            picture.pts, picture.time_base, heard.sample_rate, heard.pts = index, Fraction(1, 25), 16_000, index * 640
            file.mux([*video.encode(picture), *sound.encode(heard)])
        file.mux([*video.encode(None), *sound.encode(None)])


async def main(audio_path: str, out: str, avatar: str, server: str, source: str = "microphone") -> None:
    """Speak and watch at once."""
    with wave.open(audio_path) as audio:
        start = {"type": "start", "avatar": avatar, "source": source, "sample_rate_hz": audio.getframerate()}
        async with websockets.connect(f"ws://{server}/v1/stream", subprotocols=["lipstream.v1"]) as socket:
            await socket.send(json.dumps(start))
            await asyncio.gather(watch(socket, out), speak(socket, audio, paced=source == "microphone"))


sys.excepthook = lambda _, error, __: sys.stderr.write(f"{error}\n")  # in words
asyncio.run(main(*sys.argv[1:])) if len(sys.argv) in {5, 6} else sys.exit(__doc__)
