import logging
import os
import struct
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream.audio.read import decode, duration_hint_ms, read_pcm
from lipstream.errors import InputError, LipstreamError, MediaError
from lipstream.types import Float32

DATA = Path(os.environ.get("LIPSTREAM_DATA", "."))
needs_data = pytest.mark.skipif(
    "LIPSTREAM_DATA" not in os.environ, reason="LIPSTREAM_DATA names the folder of real data"
)
REAL_FILES = [
    path
    for folder in ("malformed", "media", "speech", "aligned_speech")
    for path in sorted((DATA / folder).rglob("*"))
    if "LIPSTREAM_DATA" in os.environ and path.suffix not in {".txt", ".json", ".lab", ".md"} and path.is_file()
]


def tone(seconds: float, rate_hz: int, hz: float = 440.0) -> Float32:
    return (0.5 * np.sin(2.0 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def write_wav(path: Path, channels: list[Float32], rate_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(np.stack(channels, axis=1) * 32_767).astype("<i2").tobytes())
    return path


def write_float_wav(path: Path, samples: Float32, rate_hz: int = 16_000) -> Path:
    data = samples.astype("<f4").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, rate_hz, 4 * rate_hz, 4, 32)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)
    return path


def refusal(path: Path) -> str:
    """Read a file block by block: the message that refuses it, or nothing if it gives sound in -1..1."""
    try:
        for block in decode(path):
            assert block.ndim == 1
            assert np.abs(block).max() <= 1.0
    except LipstreamError as error:
        return str(error)
    return ""


