"""A speech in, the frames or the MP4 that a `lipstream serve` makes of it out; blocking or on an event loop."""

from lipstream.client.asynchronous import AsyncClient
from lipstream.client.blocking import Client
from lipstream.client.live import SpokenEvent
from lipstream.client.messages import SpokenFrame

__all__ = ["AsyncClient", "Client", "SpokenEvent", "SpokenFrame"]
