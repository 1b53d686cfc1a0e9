"""Sentences in, speech of free synthesisers with phone times out: `python -m studio.voices WORK`.

Every utterance becomes `WORK/voices/VOICE/NNNN.wav` (16 kHz mono) and `NNNN.json` (text, phones). Finished ones are
skipped, so the step resumes; the same seed speaks the same corpus.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from studio.espeak import Espeak
from studio.phones import RADIO, VOWELS, Phone, on_grid
from studio.texts import english, written

SAMPLE_RATE_HZ = 16_000
HELD_OUT_VOICE = "ked"
"""Festival's ked: a speaker, and recordings, that no other voice shares."""
FESTIVAL_VOICES = {"kal": "kal_diphone", "ked": "ked_diphone", "slt_hts": "cmu_us_slt_arctic_hts"}
ESPEAK_ENGLISH = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
ESPEAK_LANGUAGES = ("de", "fr", "it", "cs", "fi", "ru", "pl", "nl", "sv", "pt", "tr")
ESPEAK_VARIANTS = (
    "f1 f2 f3 f4 f5 m1 m2 m3 m4 m5 m6 m7 m8 klatt klatt2 klatt3 klatt4 klatt6 Alex Alicia Andrea Andy Annie Lee Marco"
    " Michael adam anika belinda david ed edward2 john linda max pablo paul steph travis zac"
)
"""Natural ones; the robots, whispers and croaks are left out."""
SHARES = {
    "flite": {"slt": 1.0, "rms": 1.0, "awb": 1.0, "kal16": 0.4, "kal": 0.1},
    "festival": {"kal": 0.3, "slt_hts": 0.6},
    "espeak": {"en": 0.5},
}
"""The part of the English sentences that each voice speaks."""
Spoken = tuple[NDArray[np.float32], int, list[Phone]]
"""Sound `[L]` float32 in -1..1, its rate in Hz, its phones."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence as one voice speaks it."""

    text: str
    """What to say."""
    voice: str
    """The synthesiser's name of the voice."""
    stretch: float
    """Duration factor, above 1 is slower."""
    pitch: float
    """0..1 within the voice's range."""


def speak_flite(utterance: Utterance) -> Spoken:
    """Speak with flite, which prints the end of every phone."""
    f0_hz = (
        90 + 50 * utterance.pitch if utterance.voice in ("rms", "awb", "kal16", "kal") else 150 + 60 * utterance.pitch
    )
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        command = ["flite", "-voice", utterance.voice, "-t", utterance.text, "-o", str(wav), "-psdur"]
        settings = [f"duration_stretch={utterance.stretch:.3f}", f"int_f0_target_mean={f0_hz:.0f}"]
        arguments = [argument for setting in settings for argument in ("--setf", setting)]
        printed = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout
        pcm, rate_hz = soundfile.read(wav, dtype="float32")
    labels = [(name, float(end)) for name, end in (token.rsplit(":", 1) for token in printed.split())]
    return pcm, rate_hz, _from_ends(labels)


def speak_festival(utterance: Utterance) -> Spoken:
    """Speak with festival, which saves segments as lines `end 100 phone`."""
    with tempfile.TemporaryDirectory() as folder:
        wav, segments = Path(folder) / "speech.wav", Path(folder) / "speech.seg"
        text = utterance.text.replace('"', "").replace("\\", "")
        script = (
            f"(voice_{FESTIVAL_VOICES[utterance.voice]}) (Parameter.set 'Duration_Stretch {utterance.stretch:.3f})"
            f' (set! u (SynthText "{text}")) (utt.save.segs u "{segments}") (utt.save.wave u "{wav}" \'riff)'
        )
        command = ["festival", "-b", f"(begin {script})"]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
        if "default diphone" in said.stderr + said.stdout:
            raise ValueError(f"{utterance.voice} lacks a diphone of {text!r}: leave the sentence out")
        pcm, rate_hz = soundfile.read(wav, dtype="float32")
        rows = [line.split() for line in segments.read_text().splitlines() if not line.startswith("#")]
    return pcm, rate_hz, _from_ends([(row[2], float(row[0])) for row in rows])


def espeak_speaker() -> Callable[[Utterance], Spoken]:
    """Open espeak-ng, once."""
    espeak = Espeak()

    def speak(utterance: Utterance) -> Spoken:
        words_a_minute, pitch = int(165 / utterance.stretch), int(20 + 60 * utterance.pitch)
        pcm, phones = espeak.speak(utterance.voice, utterance.text, words_a_minute=words_a_minute, pitch=pitch)
        return pcm, espeak.sample_rate_hz, phones

    return speak


