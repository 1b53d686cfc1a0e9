"""Sentences in, speech of free synthesisers with phone times out: `python -m studio.voices WORK`.

Every utterance becomes `WORK/voices/VOICE/NNNN.wav` (16 kHz mono) and `NNNN.json` (text, phones). Finished ones are
skipped, so the step resumes; the same seed speaks the same corpus.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from lipstream.evaluate.phones import VOWELS
from studio.espeak import Espeak
from studio.phones import CATALAN, CZECH, FINNISH, INDIC, ITALIAN, RADIO, RUSSIAN, Phone, on_grid
from studio.texts import english, nonsense, shuffled, written

SAMPLE_RATE_HZ = 16_000
HELD_OUT_VOICE = "ked"
"""Festival's ked: a speaker, and recordings, that no other voice shares."""


@dataclass(frozen=True, slots=True)
class FestivalVoice:
    """How to call one of festival's voices."""

    name: str
    """festival's own, after `voice_`."""
    language: str = "en"
    """Of the texts that it reads."""
    phones: Mapping[str, str] = field(default_factory=lambda: RADIO)
    """From its phone set to the common one."""
    encoding: str = "utf-8"
    """What it reads text in."""


FESTIVAL_VOICES = {
    "kal": FestivalVoice("kal_diphone"),
    "ked": FestivalVoice("ked_diphone"),
    "slt_hts": FestivalVoice("cmu_us_slt_arctic_hts"),
    "it_lp": FestivalVoice("lp_diphone", "it", ITALIAN, "latin-1"),
    "it_pc": FestivalVoice("pc_diphone", "it", ITALIAN, "latin-1"),
    "cs_ph": FestivalVoice("czech_ph", "cs", CZECH, "iso-8859-2"),
    "cs_krb": FestivalVoice("czech_krb", "cs", CZECH, "iso-8859-2"),
    "cs_machac": FestivalVoice("czech_machac", "cs", CZECH, "iso-8859-2"),
    "cs_dita": FestivalVoice("czech_dita", "cs", CZECH, "iso-8859-2"),
    "fi_lj": FestivalVoice("suo_fi_lj_diphone", "fi", FINNISH, "latin-1"),
    "fi_mv": FestivalVoice("hy_fi_mv_diphone", "fi", FINNISH, "latin-1"),
    "hi_nsk": FestivalVoice("hindi_NSK_diphone", "hi", INDIC),
    "mr_nsk": FestivalVoice("marathi_NSK_diphone", "mr", INDIC),
    "te_nsk": FestivalVoice("telugu_NSK_diphone", "te", INDIC),
    "ru_nsh": FestivalVoice("msu_ru_nsh_clunits", "ru", RUSSIAN),
    "ca_ona": FestivalVoice("upc_ca_ona_hts", "ca", CATALAN, "iso-8859-15"),
}
HELD_OUT_ABROAD = ("cs_dita", "ca_ona")
"""A Czech voice whose language is trained on, and the one voice of a language, Catalan, that is not."""
ESPEAK_ENGLISH = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
ESPEAK_LANGUAGES = ("de", "fr", "it", "cs", "fi", "ru", "pl", "nl", "sv", "pt", "tr")
ESPEAK_VARIANTS = (
    "f1 f2 f3 f4 f5 m1 m2 m3 m4 m5 m6 m7 m8 klatt klatt2 klatt3 klatt4 klatt6 Alex Alicia Andrea Andy Annie Lee Marco"
    " Michael adam anika belinda david ed edward2 john linda max pablo paul steph travis zac"
)
"""Natural ones; the robots, whispers and croaks are left out."""
INVENTED_SENTENCES = 500
SHUFFLED_SENTENCES = 240
"""For each of festival's voices of other languages."""
ESPEAK_SHUFFLED_SENTENCES = 40
"""For each of espeak-ng's languages."""
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
    voice = FESTIVAL_VOICES[utterance.voice]
    with tempfile.TemporaryDirectory() as folder:
        wav, segments, script = (Path(folder) / name for name in ("speech.wav", "speech.seg", "speech.scm"))
        text = utterance.text.replace('"', "").replace("\\", "")
        lines = (
            f"(voice_{voice.name}) (Parameter.set 'Duration_Stretch {utterance.stretch:.3f})",
            f'(set! u (SynthText "{text}")) (utt.save.segs u "{segments}") (utt.save.wave u "{wav}" \'riff)',
        )
        script.write_text("\n".join(lines), encoding=voice.encoding)
        said = subprocess.run(["festival", "-b", str(script)], check=True, capture_output=True)
        if b"default diphone" in said.stderr + said.stdout:
            raise ValueError(f"{utterance.voice} lacks a diphone of {text!r}: leave the sentence out")
        pcm, rate_hz = soundfile.read(wav, dtype="float32")
        rows = [line.split() for line in segments.read_text("latin-1").splitlines() if not line.startswith("#")]
    # Units joined from recordings lose time that their labels keep: 25 ms by the end of a sentence.
    scale = len(pcm) / rate_hz / float(rows[-1][0]) if voice.name.endswith("clunits") else 1.0
    return pcm, rate_hz, _from_ends([(row[2], scale * float(row[0])) for row in rows], voice.phones)