def encode(path: Path, codec: str, samples: Float32, rate_hz: int, *, picture: bool = False) -> Path:
    """Encode one channel, beside ten black frames of video where `picture` is set."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25) if picture else None
        audio = container.add_stream(codec, rate=rate_hz, layout="mono")
        assert isinstance(audio, av.AudioStream)
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
            for _ in range(10):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "bgr24")))
            container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(format=audio.format, layout="mono", rate=rate_hz, frame_size=audio.frame_size)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(audio.encode(piece))
    return path


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_any_sample_rate_becomes_16_khz(tmp_path: Path, rate_hz: int) -> None:
    pcm = read_pcm(write_wav(tmp_path / "tone.wav", [tone(1.0, rate_hz)], rate_hz))
    assert pcm.dtype == np.float32
    assert pcm.shape == (16_000,)
    np.testing.assert_allclose(pcm[500:-500], tone(1.0, 16_000)[500:-500], atol=1e-3)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right, rear = tone(0.1, 16_000), np.zeros(1_600, np.float32), -tone(0.1, 16_000) * 0.25
    pcm = read_pcm(write_wav(tmp_path / "three.wav", [left, right, rear], 16_000))
    np.testing.assert_allclose(pcm, (left + right + rear) / 3.0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "aac"), ("a.flac", "flac"), ("a.webm", "libopus"), ("a.mp3", "mp3")]
)
def test_compressed_sound_is_decoded(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, codec, tone(1.0, 48_000), 48_000)
    pcm = read_pcm(path)
    assert abs(pcm.size - 16_000) < 16_000 * 0.08  # padding of the codecs
    assert 0.30 < np.sqrt(np.mean(pcm[4_000:12_000] ** 2)) < 0.40  # 0.5 / sqrt(2)
    assert duration_hint_ms(path) == pytest.approx(1000, abs=80)


def test_sound_of_a_video_is_decoded(tmp_path: Path) -> None:
    pcm = read_pcm(encode(tmp_path / "video.mp4", "aac", tone(0.4, 44_100), 44_100, picture=True))
    assert 6_000 < pcm.size < 8_000


def test_blocks_are_of_one_length_but_the_last(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "tone.wav", [tone(0.95, 44_100)], 44_100)
    blocks = list(decode(path, block_ms=200))
    assert [len(block) for block in blocks] == [3_200] * 4 + [2_400]
    np.testing.assert_array_equal(np.concatenate(blocks), read_pcm(path))


def test_stereo_at_48_khz_keeps_its_sides(tmp_path: Path) -> None:
    left, right = tone(0.5, 44_100), tone(0.5, 44_100, hz=880.0)
    sound = np.concatenate(
        list(decode(write_wav(tmp_path / "two.wav", [left, right], 44_100), sample_rate_hz=48_000, channels=2))
    )
    assert sound.shape == (24_000, 2)
    np.testing.assert_allclose(sound[500:-500, 1], tone(0.5, 48_000, hz=880.0)[500:-500], atol=1e-3)


def test_one_channel_becomes_two_at_its_own_level(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "one.wav", [tone(0.1, 48_000)], 48_000)
    [sound] = decode(path, sample_rate_hz=48_000, channels=2)
    np.testing.assert_allclose(sound, np.stack([tone(0.1, 48_000)] * 2, axis=1), atol=1e-4)


def test_six_channels_become_two(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "six.wav", [tone(0.1, 48_000)] * 6, 48_000)
    [sound] = decode(path, sample_rate_hz=48_000, channels=2)
    assert sound.shape == (4_800, 2)
    assert 0.1 < np.abs(sound).max() <= 1.0


def test_samples_that_are_not_numbers_become_zero(tmp_path: Path) -> None:
    samples = tone(0.1, 16_000)
    samples[100:110] = np.nan
    samples[200], samples[201] = np.inf, 9.0
    pcm = read_pcm(write_float_wav(tmp_path / "nan.wav", samples))
    assert not pcm[100:110].any()
    assert (pcm[200], pcm[201]) == (0.0, 1.0)


def test_change_of_rate_and_channels_within_a_file_is_followed(tmp_path: Path) -> None:
    first = encode(tmp_path / "first.aac", "aac", tone(1.0, 44_100), 44_100).read_bytes()
    second = encode(tmp_path / "second.aac", "aac", tone(1.0, 22_050), 22_050).read_bytes()
    (tmp_path / "both.aac").write_bytes(first + second)
    pcm = read_pcm(tmp_path / "both.aac")
    assert abs(pcm.size - 32_000) < 5_000
    assert 0.30 < np.sqrt(np.mean(pcm[24_000:28_000] ** 2)) < 0.40


def test_truncated_file_gives_what_is_left(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "cut.wav", [tone(1.0, 16_000)], 16_000)
    path.write_bytes(path.read_bytes()[: 44 + 10_001])
    np.testing.assert_allclose(read_pcm(path), tone(1.0, 16_000)[:5_000], atol=1e-4)


def test_damaged_file_gives_what_can_be_decoded_and_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = encode(tmp_path / "damaged.mp4", "aac", tone(2.0, 44_100), 44_100)
    content = bytearray(path.read_bytes())
    content[3_000:3_400] = np.random.default_rng(1).bytes(400)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        pcm = read_pcm(path)
    assert pcm.size > 8_000
    assert [record.message for record in caplog.records] == ["damaged audio: went on with what could be decoded"]


def test_unused_decoder_closes_its_file(tmp_path: Path) -> None:
    blocks = decode(write_wav(tmp_path / "tone.wav", [tone(1.0, 16_000)], 16_000), block_ms=100)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]


def test_missing_file_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere\.wav cannot be read \(No such file or directory\); expected"):
        read_pcm("nowhere.wav")


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        read_pcm(tmp_path)


@pytest.mark.parametrize("read", [read_pcm, duration_hint_ms])
def test_pipe_is_refused_without_waiting_for_it(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(InputError, match=r"pipe\.wav is a pipe or a device; .* save the sound to a file first"):
        read(tmp_path / "pipe.wav")


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(MediaError, match="is empty; expected an audio or video file"):
        read_pcm(tmp_path / "empty.wav")


def test_text_is_not_audio(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound here\n" * 20)
    with pytest.raises(MediaError, match="cannot be decoded"):
        read_pcm(tmp_path / "text.wav")


def test_video_without_sound_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "mute.mp4"), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "bgr24")))
        container.mux(video.encode(None))
    with pytest.raises(MediaError, match="has no audio track"):
        read_pcm(tmp_path / "mute.mp4")


def test_track_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="without a single sample"):
        read_pcm(write_wav(tmp_path / "none.wav", [np.zeros(0, np.float32)], 16_000))


@pytest.mark.parametrize("rate_hz", [999, 1_092_676])
def test_absurd_rate_is_refused(tmp_path: Path, rate_hz: int) -> None:
    with pytest.raises(MediaError, match=f"claims {rate_hz} samples a second; expected 1000 to 768000"):
        read_pcm(write_wav(tmp_path / "absurd.wav", [tone(0.1, 16_000)], rate_hz))


def test_random_bytes_never_escape_as_another_error(tmp_path: Path) -> None:
    source = encode(tmp_path / "whole.mp4", "aac", tone(1.0, 44_100), 44_100).read_bytes()
    random = np.random.default_rng(5)
    for trial in range(40):
        content = np.frombuffer(source, np.uint8).copy()
        content[random.integers(0, content.size, 60)] = random.integers(0, 256, 60)
        path = tmp_path / f"{trial}.mp4"
        path.write_bytes(content.tobytes()[: int(random.integers(1, content.size))])
        assert "\n" not in refusal(path)


@needs_data
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.name)
def test_real_file_is_decoded_or_refused_in_one_line(path: Path) -> None:
    tracemalloc.start()
    message = refusal(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 20_000_000
    if message:
        assert path.parent.name == "malformed" or "no audio track" in message or path.name == "alac_file.m4a"
        assert "expected" in message
        assert "\n" not in message


@needs_data
@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("speech/jfk_en_m_44k_stereo.flac", 11.0),
        ("speech/silence_20s.wav", 20.0),
        ("speech/formats/p001.webm", 9.0),
        ("malformed/wav_sizes_ffffffff_streaming.wav", 2.92),
        ("malformed/wav_truncated_data.wav", 0.62),
        ("malformed/tinytag_flac453sStereo.flac", 453.5),
    ],
)
def test_real_file_has_its_length(name: str, seconds: float) -> None:
    assert sum(map(len, decode(DATA / name))) / 16_000 == pytest.approx(seconds, abs=0.05)


@needs_data
@pytest.mark.parametrize(
    "name", ["aeneas_mono.empty.wav", "pocketsphinx_awful.wav", "wav_zero_rate.wav", "mp4parse_zero_empty_stsc.mp4"]
)
def test_real_broken_file_is_refused(name: str) -> None:
    with pytest.raises(MediaError):
        read_pcm(DATA / "malformed" / name)


@pytest.mark.parametrize("channels", [7, 8, 16])
def test_many_channels_are_averaged(channels: int, tmp_path: Path) -> None:
    path = tmp_path / "many.wav"
    samples = np.tile(np.linspace(-0.5, 0.5, channels), (16_000, 1))
    samples[:, 0] += 0.25 * channels
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    expected = np.clip(samples, -1, 1).mean()
    assert read_pcm(path)[2_000:14_000].mean() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile itself\n", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nitself\n"]
)
def test_a_list_of_files_that_names_itself_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "itself"
    path.write_text(text)
    for read in (read_pcm, duration_hint_ms):
        with pytest.raises(MediaError, match=r"(such as a list of files|\(Invalid data.*\)); expected an"):
            read(path)


def test_a_list_that_names_a_file_is_refused_too(tmp_path: Path) -> None:
    write_wav(tmp_path / "tone.wav", [tone(0.1, 16_000)], 16_000)
    listed = tmp_path / "list.ffconcat"
    listed.write_text("ffconcat version 1.0\nfile tone.wav\n")
    with pytest.raises(MediaError, match="such as a list of files"):
        read_pcm(listed)


def test_floats_of_another_scale_are_refused_and_loud_ones_clipped(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"has samples up to 16,384; expected float samples in -1\.\.1"):
        read_pcm(write_float_wav(tmp_path / "scaled.wav", tone(0.1, 16_000) * 32_768))
    assert np.abs(read_pcm(write_float_wav(tmp_path / "loud.wav", tone(0.1, 16_000) * 4))).max() == 1
