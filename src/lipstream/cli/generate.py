"""`lipstream generate`: an audio file in, a video or a folder of pictures out."""

from pathlib import Path
from typing import Annotated

import typer

from lipstream.cli.interrupt import held
from lipstream.cli.options import Engine, Quality, bad_parameters
from lipstream.cli.progress import shown
from lipstream.clock import now_ms
from lipstream.config import Config
from lipstream.types import FRAME_MS


def generate(  # noqa: PLR0913, PLR0917  one argument an option
    context: typer.Context,
    audio: Annotated[Path, typer.Argument(help="Anything with sound: wav, mp3, flac, ..., a video file included.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="OUT.mp4, or FOLDER/%06d.jpg for the frames alone, numbered from 0."
        ),
    ],
    avatar: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="Who speaks: a name that `avatar list` shows, or a bundle's path.")
    ] = "iris",
    engine: Engine = "auto",
    quality: Quality = "auto",
    gain: Annotated[
        float, typer.Option(help="Factor of every mouth movement: 0 keeps it closed, 1 is natural, 2 is the most.")
    ] = 1.0,
    reference: Annotated[
        bool,
        typer.Option(
            "--reference", help="Of an avatar imported from SyncTalk_2D: frame for frame as it shows it, in f32."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file, or all frames of that name.")
    ] = False,
) -> None:
    """Make a face speak: any sound in, a video of the person speaking it out.

    \b
    lipstream generate speech.wav -o hello.mp4
    lipstream generate film.mkv -o hello.mp4 --avatar ./me.avatar --gain 1.2
    lipstream generate speech.mp3 -o frames/%06d.jpg
    """  # noqa: D301  typer keeps the lines after a backspace character as they are
    start_ms = now_ms()
    with held():  # imported here because codecs and engines take half a second, which `--help` need not wait for
        from lipstream.audio.read import duration_hint_ms  # noqa: PLC0415
        from lipstream.avatar.registry import find, speech_folder  # noqa: PLC0415
        from lipstream.pipeline.arguments import check_gain  # noqa: PLC0415
        from lipstream.pipeline.avatar import open_avatar  # noqa: PLC0415
        from lipstream.pipeline.offline import check_output, render_file  # noqa: PLC0415

    config: Config = context.obj
    with bad_parameters():
        check_gain(gain)
        check_output(audio, out, overwrite=overwrite)
    duration_ms = duration_hint_ms(audio)
    with held():  # engines are imported in it
        person = open_avatar(
            find(avatar, config.home), speech_folder(), engine=engine, quality=quality,
            precision="f32" if reference else "auto",
        )  # fmt: skip
    with shown(None if duration_ms is None else -(-duration_ms // FRAME_MS)) as progress:
        frames = render_file(audio, out, person, gain=gain, reference=reference, overwrite=overwrite, progress=progress)
    print(summary(out, frames, now_ms() - start_ms, f"{person.engine} {person.precision}"))


def summary(out: Path, frames: int, elapsed_ms: float, engine: str) -> str:
    """The line that ends the work: what was made, how fast, by what."""
    video_seconds, seconds = frames * FRAME_MS / 1000, elapsed_ms / 1000
    return (
        f"{out}: {frames} frames, {video_seconds:.1f} s of video in {seconds:.1f} s, "
        f"{video_seconds / seconds:.1f} times real time, {engine}"
    )