def espeak_speaker() -> Callable[[Utterance], Spoken]:
    """Open espeak-ng, once."""
    espeak = Espeak()

    def speak(utterance: Utterance) -> Spoken:
        words_a_minute, pitch = int(165 / utterance.stretch), int(20 + 60 * utterance.pitch)
        pcm, phones = espeak.speak(utterance.voice, utterance.text, words_a_minute=words_a_minute, pitch=pitch)
        return pcm, espeak.sample_rate_hz, phones

    return speak


def _from_ends(labels: list[tuple[str, float]], names: Mapping[str, str] = RADIO) -> list[Phone]:
    starts = [0.0] + [1000 * end for _, end in labels[:-1]]
    return [Phone(names[name], start, 1000 * end) for (name, end), start in zip(labels, starts, strict=True)]


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
    yield from _invented(random)
    yield from _abroad(random)


def _invented(random: np.random.Generator) -> Iterator[tuple[str, str, Utterance]]:
    """English voices on words that no one says."""
    for synthesiser, voices in SHARES.items():
        for voice, share in voices.items():
            for i, text in enumerate(nonsense(INVENTED_SENTENCES)):
                name = _espeak_voice(voice, random) if synthesiser == "espeak" else voice
                utterance = _prosody(text, name, random)
                if random.uniform() < share:
                    yield synthesiser, f"{synthesiser}_{voice}/invented_{i:04d}", utterance


def _abroad(random: np.random.Generator) -> Iterator[tuple[str, str, Utterance]]:
    """Festival's voices of other languages, and espeak-ng's, on shuffled words."""
    for voice, settings in FESTIVAL_VOICES.items():
        if settings.language == "en":
            continue
        held_out = voice in HELD_OUT_ABROAD
        for i, text in enumerate(shuffled(settings.language, 40 if held_out else SHUFFLED_SENTENCES)):
            folder = "held_out" if held_out else f"festival_{voice}"
            yield "festival", f"{folder}/{voice}_{i:04d}", _prosody(text, voice, random)
    for language in (*ESPEAK_LANGUAGES, "hi", "mr", "te"):
        for i, text in enumerate(shuffled(language, ESPEAK_SHUFFLED_SENTENCES, seed=3)):
            utterance = _prosody(text, _espeak_voice(language, random), random)
            yield "espeak", f"espeak_{language}/shuffled_{i:04d}", utterance


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


def text(name: Path) -> str:
    """What an utterance says; `name` is its path, with any ending."""
    said: str = json.loads(name.with_suffix(".json").read_text())["text"]
    return said


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
