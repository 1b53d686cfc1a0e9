"""The one configuration of a process, composed once at the edge; `server` holds what `lipstream serve` adds to it."""

from lipstream.config.environment import Config, LogLevel, read_config

__all__ = ["Config", "LogLevel", "read_config"]