def _from_ends(labels: list[tuple[str, float]]) -> list[Phone]:
    starts = [0.0] + [1000 * end for _, end in labels[:-1]]
    return [Phone(RADIO[name], start, 1000 * end) for (name, end), start in zip(labels, starts, strict=True)]


def with_levels(pcm: NDArray[np.float32], phones: list[Phone]) -> list[Phone]:
    """Give each vowel its loudness above the median vowel of the utterance, -12..12 dB."""

    def level_db(phone: Phone) -> float:
        piece = pcm[int(phone.start_ms * 16) : int(phone.end_ms * 16)]
        return float(10 * np.log10(np.mean(piece**2) + 1e-9)) if len(piece) else -90.0

    levels = {i: level_db(phone) for i, phone in enumerate(phones) if phone.symbol in VOWELS}
    median_db = float(np.median(list(levels.values()))) if levels else 0.0
    return [
        replace(phone, level_db=round(float(np.clip(levels.get(i, median_db) - median_db, -12, 12)), 1))
        for i, phone in enumerate(phones)
    ]


def _prosody(text: str, voice: str, random: np.random.Generator) -> Utterance:
    return Utterance(text, voice, float(random.uniform(0.82, 1.3)), float(random.uniform()))


def _espeak_voice(language: str, random: np.random.Generator) -> str:
    language = str(random.choice(ESPEAK_ENGLISH)) if language == "en" else language
    return f"{language}+{random.choice(ESPEAK_VARIANTS.split())}"


def corpus(seed: int, size: int) -> Iterator[tuple[str, str, Utterance]]:
    """Everything to be spoken.

    Args:
        seed: of the prosody and of who says what.
        size: English sentences, kept-out ones included.

    Yields:
        Synthesiser, name of the file without ending, utterance; kept-out files begin with `held_out/`.
    """
    random = np.random.default_rng(seed)
    train, held_out = english(size)
    for synthesiser, voices in SHARES.items():
        for voice, share in voices.items():
            for i, text in enumerate(train):
                name = _espeak_voice(voice, random) if synthesiser == "espeak" else voice
                utterance = _prosody(text, name, random)
                if random.uniform() < share:
                    yield synthesiser, f"{synthesiser}_{voice}/{i:04d}", utterance
    for language in ESPEAK_LANGUAGES:
        for i, text in enumerate(written(language) * 3):
            yield "espeak", f"espeak_{language}/{i:04d}", _prosody(text, _espeak_voice(language, random), random)
    for i, text in enumerate(held_out):
        yield "festival", f"held_out/{HELD_OUT_VOICE}_{i:04d}", _prosody(text, HELD_OUT_VOICE, random)
        yield "flite", f"held_out/awb_{i:04d}", _prosody(text, "awb", random)


def write(name: Path, utterance: Utterance, spoken: Spoken) -> None:
    """Resample to 16 kHz, fit the labels to the sound and write both files, the labels last."""
    sound, rate_hz, phones = spoken
    pcm = soxr.resample(sound, rate_hz, SAMPLE_RATE_HZ, quality="HQ").astype(np.float32)
    fitted = with_levels(pcm, on_grid(phones, 1000 * len(pcm) / SAMPLE_RATE_HZ))
    record: dict[str, Any] = asdict(utterance) | {"phones": [list(asdict(phone).values()) for phone in fitted]}
    name.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(name.with_suffix(".wav"), np.clip(pcm, -1, 1), SAMPLE_RATE_HZ, subtype="PCM_16")
    name.with_suffix(".json").write_text(json.dumps(record, ensure_ascii=False))


def read(name: Path) -> tuple[NDArray[np.float32], list[Phone]]:
    """Read one utterance back.

    Args:
        name: its path, with any ending.

    Returns:
        `[L]` float32 at 16 kHz, and its phones.
    """
    pcm, _ = soundfile.read(name.with_suffix(".wav"), dtype="float32")
    phones = json.loads(name.with_suffix(".json").read_text())["phones"]
    return pcm, [Phone(*row) for row in phones]


def main() -> None:
    """Speak what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="an ignored folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--only", default="", help="a regular expression of file names")
    options = parser.parse_args()
    speakers = {"flite": speak_flite, "festival": speak_festival, "espeak": espeak_speaker()}
    written_now = 0
    for synthesiser, file, utterance in corpus(options.seed, options.sentences):
        name = options.work / "voices" / file
        if name.with_suffix(".json").exists() or not re.search(options.only, file):
            continue
        try:
            write(name, utterance, speakers[synthesiser](utterance))
            written_now += 1
        except (ValueError, subprocess.CalledProcessError, KeyError) as reason:
            print(f"{file}: left out: {reason!r}")
        if written_now % 200 == 0:
            print(f"{written_now} spoken, at {file}", flush=True)
    print(f"{written_now} utterances spoken")


if __name__ == "__main__":
    main()
