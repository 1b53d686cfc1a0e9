"""What a recording holds in, whether it can be trained on and what is wrong with it, in words to act on, out."""

from dataclasses import asdict, dataclass

from lipstream.errors import InputError
from lipstream.types import FRAME_RATE_HZ

LEAST_USABLE_S = 4.0
LEAST_SPEECH_S = 1.0
LEAST_FACE_PIXELS = 90.0
"""Height of the face: below, the crop's 320 pixels hold fewer than 90 of the camera."""
GOOD_FACE_PIXELS = 220.0
GOOD_S = 60.0
GOOD_SHARE = 0.8
FOLLOWING_R = 0.2
"""Correlation of heard and seen lips below which the voice is hardly this face's."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one person's recordings."""

    duration_s: float
    """Of all recordings."""
    usable_share: float
    """Pictures in which the person's face can be used, 0..1."""
    speech_s: float
    """In which somebody speaks."""
    face_height_px: float
    """Forehead to chin, median over the usable pictures."""
    cuts: int
    """Places where the person's picture jumps or is missing for a while."""
    sound_late_ms: float
    """How late the sound was against the picture before it was corrected; 0 where it was in time."""
    following_r: float
    """How well the lips that are seen follow the sound, by what the speech networks hear."""

    @property
    def usable_s(self) -> float:
        """Seconds of usable pictures."""
        return self.duration_s * self.usable_share

    def as_json(self) -> dict[str, float]:
        """Plain numbers, rounded."""
        return {name: round(value, 3) for name, value in asdict(self).items()}

    def lines(self) -> list[str]:
        """What was found, a sentence a line."""
        size = f"The face is {self.face_height_px:.0f} pixels high"
        sound = f"the sound came {abs(self.sound_late_ms):.0f} ms {'late' if self.sound_late_ms > 0 else 'early'}"
        in_time = "Sound and picture are in time" if self.sound_late_ms == 0 else f"Corrected: {sound}"
        share = f"{100 * self.usable_share:.0f} % of it with a usable face"
        return [
            f"{self.duration_s:.1f} s of video, {share}, {self.speech_s:.1f} s of speech, {self.cuts} cuts or gaps.",
            f"{size}. {in_time}; the lips follow it with r {self.following_r:.2f}.",
            *self.remarks(),
        ]

    def remarks(self) -> list[str]:
        """What would make the recording better, a sentence each."""
        remarks = []
        if self.usable_s < GOOD_S:
            remarks.append(f"Only {self.usable_s:.0f} s can be used: one to three minutes give a better mouth.")
        if self.usable_share < GOOD_SHARE:
            remarks.append(
                "In many pictures no face can be used: look at the camera, keep hands and microphone off the mouth."
            )
        if self.face_height_px < GOOD_FACE_PIXELS:
            remarks.append("The face is small: come closer or record in a higher resolution for a sharper mouth.")
        if self.following_r < FOLLOWING_R:
            remarks.append("The lips hardly follow the sound: is it this person's own voice, and no music over it?")
        return remarks


def check_sound(sound_s: float, speech_s: float, names: str) -> None:
    """Refuse a recording that is too short or in which nobody speaks, before anyone looks at its pictures.

    Raises:
        InputError: less than four seconds of sound, or than one of speech.
    """
    if sound_s < LEAST_USABLE_S:
        raise InputError(_too_short(names, f"{sound_s:.1f} s of sound"))
    if speech_s < LEAST_SPEECH_S:
        raise InputError(
            f"There is no speech in {names}: {speech_s:.1f} s of it were heard, expected at least "
            f"{LEAST_SPEECH_S:.0f} s; record the person speaking, with the sound on and no music over it."
        )


def check_usable(findings: Findings, names: str) -> None:
    """Refuse what cannot be trained on.

    Raises:
        InputError: no face, too small a one, or too few pictures of it.
    """
    if findings.usable_share == 0:
        raise InputError(f"No face was found in {names}; expected one person who looks at the camera.")
    if findings.face_height_px < LEAST_FACE_PIXELS:
        raise InputError(
            f"The face in {names} is too small: {findings.face_height_px:.0f} pixels high, expected at least "
            f"{LEAST_FACE_PIXELS:.0f}; come closer to the camera or record in a higher resolution."
        )
    if findings.usable_s < LEAST_USABLE_S:
        raise InputError(_too_short(names, f"{findings.usable_s:.1f} s that show a usable face"))


def _too_short(names: str, found: str) -> str:
    return (
        f"{names} is too short: it has {found}, expected at least {LEAST_USABLE_S:.0f} s, "
        "better one to three minutes; record more."
    )


def seconds(frames: int) -> float:
    """Frames at 25 a second in seconds."""
    return frames / FRAME_RATE_HZ
