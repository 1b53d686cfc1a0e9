"""The WebSocket dialects of the reference system: bytes and text in, what is asked out; answers back into both."""
