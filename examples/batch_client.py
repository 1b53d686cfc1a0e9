"""Any file with sound in, an MP4 of a speaking avatar out: 100 frames a call, each call with 15 chunks of audio around.

python batch_client.py hello.wav out.mp4 default_model 127.0.0.1:50051  (in place of lipstream.wire.pb: your own stubs)
"""

import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain

import av
import grpc
import numpy as np

from lipstream.wire.pb.optimized_lipsyncsrv_pb2 import BatchInferenceWithAudioRequest as Request
from lipstream.wire.pb.optimized_lipsyncsrv_pb2_grpc import OptimizedLipSyncServiceStub as Stub

BATCH, BEFORE, AFTER, CHUNK = 100, 8, 7, 640  # frames a call; chunks around them; samples of 40 ms at 16 kHz
WHOLE = (("lipstream-output", "frame"),)  # whole frames instead of faces to draw over `bounds`


def read(path: str) -> np.ndarray:
    """Mono float32 at 16 kHz, in whole chunks."""
    resampler = av.AudioResampler("flt", "mono", 16_000)
    with av.open(path) as file:
        frames = chain(file.decode(audio=0), [None])  # None: what the resampler still holds
        samples = np.concatenate([piece.to_ndarray()[0] for frame in frames for piece in resampler.resample(frame)])
    return np.pad(samples, (0, -len(samples) % CHUNK))


def speak(stub: Stub, model: str, samples: np.ndarray) -> Iterator[bytes]:
    """The JPEG of every frame."""
    count = len(samples) // CHUNK
    chunks = np.pad(samples, (BEFORE * CHUNK, AFTER * CHUNK)).astype("<f4").reshape(-1, CHUNK)
    for first in range(0, count, BATCH):
        frames = min(BATCH, count - first)
        around = [chunk.tobytes() for chunk in chunks[first : first + BEFORE + frames + AFTER]]
        request = Request(model_name=model, start_frame_id=first, frame_count=frames, audio_chunks=around)
        for response in stub.GenerateBatchWithAudio(request, metadata=WHOLE).responses:
            if not response.success:
                sys.exit(response.error)
            yield response.prediction_data


sys.excepthook = lambda _, error, __: sys.stderr.write(f"{getattr(error, 'details', lambda: error)()}\n")  # in words
audio, out, model, server = sys.argv[1:] if len(sys.argv) == 5 else sys.exit(__doc__)
samples, decoder = read(audio), av.CodecContext.create("mjpeg", "r")
channel = grpc.insecure_channel(server, [("grpc.max_receive_message_length", 200 * 2**20)])
with channel, av.open(out, "w") as file:
    video, sound = file.add_stream("libx264", rate=25), file.add_stream("aac", rate=16_000, layout="mono")
    for index, jpeg in enumerate(speak(Stub(channel), model, samples)):
        (picture,) = decoder.decode(av.Packet(jpeg))
        if index == 0:
            video.width, video.height, video.pix_fmt = picture.width, picture.height, "yuv420p"
        picture.pts, picture.time_base = index, Fraction(1, 25)
        heard = av.AudioFrame.from_ndarray(samples[None, index * CHUNK :][:, :CHUNK], "flt", "mono")
        heard.sample_rate, heard.pts = 16_000, index * CHUNK
        file.mux([*video.encode(picture), *sound.encode(heard)])
    file.mux([*video.encode(None), *sound.encode(None)])
