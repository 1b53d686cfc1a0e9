"""A message in, the dialect it is written in out: text is JSON; bytes are told apart by how they begin.

78 56 34 12      the magic number: `checked`; as a length it would be a name of 300 MB
7B               `{`: JSON in UTF-8; as a length it would be a name of 123 bytes, and no name is as long
any other byte   `binary`: the lowest byte of the name's length
"""

from lipstream.wire.dialects.asked import Opened
from lipstream.wire.dialects.binary import BinaryMessage
from lipstream.wire.dialects.checked import MAGIC_BYTES, CheckedMessage
from lipstream.wire.dialects.text import opened_text


def opened(message: str | bytes) -> Opened:
    """Tell in which dialect a message is written, and so answered; whatever it is, it is of one."""
    if isinstance(message, str) or message[:1] == b"{":
        return opened_text(message)
    return CheckedMessage(message) if message.startswith(MAGIC_BYTES) else BinaryMessage(message)
