"""An avatar's networks of speech in, what moves its mouth out: articulation codes, or contexts of speech features."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lipstream.audio.voice import SPEAKING, VoiceStream
from lipstream.errors import InputError
from lipstream.speech.articulation import FADE_BEHIND, clamp, fade_weights, seal
from lipstream.speech.codes import FULL_LOOKAHEAD_MS, SpeechToCode
from lipstream.speech.contexts import SpeechToContexts
from lipstream.types import CODE_SIZE, CONTEXT_ROWS, MEL_BINS, WINDOW_ROWS, Contexts, Engine, Float32, Pcm

SILENT_MEL = -4.0  # the lowest level of a mel row


class Speech(Protocol):
    """A speech that is heard as it comes; `b` frames have a shape of `[b, *rest.shape]`."""

    def push(self, pcm: Pcm) -> Float32:
        """Take the next samples, `[n]` float32 at 16 kHz; returns what moves the mouth in the frames they complete."""
        ...

    def finish(self) -> Float32:
        """Return the last frames, ceil(samples / 640) in all; then ready for other speech."""
        ...

    @property
    def pauses(self) -> NDArray[np.bool_]:
        """Of the frames that were returned last, `[b]`, whether nobody speaks so near that a mouth would move."""
        ...


class Drive(Protocol):
    """What moves a mouth."""

    @property
    def rest(self) -> Float32:
        """What a mouth at rest is driven by, `[12]` or `[32, 16, 16]` float32."""
        ...

    def begin(self, *, gain: float = 1.0, lookahead_ms: int = FULL_LOOKAHEAD_MS) -> Speech:
        """Begin a speech; see `Avatar.speech`."""
        ...

    def of_contexts(self, audio: Contexts) -> Float32:
        """What features that are sent, `[b, 32, 16, 16]` float32, move the mouth by."""
        ...


@dataclass(frozen=True, eq=False)
class CodeDrive:
    """Articulation, `[b, 12]` float32."""

    encoder: Engine
    """`mel` to `features`."""
    articulation: Engine
    """`audio` to `code`."""
    rest: Float32 = field(default_factory=lambda: np.zeros(CODE_SIZE, np.float32))
    """The closed mouth."""

    def begin(self, *, gain: float = 1.0, lookahead_ms: int = FULL_LOOKAHEAD_MS) -> SpeechToCode:
        """Begin a speech; InputError if the look-ahead is too short or the gain no number from 0 up."""
        return SpeechToCode(self.encoder, self.articulation, lookahead_ms=lookahead_ms, gain=gain)

    def of_contexts(self, audio: Contexts) -> Float32:
        """Codes of features that are sent."""
        return clamp(seal(self.articulation.run({"audio": audio})["code"]))


class FeatureDrive:
    """Contexts of speech features, `[b, 32, 16, 16]` float32: the generator has learnt itself what a mouth does.

    Args:
        name: of the avatar, for messages.
        encoder: `mel` to `features`, the one that the generator was trained with; None if the avatar lacks it.
    """

    def __init__(self, name: str, encoder: Engine | None) -> None:
        self._name = name
        self.encoder = encoder
        self.rest: Float32 = np.zeros((32, 16, 16), np.float32)
        """What silence sounds like; zeros where there is no encoder to tell."""
        if encoder is not None:
            silence = np.full((1, 1, MEL_BINS, WINDOW_ROWS), SILENT_MEL, np.float32)
            row = encoder.run({"mel": silence})["features"]
            self.rest = np.repeat(row, CONTEXT_ROWS, axis=0).reshape(32, 16, 16)

    def begin(self, *, gain: float = 1.0, lookahead_ms: int = FULL_LOOKAHEAD_MS) -> "FeatureSpeech":
        """Begin a speech.

        Raises:
            InputError: the avatar has no encoder, another gain than 1 is asked for, or the look-ahead is too short.
        """
        if gain != 1.0:
            raise InputError(
                f"Avatar {self._name} was imported and opens its mouth as it learnt to; gain is {gain:g}, expected 1."
            )
        return FeatureSpeech(SpeechToContexts(self.own_encoder(), lookahead_ms=lookahead_ms))

    def own_encoder(self) -> Engine:
        """The encoder; raises InputError if the avatar has none."""
        if self.encoder is None:
            raise InputError(
                f"Avatar {self._name} has no speech encoder, so it can show speech features that are sent, or its own, "
                "but hears no sound; import it again with --encoder."
            )
        return self.encoder

    def of_contexts(self, audio: Contexts) -> Float32:
        """The features that are sent, as they are."""
        return audio


class FeatureSpeech:
    """A speech of which contexts are heard, and pauses beside them, for the contexts themselves do not tell.

    Args:
        contexts: hears the contexts.
    """

    def __init__(self, contexts: SpeechToContexts) -> None:
        self._contexts, self._voice = contexts, VoiceStream()
        self._restart()
        self.pauses: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """Of the frames that were returned last, `[b]`, whether nobody speaks so near that a mouth would move."""

    def push(self, pcm: Pcm) -> Contexts:
        """Take the next samples, `[n]` float32 at 16 kHz; returns the contexts of the frames they complete."""
        self._listen(self._voice.push(pcm))
        return self._take(self._contexts.push(pcm))

    def finish(self) -> Contexts:
        """Return the contexts of the last frames, ceil(samples / 640) in all; then ready for other speech."""
        self._listen(self._voice.finish())
        last = self._take(self._contexts.finish())
        self._restart()
        return last

    def _restart(self) -> None:
        self._speaking = np.zeros(FADE_BEHIND, np.bool_)  # from so many frames before the next one on

    def _listen(self, probability: Float32) -> None:
        self._speaking = np.concatenate([self._speaking, probability >= SPEAKING])

    def _take(self, contexts: Contexts) -> Contexts:
        self.pauses = fade_weights(self._speaking)[FADE_BEHIND : FADE_BEHIND + len(contexts)] == 0.0
        self._speaking = self._speaking[len(contexts) :]
        return contexts
