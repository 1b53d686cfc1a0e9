"""The HTTP routes: audio in, video of an avatar that speaks it out; and what people and monitors ask a server."""
