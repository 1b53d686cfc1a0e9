"""WebSocket: the door that every socket comes in by, and what answers behind it."""
