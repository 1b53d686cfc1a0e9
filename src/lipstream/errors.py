"""Every error that lipstream raises on purpose; each message says what was got, what was expected and what to do.

LipstreamError
├── InputError (ValueError)           audio, video or arguments that cannot be used
│   └── MediaError                    a file that cannot be decoded, or holds no sound or no picture
├── AvatarError (ValueError)          an avatar bundle that is damaged or malformed
│   ├── AvatarNotFoundError           no avatar of that name or path (also LookupError)
│   ├── AvatarVersionError            a bundle of another version of the format or of the codes
│   └── AvatarTooLargeError           an avatar that needs more memory than all of them may take
├── AccessError (PermissionError)     something that this caller may not do
│   └── UnknownCallerError            a caller without a key, or with one that is not known
├── SessionOverError (TimeoutError)   a live session that idled or lasted too long
├── SessionNotFoundError (LookupError) no live session of that id
├── BusyError (RuntimeError)          everything is in use at the moment; the same request may succeed later
├── EngineError (RuntimeError)        an inference engine that is missing, fails to load or fails its golden test
├── ServerError (ConnectionError)     a server that cannot be reached, or that failed
├── OutputError (OSError)             an output that cannot be written
│   └── OutputExistsError             an output that exists (also FileExistsError)
└── MissingExtraError (ImportError)   an optional package that is not installed
"""

RETRY_AFTER_MS = 200
"""After which it is worth asking again what was refused for lack of room, unless the refusal says otherwise."""


class LipstreamError(Exception):
    """Root of every error raised on purpose."""


class InputError(LipstreamError, ValueError):
    """Input that cannot be used."""


class MediaError(InputError):
    """A file that cannot be decoded, or that holds no sound or no picture."""


class AvatarError(LipstreamError, ValueError):
    """An avatar bundle that is damaged or malformed."""


class AvatarNotFoundError(AvatarError, LookupError):
    """No avatar of that name or path."""


class AvatarVersionError(AvatarError):
    """A bundle of another version, of the format or of the articulation codes, than this lipstream reads."""


class AvatarTooLargeError(AvatarError):
    """An avatar that needs more memory than all avatars together may take."""


class AccessError(LipstreamError, PermissionError):
    """Something that this caller may not do."""


class UnknownCallerError(AccessError):
    """A caller without a key, or with one that is not known."""


class SessionOverError(LipstreamError, TimeoutError):
    """A live session that the server ends: nothing came for too long, or it lasted as long as it may."""


class SessionNotFoundError(LipstreamError, LookupError):
    """No live session of that id, or no longer."""


class BusyError(LipstreamError, RuntimeError):
    """Everything is in use at the moment; the same request may succeed later."""

    def __init__(self, message: str = "", *, retry_after_ms: int = RETRY_AFTER_MS) -> None:
        """Say what is in use, and after how long it is worth asking again."""
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class EngineError(LipstreamError, RuntimeError):
    """An inference engine that is missing, fails to load, or fails to reproduce the golden values."""


class ServerError(LipstreamError, ConnectionError):
    """A server that cannot be reached, or that failed."""


class OutputError(LipstreamError, OSError):
    """An output that cannot be written."""


class OutputExistsError(OutputError, FileExistsError):
    """An output that exists already, without leave to overwrite it."""


class MissingExtraError(LipstreamError, ImportError):
    """An optional package that is not installed; the message names the extra."""


def reason_of(error: Exception, *, line: int = -1) -> str:
    """One line of what a library's exception says, the last unless told; the name of its type if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[line] if lines else type(error).__name__
