"""Text in, 16-bit speech of espeak-ng with the times of its phonemes out (ctypes on libespeak-ng 1.51)."""

import ctypes
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lipstream.evaluate.phones import SILENCE
from studio.phones import Phone, from_ipa

_PHONEME_EVENT = 7
_RETRIEVAL, _EVENTS_AS_IPA, _UTF8 = 1, 3, 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_VOICELESS_STOPS = ("p", "t", "k", "c", "q", "ʈ")
_CLOSURE_FLOOR_DB = -60.0
_LONGEST_CLOSURE_MS = 120.0
_STEP_MS = 5.0


class _Id(ctypes.Union):
    _fields_: ClassVar = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The library, which exists once a process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self.sample_rate_hz: int = self._library.espeak_Initialize(_RETRIEVAL, 0, None, _EVENTS_AS_IPA)
        self._blocks: list[NDArray[np.int16]] = []
        self._events: list[tuple[float, str]] = []
        self._callback = _CALLBACK(self._receive)  # kept: the library holds only a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, events: Any) -> int:  # noqa: ANN401  ctypes pointers
        if count > 0 and samples:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        i = 0
        while events[i].type:
            if events[i].type == _PHONEME_EVENT:
                start_ms = 1000 * events[i].sample / self.sample_rate_hz
                self._events.append((start_ms, events[i].id.string.decode("utf-8", "replace")))
            i += 1
        return 0

    def speak(
        self, voice: str, text: str, *, words_a_minute: int, pitch: int
    ) -> tuple[NDArray[np.float32], list[Phone]]:
        """Speak a text.

        Args:
            voice: language and variant, `en-us+f2`.
            text: what to say.
            words_a_minute: 80 to 400.
            pitch: 0 to 100.

        Returns:
            `[L]` float32 at `sample_rate_hz`, and its phones.

        Raises:
            ValueError: a voice that espeak-ng lacks.
        """
        self._blocks.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}; list them with `espeak-ng --voices`")
        for parameter, value in ((_RATE, words_a_minute), (_PITCH, pitch), (_RANGE, 60)):
            self._library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        pcm = np.concatenate(self._blocks).astype(np.float32) / np.float32(32768)
        return pcm, _phones(
            _with_closures(pcm, self.sample_rate_hz, self._events), 1000 * len(pcm) / self.sample_rate_hz
        )


def _with_closures(
    pcm: NDArray[np.float32], sample_rate_hz: int, events: list[tuple[float, str]]
) -> list[tuple[float, str]]:
    """Move voiceless stops, which espeak-ng labels at the release, back over the silent closure before it."""
    step = int(sample_rate_hz * _STEP_MS / 1000)
    power = (pcm[: len(pcm) // step * step].reshape(-1, step) ** 2).mean(1)
    level_db = 10 * np.log10(power + 1e-12)
    repaired: list[tuple[float, str]] = []
    for start_ms, name in events:
        moved_ms = start_ms
        if name.startswith(_VOICELESS_STOPS) and repaired and from_ipa(repaired[-1][1]) != [SILENCE]:
            release = at = min(int(start_ms / _STEP_MS) - 1, len(level_db) - 1)
            while at > 0 and level_db[at] < _CLOSURE_FLOOR_DB and (release - at) * _STEP_MS < _LONGEST_CLOSURE_MS:
                at -= 1
            if at < release:
                moved_ms = max((at + 1) * _STEP_MS, repaired[-1][0] + _STEP_MS)
        repaired.append((moved_ms, name))
    return repaired


def _phones(events: list[tuple[float, str]], length_ms: float) -> list[Phone]:
    """Spread each event's time evenly over the phones that it maps to."""
    ends = [start for start, _ in events[1:]] + [length_ms]
    phones: list[Phone] = []
    for (start, name), end in zip(events, ends, strict=True):
        symbols = from_ipa(name)
        for i, symbol in enumerate(symbols):
            share = (end - start) / len(symbols)
            phones.append(Phone(symbol, start + i * share, start + (i + 1) * share))
    if phones and phones[0].start_ms > 0:
        phones.insert(0, Phone(SILENCE, 0.0, phones[0].start_ms))
    return phones
