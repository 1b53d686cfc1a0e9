"""What a user says of a face in, who is shown, on what terms and by whom the avatar was made out: for its manifest."""

from dataclasses import dataclass
from pathlib import Path

from lipstream.errors import InputError

NOT_RECORDED = "not recorded"
MAX_CONSENT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Terms:
    """Who may do what with a face; every field is a word or a sentence."""

    subject: str = NOT_RECORDED
    """Who is shown."""
    consent: str = NOT_RECORDED
    """On what ground this face may speak."""
    licence: str = NOT_RECORDED
    """What others may do with the avatar."""
    made_by: str = NOT_RECORDED
    """Who made it."""

    @property
    def missing(self) -> list[str]:
        """The fields that nobody has filled."""
        return [name for name in ("subject", "consent", "licence", "made_by") if getattr(self, name) == NOT_RECORDED]


def stated_terms(
    *,
    subject: str | None = None,
    consent: str | None = None,
    licence: str | None = None,
    made_by: str | None = None,
    is_self: bool = False,
) -> Terms:
    """Put together what a user says.

    Args:
        subject: who is shown.
        consent: on what ground; a sentence, or the path of a text that holds it.
        licence: an SPDX identifier or a sentence.
        made_by: who makes the avatar.
        is_self: the person shown makes it of themselves, which answers all that is not said.

    Raises:
        InputError: the text cannot be read, or is longer than 64 KB; or somebody else's consent is said of oneself.
    """
    if is_self:
        if subject is not None or consent is not None:
            raise InputError("--self says who is shown and that they agree; leave out --subject and --consent.")
        subject, consent = "the person who made it", "their own face"
        made_by = made_by or "the person shown"
        licence = licence or "all rights reserved"
    return Terms(
        subject or NOT_RECORDED,
        _text(consent) if consent else NOT_RECORDED,
        licence or NOT_RECORDED,
        made_by or NOT_RECORDED,
    )


def _text(consent: str) -> str:
    """The sentence itself, or what the file of that name holds."""
    try:
        data = Path(consent).read_bytes() if Path(consent).is_file() else None
    except (OSError, ValueError):  # too long for a name, or with a zero in it: a sentence
        data = None
    if data is None:
        return consent
    if len(data) > MAX_CONSENT_BYTES:
        raise InputError(f"{consent} has {len(data)} bytes; a consent has at most {MAX_CONSENT_BYTES}.")
    try:
        return data.decode("utf-8").strip() or NOT_RECORDED
    except UnicodeDecodeError as error:
        raise InputError(f"{consent} is no text in UTF-8 ({error}); expected the words of the consent.") from error
